"""Every state a record was ever in, with who changed it, when and why."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import pyarrow as pa

from clearline.records import query
from clearline.records.columns import stored_schema, to_rows
from clearline.records.query import Scope
from clearline.records.schema import TABLES, Record

if TYPE_CHECKING:
    from clearline.records.store import Records


@dataclass(frozen=True, slots=True)
class State:
    """One state of a record: the record, since when it was so, and for corrections by whom and why.

    `moved_to_us` is set where a correction took the record away from this moment: to that one.
    """

    record: Record
    since_us: int
    who: str | None
    why: str | None
    moved_to_us: int | None = None


def states(records: "Records", table: str, *, tenant: str, since_us: int, until_us: int, key: str) -> list[State]:
    """All states of a tenant's record whose moment lies in [since, until), oldest first; the last one counts."""
    of = TABLES[table]
    scope = Scope(tenant, since_us, until_us, {"key": [key]})

    def question() -> pa.Table:
        view = records.view(of, tenant, since_us, until_us, (f"{table}-history",))
        earlier = [str(records.path / file.path) for file in view.listing.files if file.table != table]
        clean, unresolved = view.relations(scope)
        rows = query.within(clean, of, scope)
        if unresolved is not None:
            rows = rows.union(query.within(unresolved, of, scope))
        rows = rows.union(query.within(records.engine.relation(stored_schema(of), earlier), of, scope))
        return records.engine.fetch(query.resolved_states(rows).order_by(["revised_us", ibis.desc("moved_to_us")]))

    found = records.ask(question)
    extra = found.select(["recorded_us", "revised_us", "revised_by", "revised_why", "moved_to_us"]).to_pylist()
    return [
        State(
            record,
            more["revised_us"] or more["recorded_us"],
            more["revised_by"],
            more["revised_why"],
            more["moved_to_us"],
        )
        for record, more in zip(to_rows(of, found), extra, strict=True)
    ]
