"""From probe samples to outages: pure, and the same whichever order and batches the samples arrive in.

One target's samples become, for each vantage point, *runs* of samples that say the same. A run of failures is an
outage when it is long enough to be confirmed; it starts at its first failing sample and ends at the first good one.
Where nobody looked, nothing is known: a pause in the samples is neither up nor down, and an outage does not reach into
it. What several vantage points saw is then combined by the quorum that was chosen for the target at the time.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np
import numpy.typing as npt

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


@dataclass(frozen=True, slots=True)
class Quorum:
    """From a moment on: whose word counts, and how many must agree that the target is down."""

    from_us: int
    agree: int
    of: frozenset[str]
    """The vantage points."""

    def is_down(self, failing: Iterable[str]) -> bool:
        """Whether so many of those whose word counts have it down."""
        return self._count(failing) >= self.agree

    def is_known(self, looking: Iterable[str], failing: Iterable[str]) -> bool:
        """Whether enough of those whose word counts look: `agree` of them, or so many that see it work that the others,
        whatever they would see, could not be `agree`."""  # noqa: D205, D209
        number = self._count(looking)
        good = number - self._count(failing)
        return number >= self.agree or good > max(0, len(self.of) - self.agree)

    def _count(self, some: Iterable[str]) -> int:
        return len(self.of.intersection(some))


LOCAL = "local"
"""The vantage point that is the platform's own machine."""

UNCHOSEN = Quorum(0, 1, frozenset({LOCAL}))
"""Before anybody chose who looks: this machine alone. The word of an agent counts only where and since it was chosen.
"""


def timelines(samples: Iterable[ProbeSample], *, now_us: int, confirm: int) -> dict[str, Availability]:
    """Judge one target's samples, for each vantage point by itself.

    Args:
        samples: of one target, in any order, the same key any number of times; those after `now_us` are left out (a
            clock was wrong).
        now_us: the present moment.
        confirm: this many failing samples in a row make an outage; fewer, with a good one after, are noise.

    Returns:
        By vantage point, what it observed and the outages in it. A failure that nothing confirms or refutes is not
        observed.
    """
    by_vantage: dict[str, dict[str, ProbeSample]] = defaultdict(dict)
    for sample in samples:
        if sample.at_us <= now_us:
            by_vantage[sample.vantage][sample.key] = sample
    ordered = {
        vantage: sorted(seen.values(), key=lambda sample: (sample.at_us, sample.key))
        for vantage, seen in sorted(by_vantage.items())
    }
    return {vantage: timeline(condense(Columns.of(seen)), now_us, confirm) for vantage, seen in ordered.items()}


@dataclass(frozen=True, slots=True)
class Columns:
    """One vantage point's samples, by moment."""

    at_us: npt.NDArray[np.int64]
    ok: npt.NDArray[np.bool_]
    interval_us: npt.NDArray[np.int64]
    offset_us: npt.NDArray[np.int64]
    """By how much the clock of the vantage point was off; 0 for the platform's own."""
    reason: Callable[[int], str]
    """What the sample at an index found; asked only for the first of each run."""

    @classmethod
    def of(cls, samples: Sequence[ProbeSample]) -> "Columns":
        """The columns of samples that are sorted by moment."""
        return cls(
            np.array([sample.at_us for sample in samples], dtype=np.int64),
            np.array([sample.ok for sample in samples], dtype=np.bool_),
            np.array([sample.interval_us for sample in samples], dtype=np.int64),
            np.array([sample.clock_offset_us or 0 for sample in samples], dtype=np.int64),
            lambda index: samples[index].reason,
        )

    def part(self, start: int, end: int) -> "Columns":
        """The samples from one index up to another."""
        cut = slice(start, end)
        return Columns(
            self.at_us[cut],
            self.ok[cut],
            self.interval_us[cut],
            self.offset_us[cut],
            lambda index: self.reason(start + index),
        )


def condense(samples: Columns) -> list[Run]:
    """Join one vantage point's samples into runs; those of a clock that was off are left out."""
    at_us, ok, interval_us = samples.at_us, samples.ok, samples.interval_us
    trusted = np.flatnonzero(np.abs(samples.offset_us) <= CLOCK_LIMIT_US)
    if trusted.size == 0:
        return []
    if trusted.size < at_us.size:
        at_us, ok, interval_us = at_us[trusted], ok[trusted], interval_us[trusted]
    gap = np.diff(at_us) > GAP_INTERVALS * interval_us[:-1]
    firsts = np.concatenate(([0], np.flatnonzero((ok[1:] != ok[:-1]) | gap) + 1))
    lasts = np.concatenate((firsts[1:] - 1, [at_us.size - 1]))
    return [
        Run(
            ok=bool(ok[first]),
            count=last - first + 1,
            first_us=int(at_us[first]),
            last_us=int(at_us[last]),
            interval_us=int(interval_us[last]),
            reason=samples.reason(int(trusted[first])),
            joined=bool(first > 0 and not gap[first - 1]),
        )
        for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True)
    ]


def timeline(runs: Sequence[Run], now_us: int, confirm: int) -> Availability:
    """Judge what one vantage point saw.

    Args:
        runs: of one vantage point, by moment.
        now_us: the present moment.
        confirm: failing samples that make an outage.
    """
    observed: list[tuple[int, int]] = []
    outages: list[Outage] = []
    for before, run, after in zip([None, *runs], runs, [*runs[1:], None], strict=False):
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


