"""Records as Arrow columns and back. The one place where a table's column types are decided."""

from collections.abc import Callable, Sequence
from functools import cache
from operator import attrgetter
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pyarrow as pa

from clearline.records.errors import BadRecordError
from clearline.records.schema import LATEST_US, Record, Table

ADMINISTRATIVE = pa.schema(
    [
        pa.field("recorded_us", pa.int64(), nullable=False),
        pa.field("revised_us", pa.int64(), nullable=False),
        pa.field("revised_by", pa.string()),
        pa.field("revised_why", pa.string()),
        pa.field("attributed_by", pa.string()),
        pa.field("moved_to_us", pa.int64()),
        pa.field("site_by", pa.string()),
    ]
)
"""What the store adds to each record: when it was acknowledged; if it replaces an earlier state of the same key, since
when, by whom and why (`revised_us` is 0 for what first came in); the rules that gave it its customer and site, if any
did; and in the row that a moved record leaves behind, where it went."""


def _column(hint: Any) -> pa.DataType:
    kinds = {kind for kind in get_args(hint) or (hint,) if kind is not NoneType}
    if get_origin(hint) is Literal or any(get_origin(kind) is Literal for kind in kinds):
        return pa.string()
    (kind,) = kinds
    return {int: pa.int64(), bool: pa.bool_(), str: pa.string()}[kind]


@cache
def record_schema(table: Table) -> pa.Schema:
    """Arrow schema of a table's records alone."""
    hints = get_type_hints(table.row)
    return pa.schema([pa.field(name, _column(hint), NoneType in get_args(hint)) for name, hint in hints.items()])


@cache
def stored_schema(table: Table) -> pa.Schema:
    """Arrow schema of a table as the spool and the files hold it: the record and the administrative columns."""
    return pa.schema([*record_schema(table), *ADMINISTRATIVE])


@cache
def _getter(table: Table) -> Callable[[Record], tuple[object, ...]]:
    return attrgetter(*record_schema(table).names)


@cache
def _fitting(table: Table) -> dict[str, set[type]]:
    kinds: dict[pa.DataType, set[type]] = {pa.int64(): {int}, pa.bool_(): {bool}, pa.string(): {str}}
    return {field.name: kinds[field.type] | ({NoneType} if field.nullable else set()) for field in record_schema(table)}


def to_batch(
    table: Table,
    rows: Sequence[Record],
    recorded_us: int,
    revision: tuple[int, str, str] | None = None,
    moved_to_us: Sequence[int] | None = None,
) -> pa.RecordBatch:
    """Turn records of one table into a batch.

    Args:
        table: the table of all the rows.
        rows: the records.
        recorded_us: when they are acknowledged.
        revision: since when, by whom and why these replace what is there; None for first records.
        moved_to_us: where each of them went, for the rows that moved records leave behind.

    Raises:
        BadRecordError: a value does not fit its column, or a moment is before 1970 or after 9999.
    """
    schema = record_schema(table)
    arrays = []
    for field, values in zip(schema, zip(*map(_getter(table), rows), strict=True), strict=True):
        unfit = set(map(type, values)) - _fitting(table)[field.name]
        if unfit:  # Arrow itself would cut a float to an integer without a word
            raise BadRecordError(f"{table.name}.{field.name}: {unfit.pop().__name__} where {field.type} belongs")
        try:
            arrays.append(pa.array(values, field.type))
        except (pa.ArrowInvalid, OverflowError, UnicodeEncodeError) as error:
            raise BadRecordError(f"{table.name}.{field.name}: {error}") from error
    moments = arrays[schema.get_field_index(table.time)].to_pylist()
    if min(moments) < 0 or max(moments) >= LATEST_US:
        raise BadRecordError(f"{table.name}.{table.time}: not microseconds since 1970, or after the year 9999")
    since, who, why = revision or (0, None, None)
    count = len(rows)
    arrays += [
        pa.repeat(pa.scalar(recorded_us, pa.int64()), count),
        pa.repeat(pa.scalar(since, pa.int64()), count),
        pa.repeat(pa.scalar(who, pa.string()), count),
        pa.repeat(pa.scalar(why, pa.string()), count),
        pa.nulls(count, pa.string()),
        pa.nulls(count, pa.int64()) if moved_to_us is None else pa.array(moved_to_us, pa.int64()),
        pa.nulls(count, pa.string()),
    ]
    return pa.record_batch(arrays, schema=stored_schema(table))


def to_rows(table: Table, data: pa.Table) -> list[Any]:
    """Turn the record columns of an Arrow table back into the table's dataclass, in the order they stand."""
    columns = [data.column(name).to_pylist() for name in record_schema(table).names]
    return [table.row(*values) for values in zip(*columns, strict=True)]


def conform(table: Table, data: pa.Table) -> pa.Table:
    """Give data of an older version the columns it lacks, as unknown, and put them in order."""
    schema = stored_schema(table)
    arrays = [
        data.column(field.name).cast(field.type) if field.name in data.column_names else pa.nulls(len(data), field.type)
        for field in schema
    ]
    return pa.table(arrays, schema=schema)
