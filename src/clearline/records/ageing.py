"""What happens to measurements with age: numbers are hidden behind pseudonyms, then rows expire."""

import hmac
import os
import re
from collections import Counter
from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clearline.records import documents, parquet
from clearline.records.attributing import restate
from clearline.records.attribution import SETTLED, subscriber
from clearline.records.erasure import NAMING, Erased, remove_rows, rows_of
from clearline.records.errors import RecordsError
from clearline.records.holds import must_be_free
from clearline.records.rewrite import destroy_replaced, kept_files, rewrite, table_of
from clearline.records.schema import TABLES, Table
from clearline.records.seal import maintenance, seal_spool
from clearline.records.upkeep import refresh

if TYPE_CHECKING:
    from clearline.records.store import Records

HIDDEN = "hidden:"
"""What a pseudonym begins with; a subscriber never does."""


def expire(records: "Records", table: str, *, before_day: int, who: str) -> int:
    """Delete a table's rows of UTC days before a day, for all tenants; rows that come later for such a day are dropped.

    What was summed of them stays.

    Returns:
        How many files were deleted.

    Raises:
        HeldError: a hold is in force on anybody; release it, or expire that data customer by customer.
    """
    must_be_free(records, None, None)
    with maintenance(records):
        body = {"table": table, "before_day": before_day, "who": who}
        documents.keep(records.path, records.manifest, "expiry", records.now_us(), body)
        listing = records.manifest.live(documents.expiring(table), 0, before_day)
        paths = [file.path for file in listing.files]
        records.manifest.commit(kill=paths, now_us=records.now_us())
        destroy_replaced(records)
    return len(paths)


def expire_customer(records: "Records", table: str, *, tenant: str, customer: str, before_us: int) -> Erased:
    """Delete a customer's rows of one table older than a moment, for a retention of his own.

    Raises:
        HeldError: a hold is on the customer.
    """
    must_be_free(records, [tenant], [customer])

    def old(data: pa.Table) -> pa.ChunkedArray:
        mine = rows_of(data, tenant=tenant, column="customer", values={customer})
        return pc.and_(mine, pc.less(data.column(TABLES[table].time), before_us))

    rows: Counter[str] = Counter()
    with maintenance(records):
        seal_spool(records)
        restate(records)
        touched = remove_rows(records, table, old, rows, set())
        refresh(records)
        destroy_replaced(records)
    return Erased(dict(rows), touched, 0)


def pseudonymise(records: "Records", *, before_day: int, period: str) -> int:
    """Replace the numbers in rows of UTC days before a day by pseudonyms: the same number, the same pseudonym.

    They are keyed (HMAC-SHA-256) with a key of its own for each period, kept in `keys/`; once `destroy_key` has
    removed it nobody can tell any more which number a pseudonym was. Call-IDs and addresses go for good. A row stays
    the customer's it was: rules can no longer tell.

    Returns:
        How many files were rewritten.

    Raises:
        HeldError: a hold is in force on anybody.
    """
    must_be_free(records, None, None)
    key = _key(records, period)
    done = 0
    with maintenance(records):
        restate(records)
        for file, live in kept_files(records, NAMING):
            if file.day < before_day and _has_open(records.path / file.path, table_of(file).identity):
                rewrite(records, file, partial(_hidden, key=key), live=live, keeps_measures=True)
                done += 1
        refresh(records)
        destroy_replaced(records)
    return done


def _has_open(path: Path, identity: Sequence[str]) -> bool:
    """Whether any text of these columns is no pseudonym, by the least and the greatest that a file says it has."""
    with parquet.plain_errors(path):
        metadata = pq.read_metadata(path)
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for column in map(group.column, range(group.num_columns)):
            if column.path_in_schema in identity:
                told = column.statistics
                known = told is not None and told.has_min_max
                nothing = told is not None and told.has_null_count and told.null_count == group.num_rows
                if not nothing and not (known and not _open(told.min) and not _open(told.max)):
                    return True
    return False


def _open(text: str | None) -> bool:
    return text is not None and not text.startswith(HIDDEN)


def pseudonym(key: bytes, number: str) -> str:
    """A number's pseudonym under a key: 80 bits, so that two numbers practically never share one."""
    return HIDDEN + hmac.new(key, subscriber(number).encode(), sha256).hexdigest()[:20]


def _hidden(table: Table, data: pa.Table, *, key: bytes) -> pa.Table:
    for name in table.identity:
        at = data.column_names.index(name)
        encoded = data.column(name).combine_chunks().dictionary_encode()
        texts: list[str] = encoded.dictionary.to_pylist()
        is_number = name in NAMING[table.name]
        hidden = [(pseudonym(key, text) if _open(text) else text) if is_number else None for text in texts]
        data = data.set_column(at, data.schema.field(at), pa.array(hidden, pa.string()).take(encoded.indices))
    for name in SETTLED:
        data = data.set_column(data.column_names.index(name), name, pa.nulls(len(data), pa.string()))
    return data


def _key_path(records: "Records", period: str) -> Path:
    if not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z_-]*", period):
        raise RecordsError(f"{period!r} cannot be the name of a period: use letters, digits, - and _, such as 2026-10")
    return records.path / "keys" / f"{period}.key"


def _key(records: "Records", period: str) -> bytes:
    path = _key_path(records, period)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(descriptor, token_bytes(32))
        os.fsync(descriptor)
        os.close(descriptor)
    return path.read_bytes()


def destroy_key(records: "Records", period: str) -> None:
    """Destroy a period's pseudonym key: overwritten, synced, removed.

    On a copy-on-write disk or in backups older blocks may survive; keep `keys/` out of backups.
    """
    must_be_free(records, None, None)
    path = _key_path(records, period)
    if not path.exists():
        raise RecordsError(f"there is no key for {period}")
    with path.open("r+b") as file:
        file.write(bytes(32))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
