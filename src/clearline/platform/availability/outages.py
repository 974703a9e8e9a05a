"""From probe samples to outages: pure, and the same whichever order and batches the samples arrive in.

One target's samples become, for each vantage point, *runs* of samples that say the same. A run of failures is an
outage when it is long
enough to be confirmed; it starts at its first failing sample and ends at the first good one. Where nobody looked,
nothing is known: a
pause in the samples is neither up nor down, and an outage does not reach into it. Several vantage points are then
combined: the target is
down while at least `agree` of them have it down, and observed while at least `agree` of them observe it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from clearline.agreement.intervals import IntervalSet
from clearline.records.schema import ProbeSample

GAP_INTERVALS = 3
"""A pause between two samples longer than this many probe intervals is a gap: of it, only the first interval was
observed.

One interval is the schedule; jitter and a slow failure stretch it to below two; three allow one lost sample.
"""

CLOCK_LIMIT_US = 1_000_000
"""A sample of a machine whose clock was further off than this is left out: nothing is known from it."""

EndedBy = Literal["answer", "unobserved"]


@dataclass(frozen=True, slots=True)
class Outage:
    """A confirmed failure of one target, in [from, until)."""

    from_us: int
    """The first failing sample."""
    until_us: int | None
    """The first good sample, or where observation stopped; None while it runs."""
    from_uncertainty_us: int | None
    """The failure began at most this much before `from_us`: since the last good sample. None: nobody looked before."""
    until_uncertainty_us: int | None
    """It ended at most this much before `until_us`: since the last failing sample. None: it runs, or nobody looked."""
    reason: str
    """What the first failing sample found."""
    ended_by: EndedBy | None = None
    """None while it runs."""


@dataclass(frozen=True, slots=True)
class Availability:
    """What the samples of one target say."""

    observed: IntervalSet
    """Where enough vantage points looked, and what they saw can be told."""
    outages: tuple[Outage, ...]
    """By start; apart from each other."""


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive samples of one vantage point with the same result and no gap between them."""

    ok: bool
    count: int
    first_us: int
    last_us: int
    interval_us: int
    """Of the last sample: how long its word holds when nothing follows."""
    reason: str
    """Of the first sample."""
    joined: bool
    """Whether the run before it reaches up to it: no gap between."""


def classify(samples: Sequence[ProbeSample], *, now_us: int, confirm: int = 2, agree: int = 1) -> Availability:
    """Judge one target's samples.

    Args:
        samples: of one target, in any order, the same key any number of times; those after `now_us` are left out (a
            clock was wrong).
        now_us: the present moment.
        confirm: this many failing samples in a row, from one vantage point, make an outage; fewer, with a good one
            after, are noise.
        agree: this many vantage points must have it down at the same time.

    Returns:
        What was observed and the outages in it. A failure that nothing confirms or refutes is not observed.
    """
    by_vantage: dict[str, dict[str, ProbeSample]] = defaultdict(dict)
    for sample in samples:
        if sample.at_us <= now_us:
            by_vantage[sample.vantage][sample.key] = sample
    return combine(
        [
            timeline(condense(sorted(seen.values(), key=lambda sample: (sample.at_us, sample.key))), now_us, confirm)
            for _, seen in sorted(by_vantage.items())
        ],
        agree,
    )


def condense(samples: Iterable[ProbeSample]) -> list[Run]:
    """Join one vantage point's samples, sorted by moment, into runs."""
    runs: list[Run] = []
    ok, count, first_us, last_us, interval_us, reason, joined = False, 0, 0, 0, 0, "", False
    for sample in samples:
        gap = count > 0 and sample.at_us - last_us > GAP_INTERVALS * interval_us
        if count and sample.ok == ok and not gap:
            count += 1
        else:
            if count:
                runs.append(Run(ok, count, first_us, last_us, interval_us, reason, joined))
            joined = count > 0 and not gap
            ok, count, first_us, reason = sample.ok, 1, sample.at_us, sample.reason
        last_us, interval_us = sample.at_us, sample.interval_us
    if count:
        runs.append(Run(ok, count, first_us, last_us, interval_us, reason, joined))
    return runs


