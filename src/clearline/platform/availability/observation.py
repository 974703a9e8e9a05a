"""What the samples say: of a target now, over a span of time, and of a service that several targets stand for.

Samples live in `clearline.records`; what is derived from them is derived again each time and kept for a few seconds
only, so that a page and the pages beside it share one reading.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from django.db.models import prefetch_related_objects

from clearline.agreement.intervals import Interval, IntervalSet
from clearline.agreement.moments import datetime_us, utc
from clearline.platform.availability.models import Target
from clearline.platform.availability.outages import (
    CLOCK_LIMIT_US,
    GAP_INTERVALS,
    LOCAL,
    UNCHOSEN,
    Availability,
    Outage,
    Quorum,
    combine,
    timeline,
    timelines,
)
from clearline.platform.availability.runs import Contents, contents, runs_between
from clearline.platform.measurements import records
from clearline.records.schema import DAY_US, ProbeSample

LOOK_BACK_US = (DAY_US, 8 * DAY_US, 62 * DAY_US)
"""How far before a span its samples are read, so that an outage that began earlier keeps its true start; each further
step is taken only when the one before ended inside an outage."""

LOOK_ON_US = 21_600_000_000
"""How far after a span its samples are read: a failure just before its end may be confirmed, or refuted, just after;
two pauses of three intervals of an hour, the longest there are."""

NEVER_US = 2**62
"""Stands for the end of a target that is not retired."""

SHARED_US = 1_000_000
"""A span is judged as of the last full second, so that what is asked for within it shares one reading."""

CONFIRM = 2
"""So many failing samples in a row make an outage."""

RECENT_US = 600_000_000
"""State now is told from the samples of the last ten minutes, or of as many intervals as a pause may last."""

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
    """Judge a target's samples over a span by what is known at `now_us`; outages are whole.

    One that goes on for `LOOK_ON_US` after the span, or after `now_us`, has no end.
    """
    return _seen(target, span, now_us).together


def observe_each(target: Target, span: Interval, now_us: int) -> Mapping[str, Availability]:
    """What each vantage point saw of a target over a span, as `observe` combines it: the evidence of its outages."""
    return dict(_seen(target, span, now_us).apart)


def quorums_of(target: Target) -> tuple[Quorum, ...]:
    """Whose word counted since when."""
    chosen = [
        Quorum(
            datetime_us(watch.since),
            watch.agree,
            frozenset([*(vantage.code for vantage in watch.vantages.all()), *([LOCAL] if watch.local else [])]),
        )
        for watch in target.watches.all()
    ]
    return (UNCHOSEN, *chosen)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was seen of one target over a span: by all together, and by each vantage point."""

    together: Availability
    apart: tuple[tuple[str, Availability], ...]


def _seen(target: Target, span: Interval, now_us: int) -> _Seen:
    at_us = min(now_us - now_us % SHARED_US, span[1] + LOOK_ON_US)
    known = contents(span[0] - LOOK_BACK_US[-1], at_us)
    ends_us = NEVER_US if target.retired_at is None else datetime_us(target.retired_at)
    asked = _Asked(target.provider.tenant, target.code, span, at_us, ends_us)
    return _observe(asked, quorums_of(target), known)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked of the samples."""

    tenant: str
    target: str
    span: Interval
    at_us: int
    """As they stand then."""
    ends_us: int
    """The target's own end."""


@lru_cache(maxsize=512)
def _observe(asked: _Asked, quorums: Sequence[Quorum], known: Contents) -> _Seen:
    together, apart = Availability(IntervalSet(), ()), {}
    for back_us in LOOK_BACK_US:
        until_us = min(asked.at_us, asked.ends_us)
        by_vantage = runs_between(asked.tenant, asked.target, asked.span[0] - back_us, until_us, known)
        apart = {vantage: timeline(runs, asked.at_us, CONFIRM) for vantage, runs in sorted(by_vantage.items()) if runs}
        together = combine(apart, quorums)
        failing_first = {runs[0].first_us for runs in by_vantage.values() if runs and not runs[0].ok}
        if not together.outages or together.outages[0].from_us not in failing_first:
            break
    return _Seen(_within(together, asked), tuple((vantage, _within(one, asked)) for vantage, one in apart.items()))


def _within(seen: Availability, asked: _Asked) -> Availability:
    """What reaches into the span and was there before the target's end; outages whole."""
    from_us, until_us = asked.span
    reaching = (one for one in seen.outages if one.from_us < until_us and (one.until_us or NEVER_US) > from_us)
    observed = seen.observed & IntervalSet.of([(from_us, min(until_us, max(from_us, asked.ends_us)))])
    return Availability(observed, tuple(_ended(one, asked) for one in reaching))


