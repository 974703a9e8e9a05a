import asyncio
import signal
from collections.abc import Sequence

import structlog
from django import db
from django.core.management.base import BaseCommand
from django.utils import timezone

from clearline.platform.availability.services import probed_targets, suspect
from clearline.platform.measurements import records
from clearline.records.schema import ProbeSample
from clearline.sensors.probe.schedule import run_probes
from clearline.sensors.probe.target import Target

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Probe every target on its interval and keep each sample, until asked to end."""

    help = "Probe the targets until asked to end."

    def handle(self, **_: object) -> None:
        """Run the prober; SIGTERM and Ctrl-C end it after what was measured is kept."""
        asyncio.run(_probe())


async def _probe() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run_probes(_read_targets, _keep, stop=stop)


def _read_targets() -> list[Target]:
    """Read the targets with a connection of this turn only: the prober's threads come and go."""
    try:
        return probed_targets()
    finally:
        db.connection.close()


def _keep(samples: Sequence[ProbeSample]) -> None:
    """Keep samples; that the other places hear of a failure is no condition of it."""
    records().append(samples)
    try:
        suspect(samples, timezone.now())
    except db.Error:
        log.exception("the other vantage points could not be told of a failure")
    finally:
        db.connection.close()
