"""What breaks for real, and what becomes of it: the outage or none, its start, whose it is, and the money.

Every fault happens at once, each to a server of its own, while the platform's prober and three agents measure. Half an
hour of good samples lies before, so that the length of an outage decides how many steps it costs. The short run is for
every day; `./clearline bench probes --chaos` makes the long one too, and prints what was found.
"""

import asyncio
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone
from tests.peers.servers import missing
from tests.peers.world import FEE, Fault, Times, World, done

from clearline.agreement.moments import datetime_us
from clearline.platform.availability import observation, runs
from clearline.platform.availability.models import Target
from clearline.platform.availability.outages import Availability, Outage
from clearline.platform.customers.models import Service
from clearline.platform.measurements import records
from clearline.platform.statements.services import month_statement
from clearline.sensors.agent import agent as agents
from clearline.sensors.probe.schedule import run_probes

LONG = "CLEARLINE_CHAOS"
pytestmark = [
    pytest.mark.peer,
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.skipif(bool(missing()), reason=f"not installed: Debian packages {missing()}"),
]

S = 1_000_000
WARM_S, RECOVERY_S = 3, 3
PHASE_S = 3
"""A flapping server is frozen for so long, then answers for so long."""

LATE_US = 1_900_000
"""How much later than planned a busy machine may probe; later still is a gap, and unknown."""

EARLY_US = 200_000
"""A probe is dated before it is sent, and its time limit may fire late: it may wait longer than the limit."""

JITTER = Fraction(105, 100)


