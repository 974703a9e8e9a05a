"""Records as files for others: Parquet or CSV, with the columns of `schema`."""

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from clearline.records.columns import record_schema
from clearline.records.query import Scope
from clearline.records.schema import DAY_US, Table
from clearline.records.spool import plain_error

if TYPE_CHECKING:
    import pyarrow as pa

    from clearline.records.store import Records


def export(records: "Records", table: Table, target: Path, *, tenant: str, since_us: int, until_us: int) -> int:
    """Write a tenant's records of [since, until) to a `.parquet` or `.csv` file, day by day, in order of time.

    Returns:
        How many records were written.

    Raises:
        StoreFullError, StoreReadOnlyError: the file cannot be written; what was there before stays.
    """
    unfinished = target.with_name(f"{target.name}.part")
    try:
        rows = _write(records, table, unfinished, target.suffix, (tenant, since_us, until_us))
        unfinished.rename(target)
    except OSError as error:
        raise plain_error(error, target) from error
    finally:
        with suppress(OSError):
            unfinished.unlink()
    return rows


def _write(records: "Records", table: Table, target: Path, form: str, of: tuple[str, int, int]) -> int:
    tenant, since_us, until_us = of
    schema = record_schema(table)
    rows = 0
    with pq.ParquetWriter(target, schema) if form == ".parquet" else pa_csv.CSVWriter(target, schema) as out:
        for low, high in _days(records, table, since_us, until_us):
            found = records.ask(partial(_fetch, records, table, Scope(tenant, low, high)))
            rows += len(found)
            out.write_table(found.cast(schema))
    return rows


def _days(records: "Records", table: Table, since_us: int, until_us: int) -> list[tuple[int, int]]:
    """The parts of [since, until) by UTC days that have rows."""
    parts = [(max(since_us, day * DAY_US), min(until_us, (day + 1) * DAY_US)) for day in sorted(records.days(table))]
    return [(low, high) for low, high in parts if low < high]


def _fetch(records: "Records", table: Table, scope: Scope) -> "pa.Table":
    rows = records.view(table, scope.tenant, scope.since_us, scope.until_us).rows(scope)
    columns = record_schema(table).names
    return records.engine.fetch(rows.order_by([table.time, "key"]).select(columns))
