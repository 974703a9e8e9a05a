"""The rows that count, as Ibis expressions on integer columns: every question about measurements starts here.

A day whose rows lie in one merged file is clean: that file holds each key once. Other days are read with their repeats
and corrections resolved: per tenant and key the latest revision counts, and of repeats the first one acknowledged.
A correction that moves a record to another moment leaves a row behind whose `moved_to_us` says where it went.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from clearline.records.schema import Table


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose rows and which: a tenant and a half-open time, always; and equal-to conditions.

    `fixed` are conditions on columns a correction cannot change (they may be applied before corrections are resolved),
    `free` those on the others. Each maps a column to the values allowed.
    """

    tenant: str
    since_us: int
    until_us: int
    fixed: Mapping[str, Collection[str]] = field(default_factory=dict)
    free: Mapping[str, Collection[str]] = field(default_factory=dict)


def conditions(rows: ir.Table, allowed: Mapping[str, Collection[str]]) -> list[ir.BooleanValue]:
    """Conditions that columns hold one of the values allowed."""
    return [
        rows[name] == next(iter(values)) if len(values) == 1 else rows[name].isin(sorted(values))
        for name, values in allowed.items()
    ]


def within(rows: ir.Table, table: Table, scope: Scope) -> ir.Table:
    """Rows of the scope's tenant and time, with its fixed conditions."""
    moment = rows[table.time]
    return rows.filter(
        rows.tenant == scope.tenant,
        moment >= scope.since_us,
        moment < scope.until_us,
        *conditions(rows, scope.fixed),
    )


def _first(rows: ir.Table, groups: list[ir.Column]) -> ir.IntegerColumn:
    """The place of each row among those of its group: the latest revision first, of equals the first acknowledged."""
    order = [rows.revised_us.desc(), rows.moved_to_us.notnull(), rows.recorded_us.asc(), rows.revised_why.asc()]
    return ibis.row_number().over(ibis.window(group_by=groups, order_by=order))


def standing(rows: ir.Table) -> ir.Table:
    """Rows that were not moved to another moment."""
    return rows.filter(rows.moved_to_us.isnull())


def resolved(rows: ir.Table) -> ir.Table:
    """One row per tenant and key: the latest revision, and of equals the first acknowledged; none if it moved away."""
    ranked = rows.mutate(place=_first(rows, [rows.tenant, rows.key]))
    return standing(ranked.filter(ranked.place == 0).drop("place"))


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merged file keeps: the row of each key that counts, and where a record moved away, the row that says so.

    Attributes:
        time: the column of a record's moment.
    """

    time: str

    def __call__(self, rows: ir.Table) -> ir.Table:
        """Leave out the rest."""
        keys = [rows.tenant, rows.key]
        ranked = rows.mutate(place=_first(rows, keys), place_then=_first(rows, [*keys, rows[self.time]]))
        left = ranked.moved_to_us.notnull() & (ranked.place_then == 0)
        return ranked.filter((ranked.place == 0) | left).drop("place", "place_then")


def repeats(rows: ir.Table) -> ir.Table:
    """A row if any key stands more than once."""
    counted = rows.group_by(["tenant", "key"]).aggregate(n=rows.count())
    return counted.filter(counted.n > 1).limit(1)


def revisions(rows: ir.Table) -> ir.Table:
    """A row if there is any correction; cheap, since files know their greatest `revised_us`."""
    return rows.filter(rows.revised_us > 0).select("key").limit(1)


def superseded(rows: ir.Table) -> ir.Table:
    """What `resolved` leaves out and history keeps: earlier states that a correction replaced, each once."""
    latest = rows.mutate(latest=rows.revised_us.max().over(ibis.window(group_by=[rows.tenant, rows.key])))
    earlier = latest.filter(latest.revised_us < latest.latest).drop("latest")
    return resolved_states(earlier)


def resolved_states(rows: ir.Table) -> ir.Table:
    """One row per tenant, key and revision, and one that says it moved: the first acknowledged."""
    window = ibis.window(
        group_by=[rows.tenant, rows.key, rows.revised_us, rows.moved_to_us],
        order_by=[rows.recorded_us.asc(), rows.revised_why.asc()],
    )
    ranked = rows.mutate(place=ibis.row_number().over(window))
    return ranked.filter(ranked.place == 0).drop("place")


def counting(clean: ir.Table, unresolved: ir.Table | None, table: Table, scope: Scope) -> ir.Table:
    """The rows of a scope that count."""
    rows = standing(within(clean, table, scope))
    if unresolved is not None:
        rows = rows.union(resolved(within(unresolved, table, scope)))
    return rows.filter(*conditions(rows, scope.free)) if scope.free else rows


def in_spans(rows: pa.Table, time: str, spans: Iterable[tuple[int, int]]) -> pa.Table:
    """Of a table in memory, the rows whose moment lies in one of the spans."""
    moment = pc.field(time)
    chosen = pc.scalar(False)  # Arrow's own
    for low, high in spans:
        chosen |= (moment >= low) & (moment < high)
    return rows.filter(chosen)


def first_states(rows: pa.Table) -> pa.Table:
    """Of a table in memory, one row per tenant, key and revision (two if it moved): the first acknowledged."""
    if pc.count_distinct(rows.column("key")).as_py() == len(rows):
        return rows
    same_state = ("tenant", "key", "revised_us", "moved_to_us")
    ordered = rows.set_column(
        rows.column_names.index("moved_to_us"), "moved_to_us", pc.fill_null(rows.column("moved_to_us"), -1)
    ).select([*same_state, "recorded_us"])
    ordered = ordered.append_column("at", pa.array(range(len(rows)), pa.int64()))
    first = ordered.sort_by([(name, "ascending") for name in (*same_state, "recorded_us", "at")])
    first = first.group_by(list(same_state), use_threads=False).aggregate([("at", "first")])
    return rows.take(first.column("at_first"))


def sort_keys(table: Table) -> list[str]:
    """The order of rows in sealed files; total, since a key stands once in a file's tenant and revision."""
    return [*table.order, "key", "revised_us"]


def days(files: Iterable[tuple[int, int, str]], hot_days: Collection[int]) -> tuple[list[str], list[str]]:
    """Part files, given as (day, level, path), into paths of clean days and of days to be resolved.

    A file straight from the spool may hold a record and its correction; a merged one holds each key once.
    """
    by_day: dict[int, list[tuple[int, str]]] = {}
    for day, level, path in files:
        by_day.setdefault(day, []).append((level, path))
    clean: list[str] = []
    unresolved: list[str] = []
    for day, found in by_day.items():
        alone = len(found) == 1 and found[0][0] > 0 and day not in hot_days
        (clean if alone else unresolved).extend(path for _, path in found)
    return clean, unresolved
