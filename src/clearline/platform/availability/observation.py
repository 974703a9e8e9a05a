"""What the samples say: of a target now, over a span of time, and of a service that several targets stand for.

Samples live in `clearline.records`; what is derived from them is derived again each time and kept for a few seconds
only, so that a page and the pages beside it share one reading.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from clearline.agreement.intervals import Interval, IntervalSet
from clearline.agreement.moments import utc
from clearline.platform.availability.models import Target
from clearline.platform.availability.outages import (
    GAP_INTERVALS,
    Availability,
    Outage,
    classify,
    combine,
    timeline,
)
from clearline.platform.availability.runs import DAY_US, SETTLED_AFTER_US, runs_between
from clearline.platform.measurements import records
from clearline.records.schema import ProbeSample

LOOK_BACK_US = (DAY_US, 8 * DAY_US, 62 * DAY_US)
"""How far before a span its samples are read, so that an outage that began earlier keeps its true start; each further
step is taken only when the one before ended inside an outage."""

SHARED_US = 1_000_000
"""A span is judged as of the last full second, so that what is asked for within it shares one reading."""

CONFIRM = 2
"""So many failing samples in a row make an outage."""

RECENT_US = 600_000_000
"""State now is told from the samples of the last ten minutes."""

State = Literal["up", "down", "unknown"]


@dataclass(frozen=True, slots=True)
class Seen:
    """An outage of one target, with the name it has in documents."""

    id: str
    target: Target
    outage: Outage


@dataclass(frozen=True, slots=True)
class Now:
    """How a target or a service does at this moment."""

    state: State
    since_us: int | None
    """Since when it is in this state; None: longer than we looked."""
    sample: ProbeSample | None
    """The last one."""


def observe(target: Target, span: Interval, now_us: int) -> Availability:
    """Judge a target's samples over a span, as they stood at `now_us` or at the span's end; outages are whole."""
    asked_us = now_us - now_us % SHARED_US
    settled = asked_us >= span[1] + SETTLED_AFTER_US
    return _observe(target.provider.tenant, target.code, span, min(asked_us, span[1]), None if settled else asked_us)


@lru_cache(maxsize=512)
def _observe(tenant: str, target: str, span: Interval, at_us: int, _asked_us: int | None) -> Availability:
    found = Availability(IntervalSet(), ())
    for back_us in LOOK_BACK_US:
        by_vantage = runs_between(tenant, target, span[0] - back_us, at_us)
        found = combine([timeline(runs, at_us, CONFIRM) for _, runs in sorted(by_vantage.items())], 1)
        first_us = min((runs[0].first_us for runs in by_vantage.values()), default=None)
        if not found.outages or found.outages[0].from_us != first_us:
            break
    reaching = [outage for outage in found.outages if outage.until_us is None or outage.until_us > span[0]]
    return Availability(found.observed & IntervalSet.of([span]), tuple(reaching))


def outage_id(target: Target, outage: Outage) -> str:
    """The name of an outage: its target and the second it began, so that deriving it again names it the same."""
    return f"O-{target.pk}-{utc(outage.from_us):%Y%m%dT%H%M%SZ}"


def outages_of(targets: Iterable[Target], span: Interval, now_us: int) -> list[Seen]:
    """The outages of some targets that reach into a span, latest first."""
    found = [
        Seen(outage_id(target, outage), target, outage)
        for target in targets
        for outage in observe(target, span, now_us).outages
    ]
    return sorted(found, key=lambda seen: (seen.outage.from_us, seen.id), reverse=True)


def observed_of(targets: Sequence[Target], span: Interval, now_us: int) -> IntervalSet:
    """Where all the targets of a service were observed; nowhere when it has none."""
    observed = [observe(target, span, now_us).observed for target in targets]
    whole = IntervalSet.of([span]) if observed else IntervalSet()
    for one in observed:
        whole &= one
    return whole


def now_of(targets: Sequence[Target], now_us: int) -> dict[int, Now]:
    """How targets of one provider do now, by primary key: one reading of their last samples."""
    if not targets:
        return {}
    by_code: dict[str, list[ProbeSample]] = {target.code: [] for target in targets}
    for sample in records().probe_samples(
        tenant=targets[0].provider.tenant, targets=list(by_code), since_us=now_us - RECENT_US, until_us=now_us + 1
    ):
        by_code[sample.target].append(sample)
    return {target.pk: _now(target, by_code[target.code], now_us) for target in targets}


def _now(target: Target, samples: Sequence[ProbeSample], now_us: int) -> Now:
    if not samples:
        return Now("unknown", None, None)
    seen = classify(samples, now_us=now_us, confirm=CONFIRM)
    last = samples[-1]
    if seen.outages and seen.outages[-1].until_us is None:
        return Now("down", _start(target, seen.outages[-1], samples[0].at_us, now_us), last)
    if not last.ok or now_us - last.at_us > GAP_INTERVALS * last.interval_us:
        return Now("unknown", None, last)
    began_us = max([0, *(span[0] for span in seen.observed), *(outage.until_us or 0 for outage in seen.outages)])
    return Now("up", began_us if began_us > samples[0].at_us else None, last)


def _start(target: Target, outage: Outage, first_sample_us: int, now_us: int) -> int:
    """The start of a running outage; looked for further back when it began before the recent samples."""
    if outage.from_us > first_sample_us:
        return outage.from_us
    whole = observe(target, (now_us - RECENT_US, now_us - now_us % RECENT_US + RECENT_US), now_us)
    return whole.outages[-1].from_us if whole.outages else outage.from_us


def together(states: Sequence[Now]) -> Now:
    """How a service does whose targets do so: down if one is, up if all are, else unknown."""
    if not states:
        return Now("unknown", None, None)
    last = max((one.sample for one in states if one.sample), key=lambda sample: sample.at_us, default=None)
    down = [one for one in states if one.state == "down"]
    if down:
        return Now("down", min((one.since_us for one in down if one.since_us is not None), default=None), last)
    state: State = "up" if all(one.state == "up" for one in states) else "unknown"
    known = [one.since_us for one in states if one.since_us is not None]
    return Now(state, max(known, default=None) if state == "up" else None, last)


def recent(target: Target, length_us: int, now_us: int) -> list[ProbeSample]:
    """A target's samples of the last so many microseconds."""
    return records().probe_samples(
        tenant=target.provider.tenant, targets=[target.code], since_us=now_us - length_us, until_us=now_us + 1
    )
