"""Find calls by number or Call-ID: through a hash index a day, through the rows where a day has none yet."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from clearline.records import query
from clearline.records.attribution import subscriber
from clearline.records.columns import record_schema, stored_schema, to_rows
from clearline.records.engines.duck import Piece, Plan, index_hash, to_ibis
from clearline.records.index import INDEX, INDEX_SCHEMA, made_of
from clearline.records.manifest import Listing
from clearline.records.query import Scope
from clearline.records.rolling import by_day
from clearline.records.schema import CALLS, DAY_US, CallRecord

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from clearline.records.store import Records, View

MAX_FOUND = 10_000
"""Calls returned at most."""


def search(
    records: "Records",
    *,
    tenant: str,
    since_us: int,
    until_us: int,
    number: str | None = None,
    call_id: str | None = None,
) -> list[CallRecord]:
    """Calls from or to a number, or with a Call-ID, that started in [since, until), by start.

    Args:
        records: the store.
        tenant: whose calls.
        since_us: from this moment.
        until_us: to this moment, exclusive.
        number: a number or the user part of a URI, compared whole, without visual separators.
        call_id: a Call-ID, compared whole.

    Raises:
        ValueError: neither or both of number and Call-ID are given.
    """
    if (number is None) == (call_id is None):
        raise ValueError("search for a number or for a Call-ID")
    kind, value = ("n", subscriber(number)) if number is not None else ("c", call_id or "")

    def question() -> pa.Table:
        view = records.view(CALLS, tenant, since_us, until_us, (INDEX,))
        indexed = _indexed(view)
        scope = Scope(tenant, since_us, until_us)
        found = _listed(records, indexed, index_hash(tenant, kind, value), scope)
        found += _unlisted(view, indexed, kind, value, scope)
        return pa.concat_tables(found) if found else record_schema(CALLS).empty_table()

    calls: list[CallRecord] = to_rows(CALLS, records.ask(question))
    exact = [call for call in calls if _names(call, kind, value)]
    return sorted(exact, key=lambda call: (call.start_us, call.key))[:MAX_FOUND]


def _names(call: CallRecord, kind: str, value: str) -> bool:
    if kind == "c":
        return call.call_id == value
    return value in {subscriber(party) for party in (call.caller, call.callee) if party is not None}


def _indexed(view: "View") -> dict[int, tuple[str, str]]:
    """Days whose index holds just the live calls: day → (path of the index, path of the calls)."""
    hot_days = view.hot_units(DAY_US)
    calls = by_day(view.listing.files, CALLS.name)
    return {
        file.day: (str(view.records.path / file.path), str(view.records.path / calls[file.day][0].path))
        for file in view.listing.files
        if file.table == INDEX
        and file.day not in hot_days
        and len(calls.get(file.day, [])) == 1
        and file.made_of == made_of(calls[file.day][0])
    }


def _listed(records: "Records", indexed: dict[int, tuple[str, str]], wanted: int, scope: Scope) -> list[pa.Table]:
    """The calls an index names: by customer and start, which the files are sorted by."""
    if not indexed:
        return []
    span = (scope.since_us, scope.until_us)
    hits = Piece(tuple(path for path, _ in indexed.values()), {"hash": [wanted]}, (span,))
    records.engine.source(INDEX_SCHEMA, "start_us", [hits])
    found = records.engine.run(Plan(to_ibis(INDEX_SCHEMA), (_some,)))
    if not len(found):
        return []
    starts, customers = found.column("start_us").to_pylist(), set(found.column("customer").to_pylist())
    paths = tuple(indexed[day][1] for day in sorted({start // DAY_US for start in starts}))
    # One question for all days: to put together one a day would cost more than what a few more rows do.
    piece = Piece(paths, {"tenant": [scope.tenant], "customer": customers, "start_us": set(starts)})
    records.engine.source(stored_schema(CALLS), CALLS.time, [piece])
    return [records.engine.run(Plan(to_ibis(stored_schema(CALLS)), (query.standing, _some, _recorded)))]


def _some(rows: "ir.Table") -> "ir.Table":
    return rows.limit(MAX_FOUND)


def _recorded(rows: "ir.Table") -> "ir.Table":
    return rows.select(record_schema(CALLS).names)


def _unlisted(view: "View", indexed: dict[int, tuple[str, str]], kind: str, value: str, scope: Scope) -> list[pa.Table]:
    """Calls of days without an index, found by reading the rows; the caller compares exactly.

    First their keys, of any state that names the value; then what counts of those.
    """
    files = [file for file in view.listing.files if file.table == CALLS.name and file.day not in indexed]
    if not files and not len(view.hot):
        return []
    rest = replace(view, listing=Listing(files, view.listing.sealed))
    keys: set[str] = set()
    for rows in rest.relations(scope):
        if rows is not None:
            naming = _naming(query.within(rows, CALLS, scope), kind, value)
            keys |= set(view.records.engine.fetch(naming.select("key").limit(MAX_FOUND)).column("key").to_pylist())
    if not keys:
        return []
    return [view.records.engine.fetch(_recorded(rest.rows(replace(scope, fixed={"key": keys}))))]


def _naming(rows: "ir.Table", kind: str, value: str) -> "ir.Table":
    if kind == "c":
        return rows.filter(rows.call_id == value)
    plain = [party.re_replace("[-. ()]", "").contains(value) for party in (rows.caller, rows.callee)]
    return rows.filter(plain[0] | plain[1])