def _ended(outage: Outage, asked: _Asked) -> Outage:
    """An outage, with nothing known of it from the target's end on."""
    if (outage.until_us or asked.at_us) <= asked.ends_us:
        return outage
    return replace(outage, until_us=asked.ends_us, until_uncertainty_us=None, ended_by="unobserved")


def outage_id(target: Target, outage: Outage) -> str:
    """The name of an outage: its target and the second it began, so that deriving it again names it the same."""
    return f"O-{target.pk}-{utc(outage.from_us):%Y%m%dT%H%M%SZ}"


def outages_of(targets: Iterable[Target], span: Interval, now_us: int) -> list[Seen]:
    """The outages of some targets that reach into a span, latest first."""
    targets = list(targets)
    prefetch_related_objects(targets, "watches__vantages")
    found = [
        Seen(outage_id(target, outage), target, outage)
        for target in targets
        for outage in observe(target, span, now_us).outages
    ]
    return sorted(found, key=lambda seen: (seen.outage.from_us, seen.id), reverse=True)


def observed_of(targets: Sequence[Target], span: Interval, now_us: int) -> IntervalSet:
    """Where all the targets of a service were observed; nowhere when it has none."""
    prefetch_related_objects(targets, "watches__vantages")
    observed = [observe(target, span, now_us).observed for target in targets]
    whole = IntervalSet.of([span]) if observed else IntervalSet()
    for one in observed:
        whole &= one
    return whole


def now_of(targets: Sequence[Target], now_us: int) -> dict[int, Now]:
    """How targets of one provider do now, by primary key: one reading of their last samples."""
    if not targets:
        return {}
    prefetch_related_objects(targets, "watches__vantages")
    by_code: dict[str, list[ProbeSample]] = {target.code: [] for target in targets}
    for length_us in {_recent_us(target) for target in targets}:
        alike = [target.code for target in targets if _recent_us(target) == length_us]
        for sample in records().probe_samples(
            tenant=targets[0].provider.tenant, targets=alike, since_us=now_us - length_us, until_us=now_us + 1
        ):
            by_code[sample.target].append(sample)
    return {target.pk: _now(target, by_code[target.code], now_us) for target in targets}


def _recent_us(target: Target) -> int:
    return max(RECENT_US, (GAP_INTERVALS + 1) * target.interval_seconds * 1_000_000)


def now_from_each(target: Target, now_us: int) -> dict[str, Now]:
    """How each vantage point that looked at a target lately sees it now."""
    samples = recent(target, _recent_us(target), now_us)
    return _apart(samples, timelines(samples, now_us=now_us, confirm=CONFIRM), now_us)


def _now(target: Target, samples: Sequence[ProbeSample], now_us: int) -> Now:
    if not samples:
        return Now("unknown", None, None)
    seen = timelines(samples, now_us=now_us, confirm=CONFIRM)
    quorums = quorums_of(target)
    together = combine(seen, quorums)
    if together.outages and together.outages[-1].until_us is None:
        return Now("down", _start(target, together.outages[-1], samples[0].at_us, now_us), samples[-1])
    apart = _apart(samples, seen, now_us)
    looking = [vantage for vantage, one in apart.items() if one.state != "unknown"]
    if not quorums[-1].is_known(looking, [vantage for vantage in looking if apart[vantage].state == "down"]):
        return Now("unknown", None, samples[-1])
    return Now("up", _up_since(together, samples[0].at_us), samples[-1])


def _apart(samples: Sequence[ProbeSample], seen: Mapping[str, Availability], now_us: int) -> dict[str, Now]:
    last = {sample.vantage: sample for sample in samples}
    return {vantage: _alone(last[vantage], one, samples[0].at_us, now_us) for vantage, one in seen.items()}


def _alone(last: ProbeSample, seen: Availability, since_us: int, now_us: int) -> Now:
    """How one vantage point, whose last sample is given, sees a target now."""
    if seen.outages and seen.outages[-1].until_us is None:
        return Now("down", seen.outages[-1].from_us, last)
    stale = now_us - last.at_us > GAP_INTERVALS * last.interval_us
    if not last.ok or stale or abs(last.clock_offset_us or 0) > CLOCK_LIMIT_US:
        return Now("unknown", None, last)
    return Now("up", _up_since(seen, since_us), last)


def _up_since(seen: Availability, since_us: int) -> int | None:
    """Since when it is up; None: longer than we looked."""
    began_us = max([0, *(span[0] for span in seen.observed), *(outage.until_us or 0 for outage in seen.outages)])
    return began_us if began_us > since_us else None


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
