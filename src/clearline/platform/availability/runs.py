"""A target's samples as runs, with the days that are over kept condensed: a month of them is a handful of runs."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from clearline.platform.availability.outages import GAP_INTERVALS, Run, condense
from clearline.platform.measurements import records
from clearline.records.schema import ProbeSample

DAY_US = 86_400_000_000

SETTLED_AFTER_US = 3_600_000_000
"""A day's samples have all arrived this long after its end."""

MOST_DAYS = 20_000
"""Days kept condensed in this process, a few hundred bytes each: those of 300 targets over two months."""

Runs = dict[str, list[Run]]
"""Vantage point to its runs, by moment."""

_condensed: dict[tuple[str, str, int], Runs] = {}


def runs_between(tenant: str, target: str, since_us: int, until_us: int) -> Runs:
    """A target's runs in [since, until); `since` is taken back to the beginning of its day."""
    first = since_us - since_us % DAY_US
    days = range(first, until_us, DAY_US)
    unknown = [day for day in days if (tenant, target, day) not in _condensed]
    read: dict[int, Runs] = {}
    if unknown:
        samples = records().probe_samples(tenant=tenant, targets=[target], since_us=unknown[0], until_us=until_us)
        read = by_day(samples)
    for day in unknown:
        if day + DAY_US + SETTLED_AFTER_US <= until_us:
            _remember((tenant, target, day), read.get(day, {}))
    return joined(_condensed.get((tenant, target, day)) or read.get(day, {}) for day in days)


def _remember(key: tuple[str, str, int], runs: Runs) -> None:
    if len(_condensed) >= MOST_DAYS:
        _condensed.clear()
    _condensed[key] = runs


def by_day(samples: Iterable[ProbeSample]) -> dict[int, Runs]:
    """Condense samples, sorted by moment, by UTC day and vantage point."""
    days: dict[int, dict[str, list[ProbeSample]]] = defaultdict(lambda: defaultdict(list))
    for sample in samples:
        days[sample.at_us - sample.at_us % DAY_US][sample.vantage].append(sample)
    return {day: {vantage: condense(some) for vantage, some in seen.items()} for day, seen in days.items()}


def joined(days: Iterable[Runs]) -> Runs:
    """The runs of consecutive days as those of one time."""
    whole: Runs = {}
    for day in days:
        for vantage, runs in day.items():
            whole.setdefault(vantage, []).extend(runs)
    return {vantage: _merged(runs) for vantage, runs in whole.items()}


def _merged(runs: Sequence[Run]) -> list[Run]:
    merged: list[Run] = []
    for run in runs:
        before = merged[-1] if merged else None
        gap = before is None or run.first_us - before.last_us > GAP_INTERVALS * before.interval_us
        if before is None or gap or before.ok != run.ok:
            merged.append(replace(run, joined=not gap))
        else:
            merged[-1] = replace(
                before, count=before.count + run.count, last_us=run.last_us, interval_us=run.interval_us
            )
    return merged
