"""Passive signals: where one is suspect the targets are probed at once. A suspicion is never an outage."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from django.db import transaction

from clearline.agreement.moments import datetime_us
from clearline.platform.accounts.models import User
from clearline.platform.alerts.models import Signal
from clearline.platform.alerts.rates import MINUTE_US, Point, latest, left_pct, per_minute, share_pct
from clearline.platform.alerts.scraping import UnreadError, fetch, figure
from clearline.platform.audit.services import record
from clearline.platform.availability.models import Target
from clearline.platform.availability.services import probed
from clearline.platform.measurements import records
from clearline.records.errors import RecordsError
from clearline.records.schema import CallRecord
from clearline.sensors.probe import target as sensors
from clearline.sensors.probe.edge import probe_target
from clearline.sensors.probe.outcome import Outcome
from clearline.sensors.probe.schedule import sample_of

CALLS_WITHIN = timedelta(minutes=10)
LEAST_CALLS = 10
"""Fewer calls than this in the time say nothing."""

FAILED_CODES = range(500, 700)
SILENT_CODE = 408
"""A call failed when the network gave it up: 408 or 500 and above. Busy, unanswered and wrong numbers did not."""

OVER_TIME = {Signal.Taken.RATE: per_minute, Signal.Taken.SHARE: share_pct, Signal.Taken.LEFT: left_pct}
TOO_LITTLE = "; read for too short a time, or grown too little, to tell"

CONFIRMING = 2
"""So many probes are made at once: as many as make an outage of it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a signal says now."""

    value: Decimal | None
    said: str


def read_signals(clock: Callable[[], datetime], probe: Callable[[list[Target]], None] | None = None) -> None:
    """Read every signal; where one becomes suspect, have its targets probed at once."""
    signals = list(Signal.objects.select_related("provider", "component"))
    texts = fetch(signal.url for signal in signals if signal.kind == Signal.Kind.METRIC)
    for signal in signals:
        now = clock()
        reading = _failing(signal, now) if signal.kind == Signal.Kind.CALLS else _metric(signal, texts[signal.url], now)
        if keep(signal, reading, now):
            (probe or probe_now)(targets_of(signal))


def keep(signal: Signal, reading: Reading, now: datetime) -> bool:
    """Keep what a signal said; what could not be read changes no suspicion. Returns whether it became suspect now."""
    began = False
    signal.value, signal.said, signal.read_at = reading.value, reading.said[:300], now
    if reading.value is not None:
        above = signal.suspect == Signal.Suspect.ABOVE
        suspect = reading.value > signal.limit if above else reading.value < signal.limit
        began = suspect and signal.suspected_since is None
        signal.suspected_since = (signal.suspected_since or now) if suspect else None
    signal.save(update_fields=["value", "said", "read_at", "suspected_since", "readings"])
    return began


def _failing(signal: Signal, now: datetime) -> Reading:
    until_us = datetime_us(now)
    since_us = datetime_us(now - CALLS_WITHIN)
    try:
        calls = records().calls(tenant=signal.provider.tenant, since_us=since_us, until_us=until_us)
    except RecordsError as error:
        return Reading(None, str(error))
    return failed_share(calls)


def _metric(signal: Signal, text: str | UnreadError, now: datetime) -> Reading:
    """Take a signal's figure from an exporter's text: as it stands, or over the signal's minutes."""
    if isinstance(text, UnreadError):
        return Reading(None, str(text))
    try:
        return _taken(signal, text, datetime_us(now))
    except UnreadError as error:
        return Reading(None, str(error))
    except InvalidOperation:
        return Reading(None, "it comes to more digits than are kept")


def _taken(signal: Signal, text: str, now_us: int) -> Reading:
    value, samples = figure(text, signal.metric)
    if signal.taken_as == Signal.Taken.VALUE:
        return Reading(value, f"{samples} samples")
    whole = figure(text, signal.whole)[0] if signal.taken_as == Signal.Taken.SHARE else None
    length_us = signal.minutes * MINUTE_US
    points = [*latest(signal.points, now_us - 1, length_us), Point(now_us, value, whole)]
    signal.points = points
    told = OVER_TIME[Signal.Taken(signal.taken_as)](points, length_us)
    return Reading(told, f"it stands at {value.normalize():f}" + ("" if told is not None else TOO_LITTLE))


def failed_share(calls: Iterable[CallRecord]) -> Reading:
    """The percentage of calls that the network gave up, of those that have ended with a code."""
    codes = [call.final_code for call in calls if call.final_code is not None]
    if len(codes) < LEAST_CALLS:
        return Reading(None, f"{len(codes)} calls: too few to tell")
    failed = sum(code == SILENT_CODE or code in FAILED_CODES for code in codes)
    share = (Decimal(100 * failed) / len(codes)).quantize(Decimal("0.0001"))
    return Reading(share, f"{failed} of {len(codes)} calls failed")


def targets_of(signal: Signal) -> list[Target]:
    """What is probed when a signal is suspect."""
    targets = Target.objects.filter(provider=signal.provider, retired_at=None).select_related("provider")
    return list(targets.filter(component=signal.component) if signal.component else targets)


def probe_now(targets: Iterable[Target]) -> None:
    """Probe some targets from here, twice, and keep the samples: an outage is confirmed or refuted by nothing else."""
    asyncio.run(_probe_all(list(probed(targets))))


async def _probe_all(targets: list[sensors.Target]) -> None:
    for _ in range(CONFIRMING):
        begun = [(target, time.time_ns() // 1000) for target in targets]
        outcomes = await asyncio.gather(*(probe_target(target) for target in targets), return_exceptions=True)
        samples = [
            sample_of(target, outcome, vantage="local", at_us=at_us)
            for (target, at_us), outcome in zip(begun, outcomes, strict=True)
            if isinstance(outcome, Outcome)
        ]
        await asyncio.to_thread(records().append, samples)


def add_signal(signal: Signal, actor: User, now: datetime) -> None:
    """Read a signal from now on."""
    with transaction.atomic():
        signal.provider = actor.provider
        signal.save()
        details = {
            "kind": signal.kind,
            "url": signal.url,
            "metric": signal.metric,
            "taken_as": signal.taken_as,
            "limit": f"{signal.limit:f}",
        }
        record(actor.provider, actor, "signal.added", signal.name, details, now=now)


def remove_signal(signal: Signal, actor: User, now: datetime) -> None:
    """Read it no more."""
    with transaction.atomic():
        record(actor.provider, actor, "signal.removed", signal.name, {"url": signal.url}, now=now)
        signal.delete()
