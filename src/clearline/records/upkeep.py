"""Upkeep: what a background worker calls regularly, and the commands call on demand."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from clearline.records import documents, parquet, query
from clearline.records.attribution import Rule, Rules
from clearline.records.columns import conform, stored_schema
from clearline.records.engines.duck import SOURCE, Plan, to_ibis
from clearline.records.index import index_days
from clearline.records.manifest import File
from clearline.records.rolling import roll_up
from clearline.records.schema import DAY_US, TABLES
from clearline.records.seal import GRACE_US, collect, maintenance, merge_levels, seal_days, seal_spool

if TYPE_CHECKING:
    from clearline.records.store import Records

LAST_DAY = 2**31
ATTRIBUTED = ("calls", "client_reports")
"""Tables whose rows have a customer."""

Owner = tuple[str | None, str | None]
Moves = Counter[tuple[Owner, Owner]]


@dataclass(slots=True)
class Done:
    """What a run of upkeep did."""

    segments: int = 0
    merges: int = 0
    sealed: list[tuple[str, int]] = field(default_factory=list)
    rolled_up: list[int] = field(default_factory=list)
    collected: int = 0


def upkeep(records: "Records", grace_us: int = GRACE_US) -> Done:
    """Seal the spool, merge, seal the days that are over, roll up what changed, delete what was replaced.

    Call it every few seconds to minutes; it is quick when there is nothing to do, and may be killed at any point.
    """
    done = Done()
    with maintenance(records):
        done.segments = seal_spool(records)
        restate(records)
        today = records.now_us() // DAY_US
        done.sealed = seal_days(records, 0, today)
        done.rolled_up = refresh(records)
        done.merges = merge_levels(records)
        done.collected = collect(records, grace_us)
    return done


def refresh(records: "Records") -> list[int]:
    """Bring the roll-ups and search indexes up to date. Needs the maintenance lock. Returns the days summed."""
    index_days(records, 0, LAST_DAY)
    return roll_up(records, 0, LAST_DAY)


def seal(records: "Records") -> int:
    """Seal only the spool: the least that bounds it."""
    with maintenance(records):
        return seal_spool(records)


def set_rules(records: "Records", tenant: str, rules: list[Rule], *, who: str, why: str) -> Moves:
    """Replace a tenant's attribution rules, and attribute anew what they change.

    Returns:
        How many calls and reports went from which (customer, service) to which.

    Raises:
        BadRecordError: a rule makes no sense or is another tenant's; nothing is changed.
    """
    checked = Rules(rules)
    checked.must_be_of(tenant)
    body = {"tenant": tenant, "who": who, "why": why, "rules": checked.to_json()}
    with maintenance(records):
        seal_spool(records)
        documents.keep(records.path, records.manifest, "rules", records.now_us(), body)
        return restate(records)


def restate(records: "Records") -> Moves:
    """Attribute anew the files that older rules were applied to. Needs the maintenance lock."""
    rules = records.rules
    moved: Moves = Counter()
    for file in records.manifest.live(ATTRIBUTED).files:
        if file.rules != rules.digest_of(file.day):
            moved += _restate(records, file, rules)
    return moved


def _restate(records: "Records", file: File, rules: Rules) -> Moves:
    table = TABLES[file.table]
    moved: Moves = Counter()
    path = parquet.new_path(file.table, file.day)
    temporary = (records.path / path).with_suffix(".tmp")
    staged = records.path / "spill" / Path(path).name
    staged.parent.mkdir(exist_ok=True)
    with pq.ParquetFile(records.path / file.path) as reader, pq.ParquetWriter(staged, stored_schema(table)) as writer:
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
    records.manifest.commit(add=[made], kill=[file.path], now_us=records.now_us())
    staged.unlink()
    return moved


def _moved(before: pa.Table, after: pa.Table) -> Moves:
    pairs = pa.table(
        [part.column(name) for part in (before, after) for name in ("customer", "service")], names=["a", "b", "c", "d"]
    )
    counted = pairs.group_by(["a", "b", "c", "d"]).aggregate([([], "count_all")])
    rows = zip(*(counted.column(name).to_pylist() for name in ("a", "b", "c", "d", "count_all")), strict=True)
    return Counter({((a, b), (c, d)): n for a, b, c, d, n in rows if (a, b) != (c, d)})


def unattributed(records: "Records", *, tenant: str, since_us: int, until_us: int, limit: int = 1000) -> pa.Table:
    """Calls of no customer in [since, until), by what a rule could name: caller, callee, trunk, address; most first."""
    from clearline.records.query import Scope  # noqa: PLC0415
    from clearline.records.schema import CALLS  # noqa: PLC0415

    def question() -> pa.Table:
        rows = records.view(CALLS, tenant, since_us, until_us).rows(Scope(tenant, since_us, until_us))
        rows = rows.filter(rows.customer.isnull())
        names = ["caller", "callee", "trunk", "source_address"]
        counted = rows.group_by(names).aggregate(calls=rows.count())
        return records.engine.fetch(counted.order_by([counted.calls.desc(), *names]).limit(limit))

    return records.ask(question)