@pytest.fixture
def world(
    request: pytest.FixtureRequest,
    transactional_db: None,
    tmp_path: Path,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    settings.CLEARLINE = django_settings.CLEARLINE.model_copy(update={"data": tmp_path})
    observation._observe.cache_clear()
    runs._condensed.clear()
    monkeypatch.setattr(agents, "EXCHANGE_EVERY_S", 0.5)
    with ExitStack() as stack:
        yield World(tmp_path, stack, long=request.param > PHASE_S * 2)


async def broken(fault: Fault, length_s: float) -> None:
    began = await asyncio.to_thread(done, fault.begin)
    try:
        await asyncio.sleep(fault.lasts_s or length_s)
    finally:
        fault.times.append((began, done(fault.end)))


async def flapping(fault: Fault, length_s: float) -> None:
    for _ in range(max(2, round(length_s / PHASE_S / 2))):
        await broken(fault, PHASE_S)
        await asyncio.sleep(PHASE_S)


async def live(world: World, length_s: float) -> None:
    """Measure from everywhere while everything breaks and is repaired."""
    stop = asyncio.Event()
    wanted = await asyncio.to_thread(world.seen_by_the_prober)
    measuring: list[asyncio.Task[Any]] = [asyncio.create_task(run_probes(lambda: wanted, records().append, stop=stop))]
    measuring += [asyncio.create_task(one.agent.run(stop, one.probe)) for one in world.agents.values()]
    await asyncio.sleep(WARM_S)
    await asyncio.gather(
        *((flapping if name == "flapping" else broken)(fault, length_s) for name, fault in world.faults.items())
    )
    await asyncio.sleep(RECOVERY_S)
    stop.set()
    await asyncio.gather(*measuring)


def check(outage: Outage, fault: Fault, times: Times) -> None:
    """The outage begins and ends when it did in truth, within what it says of its own uncertainty."""
    (before_us, after_us), (mending_us, mended_us) = times
    interval_us, timeout_us = fault.target.interval_seconds * S, fault.target.timeout_seconds * S
    latest_us = int(interval_us * JITTER) + LATE_US
    assert re.search(fault.says, outage.reason)
    assert outage.from_uncertainty_us is not None
    assert outage.from_us - outage.from_uncertainty_us <= after_us, "it worked after it was broken"
    assert before_us - timeout_us - EARLY_US <= outage.from_us <= after_us + latest_us
    assert outage.from_uncertainty_us <= latest_us
    assert outage.ended_by == "answer"
    assert outage.until_us is not None
    assert mending_us - timeout_us - EARLY_US <= outage.until_us <= mended_us + latest_us


def owed(service: Service, down_us: int, observed_us: int) -> Decimal:
    """Clause 6.1 by hand: 10 % of the month's fee for each started percent below 99.9 %, the fee by the days served."""
    month = service.agreement.month_of(timezone.now())
    from_us, until_us = month.interval(service.agreement.versions.get().terms.zone)
    served = Fraction(until_us - max(from_us, datetime_us(service.starts_at)), until_us - from_us)
    below = Fraction(999, 10) - Fraction(100 * (observed_us - down_us), observed_us)
    amount = Fraction(FEE) * served * min(max(0, ceil(below)) * 10, 100) / 100
    return (Decimal(amount.numerator) / amount.denominator).quantize(Decimal("0.01"), ROUND_HALF_UP)


LONG_ONE = pytest.mark.skipif(LONG not in os.environ, reason="runs in ./clearline bench probes --chaos")


@pytest.mark.parametrize(
    ("world", "steps"),
    [pytest.param(6, 1, id="short"), pytest.param(25, 2, id="long", marks=LONG_ONE)],
    indirect=["world"],
)
def test_each_fault_is_the_right_outage_for_the_right_customers_and_the_right_money(world: World, steps: int) -> None:
    length_s = 6 if steps == 1 else 25
    asyncio.run(live(world, length_s))
    for one in world.agents.values():
        while one.agent.exchange():
            pass
    now = timezone.now()
    span = (datetime_us(world.since), datetime_us(now))
    owing: dict[str, str] = {}
    for name, fault in world.faults.items():
        seen = observation.observe(fault.target, span, span[1])
        told = fault.times if fault.says else []
        report(name, seen.outages, told)
        assert len(seen.outages) == len(told), name
        for outage, times in zip(seen.outages, told, strict=True):
            check(outage, fault, times)
        owing |= credited(fault.target, seen, now)
    steady = observation.observe(world.steady, span, span[1])
    assert steady.outages == ()
    assert credited(world.steady, steady, now) == {}
    expected = {f"{name} Ltd" for name, fault in world.faults.items() if fault.says}
    assert owing.keys() == expected | {"Also on the killed server Ltd"}
    one_long = ("killed", "stopped", "frozen", "wrong password", "expired certificate", "both see it, one late")
    assert {owing[f"{name} Ltd"] for name in one_long} == {str(steps)}
    check_unknown(world, span, length_s)


def report(name: str, outages: Sequence[Outage], told: Sequence[Times]) -> None:
    sys.stdout.write(f"  {name:22} {len(outages)} outages\n")
    for outage, ((_, broken_us), (_, mended_us)) in zip(outages, told, strict=False):
        late_s, length_s = (outage.from_us - broken_us) / S, ((outage.until_us or 0) - outage.from_us) / S
        sys.stdout.write(f"    began {late_s:+.2f} s after the fault, {length_s:.2f} s long, ")
        sys.stdout.write(f"in truth {(mended_us - broken_us) / S:.2f} s: {outage.reason}\n")


def credited(target: Target, seen: Availability, now: datetime) -> dict[str, str]:
    """The steps that each customer of a target is credited, found equal to the sum by hand."""
    down_us = sum((outage.until_us or 0) - outage.from_us for outage in seen.outages)
    steps = {}
    for service in target.services.all():
        found = month_statement(service, service.agreement.month_of(now), now)
        assert found is not None
        document = found.statement.to_json()
        assert Decimal(document["total"]["amount"]) == owed(service, down_us, seen.observed.total_us)
        if document["credits"]:
            steps[service.customer.name] = document["credits"][0]["steps"]
    return steps


def check_unknown(world: World, span: tuple[int, int], length_s: int) -> None:
    """While the only clock was off nothing is known; where another looked, everything is."""
    stepped = observation.observe(world.faults["clock stepped"].target, span, span[1])
    assert span[1] - span[0] - stepped.observed.total_us >= (length_s - 1) * S
    for name in ("one cut off", "one sees nothing"):
        seen = observation.observe(world.faults[name].target, span, span[1])
        assert span[1] - span[0] - seen.observed.total_us <= 3 * S + LATE_US
