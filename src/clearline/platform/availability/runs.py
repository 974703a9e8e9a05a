"""A target's samples as runs, with whole days kept condensed: a month of them is a handful of runs.

What is kept of a day holds as long as the day's contents in the records are the same, so samples that arrive late are
seen at the next look, however late they are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clearline.platform.availability.outages import GAP_INTERVALS, Columns, Run, condense
from clearline.platform.measurements import records
from clearline.records.query import Scope
from clearline.records.schema import DAY_US, PROBES

MOST_DAYS = 20_000
"""Days kept condensed in this process, a few hundred bytes each: those of 300 targets over two months."""

COLUMNS = ("vantage", "at_us", "ok", "interval_us", "clock_offset_us", "reason")

Runs = dict[str, list[Run]]
"""Vantage point to its runs, by moment."""

Contents = tuple[tuple[int, str], ...]
"""UTC days that have samples, each with what its samples are kept in: equal when nothing came or went."""

_condensed: dict[tuple[str, str, int], tuple[str, Runs]] = {}


def contents(since_us: int, until_us: int) -> Contents:
    """What the records hold of the days that reach into [since, until)."""
    return records().contents(PROBES, since_us // DAY_US, -(-until_us // DAY_US))


def runs_between(tenant: str, target: str, since_us: int, until_us: int, known: Contents) -> Runs:
    """A target's runs in [since, until); `since` is taken back to the beginning of its day.

    Args:
        tenant: whose target.
        target: its name in the records.
        since_us: begin.
        until_us: end.
        known: `contents` of these days, or of more.
    """
    first = since_us - since_us % DAY_US
    days = {number * DAY_US: what for number, what in known if first <= number * DAY_US < until_us}
    unknown = [
        day
        for day, what in days.items()
        if day + DAY_US > until_us or _condensed.get((tenant, target, day), ("", {}))[0] != what
    ]
    read: Mapping[int, Runs] = {}
    if unknown:
        scope = Scope(tenant, min(unknown), min(max(unknown) + DAY_US, until_us), {"target": [target]})
        read = by_day(records().columns(PROBES, scope, COLUMNS))
    for day in unknown:
        if day + DAY_US <= until_us:
            _remember((tenant, target, day), days[day], read.get(day, {}))
    return joined(read.get(day, {}) if day in unknown else _condensed[tenant, target, day][1] for day in sorted(days))


def _remember(key: tuple[str, str, int], what: str, runs: Runs) -> None:
    if len(_condensed) >= MOST_DAYS:
        _condensed.clear()
    _condensed[key] = (what, runs)


def by_day(samples: pa.Table) -> dict[int, Runs]:
    """Condense samples, sorted by moment, by UTC day and vantage point."""
    days: dict[int, Runs] = {}
    for vantage in pc.unique(samples.column("vantage")).to_pylist():
        seen = _columns(samples.filter(pc.equal(samples.column("vantage"), vantage)))
        for day, runs in condensed_days(seen):
            days.setdefault(day, {})[vantage] = runs
    return days


def _columns(seen: pa.Table) -> Columns:
    reasons = seen.column("reason")
    return Columns(
        seen.column("at_us").to_numpy(),
        seen.column("ok").to_numpy(),
        seen.column("interval_us").to_numpy(),
        pc.fill_null(seen.column("clock_offset_us"), 0).to_numpy(),
        lambda index: str(reasons[index]),
    )


def condensed_days(samples: Columns) -> Iterable[tuple[int, list[Run]]]:
    """Condense one vantage point's samples by UTC day."""
    days = samples.at_us // DAY_US
    starts = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist()] if days.size else []
    for start, end in pairwise([*starts, days.size]):
        yield int(days[start]) * DAY_US, condense(samples.part(start, end))


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