def combine(timelines: Mapping[str, Availability], quorums: Sequence[Quorum]) -> Availability:
    """Combine what several vantage points saw of one target.

    It is down while at least `agree` of those whose word counts have it down. It is observed while at least `agree` of
    them look; and while so many of them see it work that the others, whatever they would see, could not be `agree`.

    An outage takes its start, with that start's uncertainty and reason, from the vantage point that made the number
    full; its end from the one that broke it. One that runs for a vantage point counts up to where that one last looked;
    the combined outage runs on while it runs for at least `agree` of them. Where the quorum itself changed, the moment
    of the change is a start or an end without uncertainty.

    Args:
        timelines: by vantage point.
        quorums: which rule held since when, by moment.
    """
    if len(timelines) == 1 and all(quorum.agree == 1 and quorum.of.issuperset(timelines) for quorum in quorums):
        return next(iter(timelines.values()))
    view = _View(quorums[0])
    runs_on = _runs_on(timelines, quorums[-1])
    observed: list[tuple[int, int]] = []
    outages: list[Outage] = []
    known_from_us: int | None = None
    opened: Outage | None = None
    for at_us, changes in groupby(sorted(_changes(timelines, quorums), key=_order), key=lambda change: change.at_us):
        group = list(changes)
        for change in group:
            view.apply(change)
        if view.is_known != (known_from_us is not None):
            if known_from_us is not None:
                observed.append((known_from_us, at_us))
            known_from_us = at_us if view.is_known else None
        if view.is_down and opened is None:
            opened = _opened(view, group)
        elif opened is not None and not view.is_down:
            outages.append(_closed(opened, view, group, runs_on=runs_on))
            opened = None
    still = next((index for index, outage in enumerate(outages) if outage.until_us is None), len(outages))
    return Availability(IntervalSet.of(observed), tuple(outages[: still + 1]))


def _runs_on(timelines: Mapping[str, Availability], quorum: Quorum) -> bool:
    """Whether so many have it down to this very moment."""
    running = [vantage for vantage, seen in timelines.items() if seen.outages and seen.outages[-1].until_us is None]
    return quorum.is_down(running)


@dataclass(frozen=True, slots=True)
class _Change:
    """At a moment: a vantage point begins or ceases to look, or to have it down; or another quorum holds."""

    at_us: int
    vantage: str = ""
    looks: bool | None = None
    fails: bool | None = None
    outage: Outage | None = None
    quorum: Quorum | None = None


def _order(change: _Change) -> tuple[int, str]:
    return change.at_us, change.vantage


def _changes(timelines: Mapping[str, Availability], quorums: Sequence[Quorum]) -> Iterable[_Change]:
    for quorum in quorums[1:]:
        yield _Change(quorum.from_us, quorum=quorum)
    for vantage, seen in timelines.items():
        for from_us, until_us in seen.observed:
            yield _Change(from_us, vantage, looks=True)
            yield _Change(until_us, vantage, looks=False)
        for outage in seen.outages:
            ends_us = _looked_until_us(outage, seen)
            if outage.from_us < ends_us:
                yield _Change(outage.from_us, vantage, fails=True, outage=outage)
                yield _Change(ends_us, vantage, fails=False, outage=outage)


def _looked_until_us(outage: Outage, seen: Availability) -> int:
    """Where an outage ends as far as its vantage point looked."""
    if outage.until_us is not None:
        return outage.until_us
    return max([outage.from_us, *(until_us for _, until_us in seen.observed.spans[-1:])])


class _View:
    """Who looks and who has it down, at the moment the sweep has reached."""

    def __init__(self, quorum: Quorum) -> None:
        self.quorum = quorum
        self.looking: set[str] = set()
        self.failing: dict[str, Outage] = {}

    def apply(self, change: _Change) -> None:
        self.quorum = change.quorum or self.quorum
        if change.looks is not None:
            (self.looking.add if change.looks else self.looking.discard)(change.vantage)
        if change.fails and change.outage:
            self.failing[change.vantage] = change.outage
        elif change.fails is False and self.failing.get(change.vantage) is change.outage:
            del self.failing[change.vantage]

    @property
    def is_down(self) -> bool:
        return self.quorum.is_down(self.failing)

    @property
    def is_known(self) -> bool:
        return self.quorum.is_known(self.looking, self.failing)


def _opened(view: _View, group: Sequence[_Change]) -> Outage:
    """The outage that begins with these changes, still without an end."""
    starts = [each.outage for each in group if each.outage and each.fails and each.vantage in view.quorum.of]
    if starts:
        first = starts[-1]
        return Outage(first.from_us, None, first.from_uncertainty_us, None, first.reason)
    held = [(outage.from_us, outage.reason) for vantage, outage in view.failing.items() if vantage in view.quorum.of]
    return Outage(group[0].at_us, None, 0, None, max(held)[1])


def _closed(opened: Outage, view: _View, group: Sequence[_Change], *, runs_on: bool) -> Outage:
    """The outage that these changes end, with an answer where its state is known after; or that runs on."""
    ends = [change.outage for change in group if change.outage and change.fails is False]
    if runs_on and any(outage.until_us is None for outage in ends):
        return opened
    uncertainty_us = ends[-1].until_uncertainty_us if ends else 0
    return Outage(
        from_us=opened.from_us,
        until_us=group[0].at_us,
        from_uncertainty_us=opened.from_uncertainty_us,
        until_uncertainty_us=uncertainty_us if view.is_known else None,
        reason=opened.reason,
        ended_by="answer" if view.is_known else "unobserved",
    )
