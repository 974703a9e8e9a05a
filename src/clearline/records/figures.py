"""Figures of any stretch of time: from the roll-ups where they are fresh, from the rows where they are not."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from clearline.records import documents, query, rollup
from clearline.records.manifest import File, Listing
from clearline.records.parquet import day_of
from clearline.records.query import Scope
from clearline.records.schema import CALLS, DAY_US, HOUR_US

if TYPE_CHECKING:
    from clearline.records.store import Records

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Parts:
    """How a stretch of time is put together: whole days and whole hours from roll-ups, the rest from rows."""

    days: list[int]
    hours: list[Span]
    rows: list[Span]


def split(since_us: int, until_us: int, fresh: Collection[int], *, hours: bool = True) -> Parts:
    """Part [since, until) by what the roll-ups of the fresh days can answer."""
    days: list[int] = []
    whole_hours: list[Span] = []
    rows: list[Span] = []
    if until_us <= since_us:
        return Parts(days, whole_hours, rows)
    for day in range(day_of(since_us), day_of(until_us - 1) + 1):
        low, high = max(since_us, day * DAY_US), min(until_us, (day + 1) * DAY_US)
        if day not in fresh:
            _extend(rows, low, high)
        elif high - low == DAY_US:
            days.append(day * DAY_US)
        else:
            first, last = -(-low // HOUR_US) * HOUR_US, high // HOUR_US * HOUR_US
            if hours and first < last:
                _extend(rows, low, first)
                whole_hours.append((first, last))
                _extend(rows, last, high)
            else:
                _extend(rows, low, high)
    return Parts(days, whole_hours, rows)


def _extend(spans: list[Span], low: int, high: int) -> None:
    if low >= high:
        return
    if spans and spans[-1][1] == low:
        spans[-1] = (spans[-1][0], high)
    else:
        spans.append((low, high))


def fresh_days(records: "Records", listing: Listing, derived: str, hot_days: Collection[int]) -> dict[int, str]:
    """Days whose roll-up (or histogram) was made of just the calls that are live now, with its path.

    Where the calls have expired, what was summed of them before is all there is, and counts.
    """
    expired = documents.expired_before(records.manifest, "calls")
    calls: dict[int, list[File]] = {}
    for file in listing.files:
        if file.table == "calls":
            calls.setdefault(file.day, []).append(file)
    wanted = {day: rollup.made_of(files) for day, files in calls.items() if day not in hot_days}
    made = [file for file in listing.files if file.table == derived]
    return {file.day: file.path for file in made if file.day < expired or file.made_of == wanted.get(file.day)}


def _chosen(cells: ir.Table, tenant: str, parts: Parts) -> ir.Table:
    at = cells.at_us
    hours = [(cells.grain == "hour") & (at >= low) & (at < high) for low, high in parts.hours]
    days = [(cells.grain == "day") & at.isin(parts.days)] if parts.days else []
    return cells.filter(cells.tenant == tenant, ibis.or_(*days, *hours))


def totals(
    records: "Records",
    *,
    tenant: str,
    since_us: int,
    until_us: int,
    by: Sequence[str] = (),
    where: dict[str, Collection[str]] | None = None,
) -> list[dict[str, Any]]:
    """The sums of `rollup.SUMS` over calls that started in [since, until), one row per value of `by`.

    Args:
        records: the store.
        tenant: whose.
        since_us: from this moment.
        until_us: to this moment, exclusive.
        by: dimensions, of one grouping of `rollup.GROUPINGS`; and `hour_us` or `day_us` for the UTC hour or day.
        where: values allowed, by dimension.

    Raises:
        ValueError: no grouping has all the dimensions asked for.
    """
    where = where or {}
    dimensions = [name for name in by if name not in {"hour_us", "day_us"}]
    grouping = grouping_of({*dimensions, *where})
    by_hour = "hour_us" in by
    with records.exclusive():
        view = records.view(CALLS, tenant, since_us, until_us, ("rollup",))
        fresh = fresh_days(records, view.listing, "rollup", view.hot_days)
        parts = split(since_us, until_us, fresh)
        if by_hour:
            parts = Parts([], [*((day, day + DAY_US) for day in parts.days), *parts.hours], parts.rows)
        paths = [fresh[day] for day in sorted({day_of(at) for at in (*parts.days, *(low for low, _ in parts.hours))})]
        tables = []
        if paths:
            cells = records.engine.relation(rollup.ROLLUP_SCHEMA, [str(records.path / path) for path in paths])
            tables.append(_chosen(cells.filter(cells.grouping == grouping), tenant, parts))
        tables += [
            rollup.cells(view.rows(Scope(tenant, low, high)), grouping, "hour" if by_hour else "day")
            for low, high in parts.rows
        ]
        if not tables:
            return []
        every = ibis.union(*tables) if len(tables) > 1 else tables[0]
        every = every.filter(*query.conditions(every, where)) if where else every
        every = every.mutate(hour_us=every.at_us, day_us=(every.at_us // DAY_US * DAY_US).cast("int64"))
        added = {name: every[name].sum().fill_null(0) for name in rollup.SUMS}
        grouped = every.group_by(list(by)).aggregate(**added) if by else every.aggregate(**added)
        found: pa.Table = records.engine.fetch(grouped.order_by(list(by)) if by else grouped)
    return _plain(found)


def _plain(found: pa.Table) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


def grouping_of(dimensions: Collection[str]) -> str:
    """The grouping that keeps these dimensions together.

    Raises:
        ValueError: none does.
    """
    for name, kept in rollup.GROUPINGS.items():
        if set(dimensions) <= set(kept):
            return name
    kept_together = "; ".join(", ".join(kept) for kept in rollup.GROUPINGS.values())
    raise ValueError(f"no roll-up keeps {', '.join(sorted(dimensions))} together; ask within one of: {kept_together}")


def histogram(
    records: "Records",
    *,
    tenant: str,
    since_us: int,
    until_us: int,
    measure: str = "mos_x100",
    by: Sequence[str] = (),
    where: dict[str, Collection[str]] | None = None,
) -> list[dict[str, Any]]:
    """How many calls lie in each bucket of a measure: rows of `by`, `bucket` (its lower edge) and `n`, in order."""
    with records.exclusive():
        table = _histogram(records, tenant, (since_us, until_us), measure, by, where or {})
        return [] if table is None else _plain(records.engine.fetch(table.order_by([*by, "bucket"])))


def percentile(
    records: "Records",
    *,
    tenant: str,
    since_us: int,
    until_us: int,
    permille: int,
    measure: str = "mos_x100",
    by: Sequence[str] = (),
    where: dict[str, Collection[str]] | None = None,
) -> list[dict[str, Any]]:
    """Percentiles by nearest rank: the least bucket with at least `permille` ‰ of the calls at or below it.

    Exact for the MOS; for other measures the true value lies in [value, value + bucket width of `rollup.WIDTHS`).

    Returns:
        Rows of `by`, `value`, and `n`, the calls it was taken of.
    """
    with records.exclusive():
        table = _histogram(records, tenant, (since_us, until_us), measure, by, where or {})
        if table is None:
            return []
        groups = [table[name] for name in by]
        below = table.n.sum().over(ibis.window(group_by=groups, order_by=table.bucket, preceding=None, following=0))
        ranked = table.mutate(below=below, total=table.n.sum().over(ibis.window(group_by=groups)))
        reached = ranked.filter(ranked.below * 1000 >= ranked.total * permille)
        added = {"value": reached.bucket.min(), "n": reached.total.max()}
        result = reached.group_by(list(by)).aggregate(**added).order_by(list(by)) if by else reached.aggregate(**added)
        found: pa.Table = records.engine.fetch(result)
    return [row for row in _plain(found) if row["n"] is not None]


def _histogram(
    records: "Records",
    tenant: str,
    span: Span,
    measure: str,
    by: Sequence[str],
    where: dict[str, Collection[str]],
) -> ir.Table | None:
    by_hour = "hour_us" in by
    hours = measure == "mos_x100"
    view = records.view(CALLS, tenant, *span, ("histogram",))
    fresh = fresh_days(records, view.listing, "histogram", view.hot_days)
    parts = split(*span, fresh if hours or not by_hour else {}, hours=hours)
    if by_hour:
        parts = Parts([], [*((day, day + DAY_US) for day in parts.days), *parts.hours], parts.rows)
    paths = [fresh[day] for day in sorted({day_of(at) for at in (*parts.days, *(low for low, _ in parts.hours))})]
    tables = []
    if paths:
        cells = records.engine.relation(rollup.HISTOGRAM_SCHEMA, [str(records.path / path) for path in paths])
        tables.append(_chosen(cells.filter(cells.measure == measure), tenant, parts))
    tables += [
        rollup.buckets(view.rows(Scope(tenant, low, high)), measure, "hour" if by_hour else "day")
        for low, high in parts.rows
    ]
    if not tables:
        return None
    every = ibis.union(*tables) if len(tables) > 1 else tables[0]
    every = every.filter(*query.conditions(every, where)) if where else every
    every = every.mutate(hour_us=every.at_us, day_us=(every.at_us // DAY_US * DAY_US).cast("int64"))
    return every.group_by([*by, "bucket"]).aggregate(n=every.n.sum())
