"""Attribution applied at roll-up: a corrected rule attributes anew the days it touches, and what changed is kept."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from clearline.records import documents, parquet, query
from clearline.records.attribution import Rule, Rules
from clearline.records.columns import conform, stored_schema
from clearline.records.engines.duck import SOURCE, Plan, to_ibis
from clearline.records.manifest import File
from clearline.records.query import Scope
from clearline.records.schema import CALLS, TABLES

if TYPE_CHECKING:
    from clearline.records.store import Records

ATTRIBUTED = ("calls", "client_reports")
"""Tables whose rows have a customer."""
CHANGE = "attribution"
"""The kind of document that says what attributing a day anew changed."""

Owner = tuple[str | None, str | None]
Moves = Counter[tuple[Owner, Owner]]
TenantsMoves = Counter[tuple[str, Owner, Owner]]
MOVE = ["tenant", "from_customer", "from_service", "to_customer", "to_service", "rows"]
"""What is kept of a change: whose, from whom, to whom, how many rows."""


def keep_rules(records: "Records", tenant: str, rules: list[Rule], *, who: str, why: str) -> None:
    """Replace a tenant's attribution rules; the next roll-up attributes anew what they change.

    Raises:
        BadRecordError: a rule makes no sense or is another tenant's; nothing is changed.
    """
    checked = Rules(rules)
    checked.must_be_of(tenant)
    body = {"tenant": tenant, "who": who, "why": why, "rules": checked.to_json()}
    documents.keep(records.path, records.manifest, "rules", records.now_us(), body)


def restate(records: "Records") -> Moves:
    """Attribute anew the files that older rules were applied to. Needs the maintenance lock.

    Returns:
        How many rows went from which (customer, service) to which.
    """
    rules = records.rules
    moved: Moves = Counter()
    for file in records.manifest.live(ATTRIBUTED).files:
        if file.rules != rules.digest_of(file.day):
            for (_, before, after), rows in _restate(records, file, rules).items():
                moved[before, after] += rows
    return moved


def changes(records: "Records", tenant: str) -> list[dict[str, Any]]:
    """What attributing anew changed, oldest first: day, table, how many rows went from whom to whom, and who had
    changed the rules last before, and why."""  # noqa: D205, D209
    sets = [body for body in documents.listed(records.manifest, "rules").values() if body["tenant"] == tenant]
    found = []
    for body in documents.listed(records.manifest, CHANGE).values():
        before = [rules for rules in sets if rules["at_us"] <= body["at_us"]]
        said = {name: before[-1][name] if before else None for name in ("who", "why")}
        told = {"at_us": body["at_us"], "day": body["day"], "table": body["table"], **said}
        found += [{**told, **move} for move in body["moves"] if move["tenant"] == tenant]
    return found


def _restate(records: "Records", file: File, rules: Rules) -> TenantsMoves:
    table = TABLES[file.table]
    moved: TenantsMoves = Counter()
    path = parquet.new_path(file.table, file.day)
    temporary = (records.path / path).with_suffix(".tmp")
    staged = temporary.with_suffix(".staged")
    source = records.path / file.path
    with (
        parquet.plain_errors(source),
        pq.ParquetFile(source) as reader,
        pq.ParquetWriter(staged, stored_schema(table)) as writer,
    ):
        for batch in reader.iter_batches(parquet.READ_ROWS):
            before = conform(table, pa.Table.from_batches([batch]))
            after = rules.apply(before, table.time)
            moved += _moved(before, after)
            writer.write_table(after)
    about = parquet.footer(file.table, file.day, file.level, rules=rules.digest_of(file.day), merges=[file.path])
    with records.exclusive():
        records.maker.relation(stored_schema(table), [str(staged)], name=SOURCE)
        records.maker.write(
            Plan(to_ibis(stored_schema(table)), ()), query.sort_keys(table), temporary, {parquet.FOOTER: about}
        )
    made = parquet.settle(records.path, path)
    if moved:  # kept first, under the name of the file it replaces: a killed run says it again, not twice
        moves = [
            dict(zip(MOVE, (tenant, *before, *after, rows), strict=True))
            for (tenant, before, after), rows in moved.items()
        ]
        told = {"day": file.day, "table": file.table, "moves": moves}
        documents.keep(records.path, records.manifest, CHANGE, records.now_us(), told, Path(file.path).stem)
    records.manifest.commit(add=[made], kill=[file.path], now_us=records.now_us())
    staged.unlink()
    return moved


def _moved(before: pa.Table, after: pa.Table) -> TenantsMoves:
    owners = [part.column(name) for part in (before, after) for name in ("customer", "service")]
    pairs = pa.table([before.column("tenant"), *owners], names=MOVE[:-1])
    counted = pairs.group_by(MOVE[:-1]).aggregate([([], "count_all")])
    rows = zip(*(counted.column(name).to_pylist() for name in (*MOVE[:-1], "count_all")), strict=True)
    return Counter({(tenant, (a, b), (c, d)): n for tenant, a, b, c, d, n in rows if (a, b) != (c, d)})


def unattributed(records: "Records", *, tenant: str, since_us: int, until_us: int, limit: int = 1000) -> pa.Table:
    """Calls of no customer in [since, until), by what a rule could name: caller, callee, trunk, address; most first."""

    def question() -> pa.Table:
        rows = records.view(CALLS, tenant, since_us, until_us).rows(Scope(tenant, since_us, until_us))
        rows = rows.filter(rows.customer.isnull())
        names = ["caller", "callee", "trunk", "source_address"]
        counted = rows.group_by(names).aggregate(calls=rows.count())
        return records.engine.fetch(counted.order_by([counted.calls.desc(), *names]).limit(limit))

    return records.ask(question)
