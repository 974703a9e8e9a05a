"""The rows that count, as Ibis expressions on integer columns: every question about measurements starts here.

A day whose rows lie in one file is clean: that file holds each key once. Other days are read with their repeats and
corrections resolved: per tenant and key the latest revision counts, and of repeats the first one acknowledged.
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


def resolved(rows: ir.Table) -> ir.Table:
    """One row per tenant and key: the latest revision, and of equals the first acknowledged."""
    order = [rows.revised_us.desc(), rows.recorded_us.asc(), rows.revised_why.asc()]
    place = ibis.row_number().over(ibis.window(group_by=[rows.tenant, rows.key], order_by=order))
    ranked = rows.mutate(place=place)
    return ranked.filter(ranked.place == 0).drop("place")


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
    """One row per tenant, key and revision: the first acknowledged."""
    window = ibis.window(
        group_by=[rows.tenant, rows.key, rows.revised_us], order_by=[rows.recorded_us.asc(), rows.revised_why.asc()]
    )
    ranked = rows.mutate(place=ibis.row_number().over(window))
    return ranked.filter(ranked.place == 0).drop("place")


def counting(clean: ir.Table, unresolved: ir.Table | None, table: Table, scope: Scope) -> ir.Table:
    """The rows of a scope that count."""
    rows = within(clean, table, scope)
    if unresolved is not None:
        rows = rows.union(resolved(within(unresolved, table, scope)))
    return rows.filter(*conditions(rows, scope.free)) if scope.free else rows


def first_states(rows: pa.Table) -> pa.Table:
    """Of a table in memory, one row per tenant, key and revision: the first acknowledged."""
    if pc.count_distinct(rows.column("key")).as_py() == len(rows):
        return rows
    ordered = rows.sort_by([(name, "ascending") for name in ("tenant", "key", "revised_us", "recorded_us")])
    if len(ordered) < 2:
        return ordered
    same = [
        pc.equal(ordered.column(name).slice(1), ordered.column(name).slice(0, len(ordered) - 1))
        for name in ("tenant", "key", "revised_us")
    ]
    repeat = pc.and_(pc.and_(same[0], same[1]), same[2])
    keep = pa.chunked_array([pa.array([True]), *pc.invert(repeat).chunks])
    return ordered.filter(keep)


def sort_keys(table: Table) -> list[str]:
    """The order of rows in sealed files; total, since a key stands once in a file's tenant and revision."""
    return [*table.order, "key", "revised_us"]


def days(files: Iterable[tuple[int, str]], hot_days: Collection[int]) -> tuple[list[str], list[str]]:
    """Part (day, path) pairs into paths of clean days and of days to be resolved."""
    by_day: dict[int, list[str]] = {}
    for day, path in files:
        by_day.setdefault(day, []).append(path)
    clean = [path for day, paths in by_day.items() for path in paths if len(paths) == 1 and day not in hot_days]
    unresolved = [path for day, paths in by_day.items() for path in paths if len(paths) > 1 or day in hot_days]
    return clean, unresolved
