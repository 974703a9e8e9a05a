"""Export or erase one person or one customer, proven by reading every file back."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from clearline.records import aside, documents, parquet
from clearline.records.attributing import restate
from clearline.records.attribution import SETTLED, subscriber
from clearline.records.columns import to_rows
from clearline.records.errors import RecordsError
from clearline.records.holds import must_be_free
from clearline.records.manifest import File
from clearline.records.query import Scope
from clearline.records.rewrite import destroy_replaced, kept_files, rewrite, table_of
from clearline.records.rollup import KINDS
from clearline.records.schema import CALLS, LATEST_US, REPORTS, STREAMS, TABLES, Record, Table
from clearline.records.seal import maintenance, seal_spool
from clearline.records.upkeep import refresh

if TYPE_CHECKING:
    from clearline.records.store import Records

NAMING = {"calls": ("caller", "callee"), "client_reports": ("reporter", "caller", "callee")}
"""Columns that hold a person's number."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did: rows changed or removed by table, files written anew, files read back to prove it, and
    damaged files set aside that no reader could prove free and that were destroyed."""  # noqa: D205, D209

    rows: dict[str, int]
    files: int
    read_back: int
    destroyed: list[str] = field(default_factory=list)


def export_person(records: "Records", *, tenant: str, number: str) -> list[Record]:
    """Every call and phone's report that names a number, in order of time."""
    wanted = subscriber(number)

    def question(table: Table) -> pa.Table:
        rows = records.view(table, tenant, 0, LATEST_US).rows(Scope(tenant, 0, LATEST_US))
        named = [rows[name].re_replace("[-. ()]", "").contains(wanted) for name in NAMING[table.name]]
        condition = named[0]
        for other in named[1:]:
            condition |= other
        return records.engine.fetch(rows.filter(condition).order_by([table.time, "key"]))

    found: list[Record] = []
    for table in (CALLS, REPORTS):
        rows = to_rows(table, records.ask(partial(question, table)))
        found += [row for row in rows if wanted in _subscribers(row, NAMING[table.name])]
    return found


def _subscribers(row: object, columns: Sequence[str]) -> set[str]:
    return {subscriber(text) for name in columns if (text := getattr(row, name)) is not None}


def erase_person(records: "Records", *, tenant: str, number: str, who: str, why: str) -> Erased:
    """Take a number out of everything: its rows stay, with number, Call-ID and addresses unknown, so no sum changes.

    The other party's number in the same rows goes too. Files that snapshots keep are rewritten as well. In the end
    every file on the disk is read back for the number.

    Raises:
        HeldError: a hold is on a customer of the person's calls; nothing is changed.
        RecordsError: the number was found again when reading back.
    """
    wanted = subscriber(number)
    with maintenance(records):
        seal_spool(records)
        restate(records)
        files = _naming_files(records, wanted)
        customers = _customers(records, files, wanted, tenant)
        if customers:
            must_be_free(records, [tenant], sorted(customers, key=str))
        rows: Counter[str] = Counter()
        keys: set[str] = set()
        for file, live in files:
            change = partial(_nameless, tenant=tenant, wanted=wanted, counted=rows, keys=keys)
            rewrite(records, file, change, live=live, keeps_measures=True)
        touched = len(files)
        for file, live in kept_files(records, ["streams"]) if keys else []:
            if _has_calls(records, file, keys):
                rewrite(records, file, partial(_no_addresses, keys=keys, counted=rows), live=live, keeps_measures=True)
                touched += 1
        refresh(records)
        destroy_replaced(records)
        destroyed = _nameless_aside(records, tenant, wanted, keys)
        body = {"tenant": tenant, "who": who, "why": why, "what": "person", "rows": dict(rows)}
        documents.keep(records.path, records.manifest, "erasure", records.now_us(), {**body, "destroyed": destroyed})
        return Erased(dict(rows), touched, _prove(records, tenant, wanted), destroyed)


def _nameless_aside(records: "Records", tenant: str, wanted: str, keys: set[str]) -> list[str]:
    def change(table: Table, data: pa.Table) -> pa.Table:
        if table.name in NAMING:
            return _nameless(table, data, tenant=tenant, wanted=wanted, counted=Counter(), keys=keys)
        return _no_addresses(table, data, keys=keys, counted=Counter()) if table is STREAMS else data

    return aside.erase(records, change)


