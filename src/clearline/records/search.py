"""Find calls by number or Call-ID: through a hash index a day, through the rows where a day has none yet."""

from typing import TYPE_CHECKING

import pyarrow as pa

from clearline.records import query, rollup
from clearline.records.attribution import subscriber
from clearline.records.columns import stored_schema, to_rows
from clearline.records.engines.duck import index_hash
from clearline.records.manifest import File
from clearline.records.query import Scope
from clearline.records.schema import CALLS, DAY_US, CallRecord

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from clearline.records.store import Records, View

INDEX_SCHEMA = pa.schema([("hash", pa.int64()), ("customer", pa.string()), ("start_us", pa.int64())])
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
        view = records.view(CALLS, tenant, since_us, until_us, ("index",))
        indexed = _indexed(view)
        scope = Scope(tenant, since_us, until_us)
        parts = []
        if indexed and (places := _places(records, index_hash(tenant, kind, value), indexed, scope)):
            parts.append(_at_places(records, view, indexed, places, scope))
        if others := _rest(records, view, indexed):
            parts.append(_naming(others, kind, value, scope))
        rows = [records.engine.fetch(part.limit(MAX_FOUND)) for part in parts]
        return pa.concat_tables(rows) if rows else stored_schema(CALLS).empty_table()

    found: list[CallRecord] = to_rows(CALLS, records.ask(question))
    exact = [call for call in found if _names(call, kind, value)]
    return sorted(exact, key=lambda call: (call.start_us, call.key))[:MAX_FOUND]


def _names(call: CallRecord, kind: str, value: str) -> bool:
    if kind == "c":
        return call.call_id == value
    return value in {subscriber(party) for party in (call.caller, call.callee) if party is not None}


def _indexed(view: "View") -> dict[int, tuple[str, list[File]]]:
    """Days whose index holds just the live calls: day → (path of the index, files of the calls)."""
    calls: dict[int, list[File]] = {}
    for file in view.listing.files:
        if file.table == "calls":
            calls.setdefault(file.day, []).append(file)
    return {
        file.day: (file.path, calls[file.day])
        for file in view.listing.files
        if file.table == "index"
        and file.day not in view.hot_days
        and len(calls.get(file.day, [])) == 1
        and file.made_of == rollup.index_made_of(calls[file.day])
    }


def _places(
    records: "Records", wanted: int, indexed: dict[int, tuple[str, list[File]]], scope: Scope
) -> dict[int, list[tuple[str | None, int]]]:
    index = records.engine.relation(INDEX_SCHEMA, [str(records.path / path) for path, _ in indexed.values()])
    hits = index.filter(index.hash == wanted, index.start_us >= scope.since_us, index.start_us < scope.until_us)
    places: dict[int, list[tuple[str | None, int]]] = {}
    for hit in records.engine.fetch(hits.limit(MAX_FOUND)).to_pylist():
        places.setdefault(hit["start_us"] // DAY_US, []).append((hit["customer"], hit["start_us"]))
    return places


def _at_places(
    records: "Records",
    view: "View",
    indexed: dict[int, tuple[str, list[File]]],
    places: dict[int, list[tuple[str | None, int]]],
    scope: Scope,
) -> "ir.Table":
    """The calls at the places the index named: by customer and start, which the files are sorted by."""
    paths = [str(records.path / file.path) for day in places for file in indexed[day][1]]
    rows = query.within(records.engine.relation(stored_schema(view.table), paths), view.table, scope)
    found = [place for group in places.values() for place in group]
    customers = {customer for customer, _ in found if customer is not None}
    mine = rows.customer.isin(sorted(customers))
    if any(customer is None for customer, _ in found):
        mine |= rows.customer.isnull()
    return rows.filter(mine, rows.start_us.isin(sorted({start for _, start in found})))


def _rest(records: "Records", view: "View", indexed: dict[int, tuple[str, list[File]]]) -> "View | None":
    """The view without the indexed days; None if nothing is left."""
    from clearline.records.store import View  # noqa: PLC0415  # store imports this module's callers

    files = [file for file in view.listing.files if file.table == "calls" and file.day not in indexed]
    if not files and view.unresolved is None:
        return None
    by_day = [(file.day, str(records.path / file.path)) for file in files]
    clean, _ = query.days(by_day, view.hot_days)
    relation = records.engine.relation(stored_schema(view.table), clean)
    return View(view.table, view.listing, view.hot_days, relation, view.unresolved)


def _naming(view: "View", kind: str, value: str, scope: Scope) -> "ir.Table":
    """Calls that may name the value, found by reading the rows; the caller compares exactly."""
    rows = view.rows(scope)
    if kind == "c":
        return rows.filter(rows.call_id == value)
    plain = [party.re_replace("[-. ()]", "").contains(value) for party in (rows.caller, rows.callee)]
    return rows.filter(plain[0] | plain[1])