def timeline(runs: Sequence[Run], now_us: int, confirm: int) -> Availability:
    """Judge what one vantage point saw.

    Args:
        runs: of one vantage point, by moment.
        now_us: the present moment.
        confirm: failing samples that make an outage.
    """
    observed: list[tuple[int, int]] = []
    outages: list[Outage] = []
    for before, run, after in zip([None, *runs[:-1]], runs, [*runs[1:], None], strict=True):
        followed = after is not None and after.joined
        alone_until_us = min(run.last_us + run.interval_us, now_us)
        until_us = after.first_us if after is not None and followed else alone_until_us
        confirmed = not run.ok and run.count >= confirm
        if run.ok or confirmed or followed:
            observed.append((run.first_us, until_us))
        if not confirmed:
            continue
        running = after is None and now_us <= run.last_us + GAP_INTERVALS * run.interval_us
        outages.append(
            Outage(
                from_us=run.first_us,
                until_us=None if running else until_us,
                from_uncertainty_us=run.first_us - before.last_us if before is not None and run.joined else None,
                until_uncertainty_us=until_us - run.last_us if followed else None,
                reason=run.reason,
                ended_by=None if running else "answer" if followed else "unobserved",
            )
        )
    return Availability(IntervalSet.of(observed), tuple(outages))


def combine(timelines: Sequence[Availability], agree: int) -> Availability:
    """Combine what several vantage points saw of one target.

    An outage takes its start, and that start's uncertainty and reason, from the vantage point that made the number
    full; its end from the one that broke it. One that runs for a vantage point counts up to where that one last looked;
    the combined outage runs on while it runs for at least `agree` of them.
    """
    if len(timelines) == 1 and agree == 1:
        return timelines[0]
    observed = IntervalSet.of(_where_at_least(agree, [seen.observed for seen in timelines]))
    runs_on = sum(seen.outages[-1].until_us is None for seen in timelines if seen.outages) >= agree
    outages: list[Outage] = []
    failing, opened = 0, None
    for at_us, is_end, _, edge in sorted(_edges(timelines), key=lambda each: each[:3]):
        failing += -1 if is_end else 1
        if not is_end and failing == agree:
            opened = outages.pop() if outages and outages[-1].until_us is None else edge
        elif is_end and failing == agree - 1 and opened is not None:
            if opened.from_us < at_us:
                outages.append(_between(opened, edge, at_us, runs_on=runs_on))
            opened = None
    return Availability(observed, tuple(outages))


def _edges(timelines: Sequence[Availability]) -> Iterable[tuple[int, bool, int, Outage]]:
    """Yield every outage's start and end: moment, whether it is the end, whose it is, the outage."""
    for index, seen in enumerate(timelines):
        for outage in seen.outages:
            looked_until_us = max([outage.from_us, *(until_us for _, until_us in seen.observed.spans[-1:])])
            yield outage.from_us, False, index, outage
            yield looked_until_us if outage.until_us is None else outage.until_us, True, index, outage


def _between(opened: Outage, closed: Outage, at_us: int, *, runs_on: bool) -> Outage:
    """Make the combined outage: it ends with the one that broke it, unless that one runs and so does the whole."""
    ended_by: EndedBy | None = closed.ended_by if closed.until_us is not None else None if runs_on else "unobserved"
    return Outage(
        from_us=opened.from_us,
        until_us=None if ended_by is None else at_us,
        from_uncertainty_us=opened.from_uncertainty_us,
        until_uncertainty_us=closed.until_uncertainty_us,
        reason=opened.reason,
        ended_by=ended_by,
    )


def _where_at_least(number: int, sets: Sequence[IntervalSet]) -> Iterable[tuple[int, int]]:
    """Yield the intervals in which at least so many of the sets are."""
    steps: dict[int, int] = defaultdict(int)
    for one in sets:
        for from_us, until_us in one:
            steps[from_us] += 1
            steps[until_us] -= 1
    inside = 0
    for (at_us, step), (next_us, _) in pairwise(sorted(steps.items())):
        inside += step
        if inside >= number:
            yield at_us, next_us