def _naming_files(records: "Records", wanted: str) -> list[tuple[File, bool]]:
    found = []
    with records.exclusive():
        for table, columns in NAMING.items():
            kept = kept_files(records, [table])
            paths = {str(records.path / file.path): (file, live) for file, live in kept}
            naming = records.maker.files_naming(wanted, sorted(paths), list(columns))
            found += [paths[path] for path in sorted(naming)]
    return found


def _matches(table: Table, data: pa.Table, tenant: str, wanted: str) -> pa.ChunkedArray:
    """Which rows are the tenant's and name the subscriber."""
    named = pa.chunked_array([pa.repeat(False, len(data))])
    for name in NAMING[table.name]:
        encoded = data.column(name).combine_chunks().dictionary_encode()
        hits = [index for index, text in enumerate(encoded.dictionary.to_pylist()) if subscriber(text) == wanted]
        named = pc.or_(named, pc.fill_null(pc.is_in(encoded.indices, pa.array(hits, pa.int32())), False))
    return pc.and_(named, pc.equal(data.column("tenant"), tenant))


def _customers(records: "Records", files: list[tuple[File, bool]], wanted: str, tenant: str) -> set[str | None]:
    customers: set[str | None] = set()
    for file, _ in files:
        data = parquet.read(records.path, file.path, ["tenant", "customer", *NAMING[table_of(file).name]])
        customers |= set(data.filter(_matches(table_of(file), data, tenant, wanted)).column("customer").to_pylist())
    return customers


def _blank(data: pa.Table, columns: Sequence[str], chosen: pa.ChunkedArray) -> pa.Table:
    for name in columns:
        at = data.column_names.index(name)
        data = data.set_column(
            at, data.schema.field(at), pc.if_else(chosen, pa.scalar(None, pa.string()), data.column(at))
        )
    return data


def _nameless(
    table: Table, data: pa.Table, *, tenant: str, wanted: str, counted: Counter[str], keys: set[str]
) -> pa.Table:
    chosen = _matches(table, data, tenant, wanted)
    counted[table.name] += pc.sum(chosen).as_py() or 0
    if table is CALLS:
        keys.update(data.column("key").filter(chosen).to_pylist())
    return _blank(data, (*table.identity, *SETTLED), chosen)


def _has_calls(records: "Records", file: File, keys: set[str]) -> bool:
    column = parquet.read(records.path, file.path, ["call_key"]).column("call_key")
    return bool(pc.any(pc.is_in(column, pa.array(sorted(keys), pa.string()))).as_py())


def _no_addresses(table: Table, data: pa.Table, *, keys: set[str], counted: Counter[str]) -> pa.Table:
    chosen = pc.is_in(data.column("call_key"), pa.array(sorted(keys), pa.string()))
    counted[table.name] += pc.sum(chosen).as_py() or 0
    return _blank(data, table.identity, chosen)


def _prove(records: "Records", tenant: str, wanted: str) -> int:
    """Read back every data file there is on the disk, listed, unlisted or set aside, for the number.

    Returns:
        How many files were read.
    """
    read = 0
    for path in sorted((records.path / "data").glob("*/*/*.parquet")):
        name = path.parent.parent.name.removesuffix("-history")
        if name in NAMING:
            data = parquet.read(records.path, str(path.relative_to(records.path)))
            read += 1
            if pc.any(_matches(TABLES[name], data, tenant, wanted)).as_py():
                raise RecordsError(f"{path} still names the person: erase again, and report this")
    for path, table, data in aside.readable(records):
        read += 1
        if table.name in NAMING and pc.any(_matches(table, data, tenant, wanted)).as_py():
            raise RecordsError(f"{path} still names the person: erase again, and report this")
    return read


