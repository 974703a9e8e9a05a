"""Figures of any stretch of time: from the roll-ups where they are fresh, from the rows where they are not."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from clearline.records import rollup
from clearline.records.engines.duck import Piece, Plan, to_ibis
from clearline.records.manifest import File
from clearline.records.parquet import day_of
from clearline.records.rolling import fresh_days, fresh_months
from clearline.records.rollup import BUCKETS, CELLS, Buckets, Cells, Kind, month_end, month_of
from clearline.records.schema import CALLS, DAY_US, HOUR_US

if TYPE_CHECKING:
    from clearline.records.store import Records

Span = tuple[int, int]
Rows = list[dict[str, Any]]
Where = Mapping[str, Collection[str]]
MOMENTS = {"hour_us", "day_us"}


@dataclass(slots=True)
class Parts:
    """How a stretch of time is put together: whole days and whole hours from roll-ups, the rest from rows."""

    days: list[int]
    hours: list[Span]
    rows: list[Span]


def split(since_us: int, until_us: int, fresh: Collection[int], hot_hours: Collection[int] = ()) -> Parts:
    """Part [since, until) by what the roll-ups of the fresh days can answer; hours with rows in no file they cannot."""
    parts = Parts([], [], [])
    if until_us <= since_us:
        return parts
    hot_days = {hour // 24 for hour in hot_hours}
    for day in range(day_of(since_us), day_of(until_us - 1) + 1):
        low, high = max(since_us, day * DAY_US), min(until_us, (day + 1) * DAY_US)
        if day not in fresh:
            _extend(parts.rows, low, high)
        elif high - low == DAY_US and day not in hot_days:
            parts.days.append(day)
        else:
            _split_hours(parts, low, high, hot_hours)
    return parts


def _split_hours(parts: Parts, since_us: int, until_us: int, hot_hours: Collection[int]) -> None:
    for hour in range(since_us // HOUR_US, -(-until_us // HOUR_US)):
        low, high = max(since_us, hour * HOUR_US), min(until_us, (hour + 1) * HOUR_US)
        whole = high - low == HOUR_US and hour not in hot_hours
        _extend(parts.hours if whole else parts.rows, low, high)


def _extend(spans: list[Span], low: int, high: int) -> None:
    if low >= high:
        return
    if spans and spans[-1][1] == low:
        spans[-1] = (spans[-1][0], high)
    else:
        spans.append((low, high))


def _pieces(
    records: "Records", parts: Parts, days: Mapping[int, File], months: Mapping[int, File], *, by_hour: bool
) -> list[Piece]:
    """Where the cells of whole months, days and hours lie."""
    whole = {month for month in months if set(range(month, month_end(month))) & days.keys() <= set(parts.days)}
    whole &= {month_of(day) for day in parts.days}
    by_month = [] if by_hour else [months[month].path for month in sorted(whole)]
    others = [days[day].path for day in parts.days if by_hour or month_of(day) not in whole]
    at = [("month", by_month), ("hour" if by_hour else "day", others)]
    pieces = [
        Piece(tuple(str(records.path / path) for path in paths), {"grain": [grain]}) for grain, paths in at if paths
    ]
    for low, high in parts.hours:
        paths = tuple(str(records.path / days[day].path) for day in range(day_of(low), day_of(high - 1) + 1))
        pieces.append(Piece(paths, {"grain": ["hour"]}, ((low, high),)))
    return pieces


def _gathered(
    records: "Records",
    kind: Kind,
    only: Mapping[str, Collection[str]],
    made: Cells | Buckets,
    span: Span,
    by: Collection[str],
) -> bool:
    """Name as the engine's source cells that cover a stretch of time once: of fresh roll-ups, and made of the rows
    elsewhere. `only` has the values allowed, the tenant among them. Returns whether there are any."""  # noqa: D205, D209
    (tenant,) = only["tenant"]
    first, last = month_of(day_of(span[0])), month_end(month_of(day_of(max(span[0], span[1] - 1))))
    view = records.view(CALLS, tenant, first * DAY_US, last * DAY_US, (kind.table, kind.month_table))
    days = fresh_days(records, view.listing.files, kind)
    parts = split(*span, days, view.hot_units(HOUR_US))
    months = {} if MOMENTS & set(by) else fresh_months(view.listing.files, kind, days)
    pieces = _pieces(records, parts, days, months, by_hour="hour_us" in by)
    hot = [cells.cast(kind.schema) for cells in view.taken(tenant, parts.rows, made)]
    if not pieces and not hot:
        return False
    records.engine.source(kind.schema, "at_us", pieces, pa.concat_tables(hot) if hot else None, only)
    return True


def _run(records: "Records", kind: Kind, step: Callable[[ir.Table], ir.Table]) -> Rows:
    found: Rows = records.engine.run(Plan(to_ibis(kind.schema), (step,))).to_pylist()
    return found


def _with_moments(cells: ir.Table) -> ir.Table:
    return cells.mutate(hour_us=cells.at_us, day_us=rollup.floor(cells.at_us, DAY_US))


@dataclass(frozen=True, slots=True)
class _Totals:
    """The sums of cells by some dimensions."""

    by: tuple[str, ...]

    def __call__(self, cells: ir.Table) -> ir.Table:
        cells = _with_moments(cells)
        added = {name: cells[name].sum().fill_null(0) for name in rollup.SUMS}  # expired days may lack a newer sum
        if not self.by:
            return cells.aggregate(**added)
        return cells.group_by(list(self.by)).aggregate(**added).order_by(list(self.by))


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
    grouping = grouping_of({*where, *by} - MOMENTS)
    only = {"tenant": [tenant], "grouping": [grouping], **where}

    def question() -> Rows:
        if not _gathered(records, CELLS, only, Cells((grouping,)), (since_us, until_us), by):
            return []
        return _run(records, CELLS, _Totals(tuple(by)))

    return records.ask(question)


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


@dataclass(frozen=True, slots=True)
class _Histogram:
    """How many calls lie in each bucket, by some dimensions."""

    by: tuple[str, ...]

    def __call__(self, cells: ir.Table) -> ir.Table:
        cells = _with_moments(cells)
        return cells.group_by([*self.by, "bucket"]).aggregate(n=cells.n.sum()).order_by([*self.by, "bucket"])


@dataclass(frozen=True, slots=True)
class _Percentile:
    """The least bucket with at least so many thousandths of the calls at or below it, by some dimensions."""

    by: tuple[str, ...]
    permille: int

    def __call__(self, cells: ir.Table) -> ir.Table:
        cells = _with_moments(cells)
        table = cells.group_by([*self.by, "bucket"]).aggregate(n=cells.n.sum())
        groups = [table[name] for name in self.by]
        below = table.n.sum().over(ibis.window(group_by=groups, order_by=table.bucket, preceding=None, following=0))
        ranked = table.mutate(below=below, total=table.n.sum().over(ibis.window(group_by=groups)))
        reached = ranked.filter(ranked.below * 1000 >= ranked.total * self.permille)
        added = {"value": reached.bucket.min(), "n": reached.total.max()}
        if not self.by:
            return reached.aggregate(**added)
        return reached.group_by(list(self.by)).aggregate(**added).order_by(list(self.by))


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
    return _buckets(records, tenant, (since_us, until_us), measure, where, _Histogram(tuple(by)))


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
    found = _buckets(records, tenant, (since_us, until_us), measure, where, _Percentile(tuple(by), permille))
    return [row for row in found if row["n"] is not None]


def _buckets(
    records: "Records", tenant: str, span: Span, measure: str, where: Where | None, step: _Histogram | _Percentile
) -> Rows:
    only = {"tenant": [tenant], "measure": [measure], **(where or {})}

    def question() -> Rows:
        if not _gathered(records, BUCKETS, only, Buckets((measure,)), span, step.by):
            return []
        return _run(records, BUCKETS, step)

    return records.ask(question)
