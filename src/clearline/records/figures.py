"""Figures of any stretch of time: from the roll-ups where they are fresh, from the rows where they are not."""

from collections.abc import Callable, Collection, Mapping, Sequence
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
Rows = list[dict[str, Any]]
Where = Mapping[str, Collection[str]]


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


@dataclass(frozen=True, slots=True)
class Derived:
    """A kind of roll-up: its table, which of its rows are meant, and the same rows made of calls by a grain."""

    table: str
    schema: pa.Schema
    meant: Callable[[ir.Table], ir.BooleanValue]
    made: Callable[[ir.Table, str], ir.Table]
    has_hours: bool


def _gathered(
    records: "Records", derived: Derived, tenant: str, span: Span, by: Collection[str], where: Where
) -> ir.Table | None:
    """Cells that cover a stretch of time once: of fresh roll-ups, and made of the rows elsewhere. None if empty."""
    by_hour = "hour_us" in by
    view = records.view(CALLS, tenant, *span, (derived.table,))
    fresh = fresh_days(records, view.listing, derived.table, view.hot_days)
    parts = split(*span, fresh if derived.has_hours or not by_hour else {}, hours=derived.has_hours)
    if by_hour:
        parts = Parts([], [*((day, day + DAY_US) for day in parts.days), *parts.hours], parts.rows)
    paths = [fresh[day] for day in sorted({day_of(at) for at in (*parts.days, *(low for low, _ in parts.hours))})]
    tables = []
    if paths:
        cells = records.engine.relation(derived.schema, [str(records.path / path) for path in paths])
        tables.append(_chosen(cells.filter(derived.meant(cells)), tenant, parts))
    grain = "hour" if by_hour else "day"
    tables += [derived.made(view.rows(Scope(tenant, low, high)), grain) for low, high in parts.rows]
    if not tables:
        return None
    every = ibis.union(*tables) if len(tables) > 1 else tables[0]
    every = every.filter(*query.conditions(every, where)) if where else every
    return every.mutate(hour_us=every.at_us, day_us=(every.at_us // DAY_US * DAY_US).cast("int64"))


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
    where: Where | None = None,
) -> Rows:
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
    grouping = grouping_of({*where, *by} - {"hour_us", "day_us"})
    derived = Derived(
        "rollup",
        rollup.ROLLUP_SCHEMA,
        lambda cells: cells.grouping == grouping,
        lambda rows, grain: rollup.cells(rows, grouping, grain),
        has_hours=True,
    )

    def question() -> Rows:
        every = _gathered(records, derived, tenant, (since_us, until_us), by, where)
        if every is None:
            return []
        added = {name: every[name].sum().fill_null(0) for name in rollup.SUMS}
        grouped = every.group_by(list(by)).aggregate(**added).order_by(list(by)) if by else every.aggregate(**added)
        return _plain(records.engine.fetch(grouped))

    return records.ask(question)


def _plain(found: pa.Table) -> Rows:
    rows: Rows = found.to_pylist()
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
    where: Where | None = None,
) -> Rows:
    """How many calls lie in each bucket of a measure: rows of `by`, `bucket` (its lower edge) and `n`, in order."""

    def question() -> Rows:
        table = _histogram(records, tenant, (since_us, until_us), measure, by, where or {})
        return [] if table is None else _plain(records.engine.fetch(table.order_by([*by, "bucket"])))

    return records.ask(question)


def percentile(
    records: "Records",
    *,
    tenant: str,
    since_us: int,
    until_us: int,
    permille: int,
    measure: str = "mos_x100",
    by: Sequence[str] = (),
    where: Where | None = None,
) -> Rows:
    """Percentiles by nearest rank: the least bucket with at least `permille` ‰ of the calls at or below it.

    Exact for the MOS; for other measures the true value lies in [value, value + bucket width of `rollup.WIDTHS`).

    Returns:
        Rows of `by`, `value`, and `n`, the calls it was taken of.
    """

    def question() -> Rows:
        table = _histogram(records, tenant, (since_us, until_us), measure, by, where or {})
        if table is None:
            return []
        groups = [table[name] for name in by]
        below = table.n.sum().over(ibis.window(group_by=groups, order_by=table.bucket, preceding=None, following=0))
        ranked = table.mutate(below=below, total=table.n.sum().over(ibis.window(group_by=groups)))
        reached = ranked.filter(ranked.below * 1000 >= ranked.total * permille)
        added = {"value": reached.bucket.min(), "n": reached.total.max()}
        result = reached.group_by(list(by)).aggregate(**added).order_by(list(by)) if by else reached.aggregate(**added)
        return [row for row in _plain(records.engine.fetch(result)) if row["n"] is not None]

    return records.ask(question)


def _histogram(
    records: "Records", tenant: str, span: Span, measure: str, by: Sequence[str], where: Where
) -> ir.Table | None:
    derived = Derived(
        "histogram",
        rollup.HISTOGRAM_SCHEMA,
        lambda cells: cells.measure == measure,
        lambda rows, grain: rollup.buckets(rows, measure, grain),
        has_hours=measure == "mos_x100",
    )
    every = _gathered(records, derived, tenant, span, by, where)
    return None if every is None else every.group_by([*by, "bucket"]).aggregate(n=every.n.sum())