def erase_customer(records: "Records", *, tenant: str, customer: str, who: str, why: str) -> Erased:
    """Remove all rows of a customer: calls, their streams and intervals, phones' reports, and what was summed of them.

    Snapshots that named them name the rewritten files, and say so by no longer recomputing to the same figures.

    Raises:
        HeldError: a hold is on the customer; nothing is changed.
        RecordsError: rows of the customer were found again when reading back.
    """
    must_be_free(records, [tenant], [customer])
    with maintenance(records):
        seal_spool(records)
        restate(records)
        rows: Counter[str] = Counter()
        calls: set[str] = set()
        streams: set[str] = set()
        touched = 0
        for name, column, values, collected in (
            ("calls", "customer", {customer}, calls),
            ("client_reports", "customer", {customer}, set()),
            ("streams", "call_key", calls, streams),
            ("intervals", "stream_key", streams, set()),
        ):
            chooser = partial(rows_of, tenant=tenant, column=column, values=values)
            touched += remove_rows(records, name, chooser, rows, collected)
        _remove_sums(records, tenant, customer)
        refresh(records)
        destroy_replaced(records)
        destroyed = aside.erase(records, partial(_without, tenant=tenant, customer=customer, calls=calls, keys=streams))
        body = {"tenant": tenant, "who": who, "why": why, "what": "customer", "rows": dict(rows)}
        documents.keep(records.path, records.manifest, "erasure", records.now_us(), {**body, "destroyed": destroyed})
        read = 0
        for name in ("calls", "client_reports"):
            for file, _ in kept_files(records, [name]):
                read += 1
                data = parquet.read(records.path, file.path, ["tenant", "customer"])
                if pc.any(rows_of(data, tenant=tenant, column="customer", values={customer})).as_py():
                    raise RecordsError(f"{file.path} still has rows of the customer: erase again, and report this")
        for path, _, data in aside.readable(records):
            read += 1
            mine = "customer" in data.column_names and rows_of(
                data, tenant=tenant, column="customer", values={customer}
            )
            if mine and pc.any(mine).as_py():
                raise RecordsError(f"{path} still has rows of the customer: erase again, and report this")
        return Erased(dict(rows), touched, read, destroyed)


def _without(table: Table, data: pa.Table, *, tenant: str, customer: str, calls: set[str], keys: set[str]) -> pa.Table:
    """Rows of something set aside, without a customer's."""
    column, values = {
        "streams": ("call_key", calls),
        "intervals": ("stream_key", keys),
    }.get(table.name, ("customer", {customer}))
    if column not in data.column_names:
        return data
    return data.filter(pc.invert(rows_of(data, tenant=tenant, column=column, values=values)))


def _remove_sums(records: "Records", tenant: str, customer: str) -> None:
    """Remove what was summed of a customer's calls of days whose rows have expired; other days are summed anew."""
    expired = documents.expired_before(records.manifest, "calls")
    for kind in KINDS:
        for file in records.manifest.live([kind.table], 0, expired).files:
            data = parquet.read(records.path, file.path)
            mine = rows_of(data, tenant=tenant, column="customer", values={customer})
            if pc.any(mine).as_py():
                path = parquet.new_path(file.table, file.day)
                about = parquet.footer(file.table, file.day, file.level, made_of=file.made_of, merges=[file.path])
                made = parquet.write(records.path, path, data.filter(pc.invert(mine)), about)
                records.manifest.commit(add=[made], kill=[file.path], now_us=records.now_us())


def rows_of(data: pa.Table, *, tenant: str, column: str, values: set[str]) -> pa.ChunkedArray:
    """Which rows are the tenant's and have one of the values in a column."""
    chosen = pc.is_in(data.column(column), pa.array(sorted(values), pa.string()))
    return pc.and_(chosen, pc.equal(data.column("tenant"), tenant))


def remove_rows(
    records: "Records",
    table: str,
    chooser: Callable[[pa.Table], pa.ChunkedArray],
    rows: Counter[str],
    collected: set[str],
) -> int:
    """Remove the chosen rows of a table's files; collects their keys. Returns how many files were rewritten."""

    def without(_table: Table, data: pa.Table) -> pa.Table:
        chosen = chooser(data)
        rows[table] += pc.sum(chosen).as_py() or 0
        collected.update(data.column("key").filter(chosen).to_pylist())
        return data.filter(pc.invert(chosen))

    touched = 0
    for file, live in kept_files(records, [table]):
        if pc.any(chooser(parquet.read(records.path, file.path))).as_py():
            rewrite(records, file, without, live=live, keeps_measures=False)
            touched += 1
    return touched
