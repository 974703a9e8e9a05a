import os
import socket
import time
from datetime import timedelta
from functools import partial

import structlog
from django import db
from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from clearline.platform.alerts.services import tend
from clearline.platform.alerts.signals import read_signals
from clearline.platform.calls.analysis import WorkerEndsError, analyse_upload
from clearline.platform.calls.models import Upload
from clearline.platform.jobs.beside import Step, run_beside
from clearline.platform.jobs.ending import ending
from clearline.platform.jobs.lease import claim, give_back
from clearline.platform.maintenance.planning import tell_due
from clearline.platform.measurements import own_records, records
from clearline.platform.outbox.models import Channel
from clearline.platform.outbox.sending import send_due
from clearline.platform.status.publish import publish
from clearline.records.errors import RecordsError
from clearline.records.nightly import due, nightly
from clearline.records.upkeep import keep_up as keep_measurements

log = structlog.get_logger(__name__)


def keep_nights() -> None:
    """Once a night: the retention, and the roll-ups against the rows; on a store of its own, so that nobody waits."""
    store = own_records()
    try:
        if due(store):
            nightly(store)
    except RecordsError:
        log.exception("the measurements' nightly check failed")
    finally:
        store.close()


IDLE_S = 1.0
"""Due rows are looked for this often while there are none."""
BESIDE = (
    Step("alerts", partial(tend, timezone.now), 5.0),
    Step("calls", partial(send_due, Channel.CALL, timezone.now), 1.0),
    Step("e-mail", partial(send_due, Channel.EMAIL, timezone.now), 1.0),
    Step("measurements' nightly check", keep_nights, 60.0),
    Step("notices", partial(tell_due, timezone.now), 5.0),
    Step("status", partial(publish, timezone.now), 20.0),
    Step("signals", partial(read_signals, timezone.now), 15.0),
    Step("webhooks", partial(send_due, Channel.WEBHOOK, timezone.now), 1.0),
)
"""What must not wait for the analysis of a large capture."""

UPKEEP_S = 60.0
"""The measurements are sealed, merged and rolled up this often."""


def keep_up() -> None:
    """Keep the measurements in order; what goes wrong is logged and tried again next time."""
    try:
        keep_measurements(records())
    except RecordsError:
        log.exception("the measurements' upkeep failed")


class Command(BaseCommand):
    """Do what is due, one row at a time, until asked to end."""

    help = "Do due work until asked to end."

    def handle(self, **_: object) -> None:
        """Claim and work; a database that is away for a moment is waited for."""
        asked = ending()
        beside = run_beside(BESIDE, asked)
        owner = f"{socket.gethostname()}:{os.getpid()}"[:64]
        lease = timedelta(seconds=settings.CLEARLINE.job_lease_seconds)
        keep_up_at = 0.0
        while not asked.is_set():
            if time.monotonic() >= keep_up_at:
                keep_up()
                keep_up_at = time.monotonic() + UPKEEP_S
            try:
                upload = claim(Upload, owner, timezone.now(), lease)
            except db.Error:
                log.exception("the database did not answer")
                db.connection.close()
                upload = None
            if upload is None:
                asked.wait(IDLE_S)
                continue
            try:
                analyse_upload(upload, lease, asked.is_set)
            except WorkerEndsError:
                give_back(upload)
        for thread in beside:
            thread.join()
