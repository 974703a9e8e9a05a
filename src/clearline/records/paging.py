"""Calls a page at a time, latest first: a page reads a day or a few, never a whole month."""

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from clearline.records.columns import stored_schema, to_rows
from clearline.records.query import Scope
from clearline.records.schema import CALLS, DAY_US, CallRecord

if TYPE_CHECKING:
    import pyarrow as pa

    from clearline.records.store import Records


class Place(NamedTuple):
    """Where a page ends: the start and key of its last call; the next page begins before it."""

    start_us: int
    key: str


def latest_calls(
    records: "Records", *, tenant: str, since_us: int, until_us: int, limit: int, before: Place | None = None
) -> list[CallRecord]:
    """At most so many calls that started in [since, until), latest first; only those before a place, if given.

    Of calls with the same start, the greater key comes first.
    """
    end_us = until_us if before is None else min(until_us, before.start_us + 1)
    found: list[CallRecord] = []
    for day in sorted(records.days(CALLS), reverse=True):
        low, high = max(since_us, day * DAY_US), min(end_us, (day + 1) * DAY_US)
        if low < high and len(found) < limit:
            rows = records.ask(partial(_latest, records, Scope(tenant, low, high), limit - len(found), before))
            found += to_rows(CALLS, rows)
    return found


def _latest(records: "Records", scope: Scope, limit: int, before: Place | None) -> "pa.Table":
    import ibis  # noqa: PLC0415  # heavy; asked for here alone

    rows = records.view(CALLS, scope.tenant, scope.since_us, scope.until_us).rows(scope)
    if before is not None:
        rows = rows.filter((rows.start_us < before.start_us) | (rows.key < before.key))
    latest = rows.order_by([ibis.desc("start_us"), ibis.desc("key")]).limit(limit)
    return records.engine.fetch(latest.select(*stored_schema(CALLS).names))
