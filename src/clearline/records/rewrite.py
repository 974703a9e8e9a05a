"""Write files anew with some rows or columns changed, a few rows at a time. What erasing and hiding are made of."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from clearline.records import documents, parquet
from clearline.records.columns import conform, stored_schema
from clearline.records.errors import RecordsError
from clearline.records.manifest import File
from clearline.records.schema import TABLES, Table
from clearline.records.seal import collect

if TYPE_CHECKING:
    from clearline.records.store import Records

Change = Callable[[Table, pa.Table], pa.Table]


def table_of(file: File) -> Table:
    """The table whose columns a file has; a history has its table's."""
    return TABLES[file.table.removesuffix("-history")]


def kept_files(records: "Records", tables: Iterable[str]) -> list[tuple[File, bool]]:
    """Files of some tables and their histories that stay on disk, and whether each is live: live ones, and replaced
    ones that a snapshot names."""  # noqa: D205, D209
    names = {name for table in tables for name in (table, f"{table}-history")}
    named = documents.snapshot_paths(records.manifest)
    dead = [file for file, _ in records.manifest.dead() if file.table in names and file.path in named]
    return [(file, True) for file in records.manifest.live(names).files] + [(file, False) for file in dead]


def rewrite(records: "Records", file: File, change: Change, *, live: bool, keeps_measures: bool) -> File:
    """Replace one file by a changed copy in the same order. Needs the maintenance lock.

    Args:
        records: the store.
        file: which file.
        change: what to do with each piece of it.
        live: whether the file is live, or only kept for a snapshot; its copy is the same.
        keeps_measures: the change must leave every measure as it is, which is verified by the digest.

    Raises:
        RecordsError: the change touched a measure; nothing is changed.
    """
    table = table_of(file)
    path = parquet.new_path(file.table, file.day)
    temporary = (records.path / path).with_suffix(".tmp")
    temporary.parent.mkdir(parents=True, exist_ok=True)
    kept = {"made_of": file.made_of} if keeps_measures else {}
    about = parquet.footer(file.table, file.day, file.level, rules=file.rules, merges=[file.path], **kept)
    with parquet.plain_errors(records.path / file.path), pq.ParquetFile(records.path / file.path) as reader:
        # The columns of the original, whatever its version: so the same measures have the same digest.
        schema = pa.schema([stored_schema(table).field(name) for name in reader.schema_arrow.names])
        schema = schema.with_metadata({parquet.FOOTER: about})
        with pq.ParquetWriter(temporary, schema, compression="zstd") as out:
            for batch in reader.iter_batches(parquet.ROW_GROUP_ROWS):
                changed = change(table, conform(table, pa.Table.from_batches([batch])))
                out.write_table(changed.select(schema.names).cast(schema))
    made = parquet.settle(records.path, path)
    if keeps_measures and made.digest != file.digest:
        (records.path / path).unlink()
        raise RecordsError(f"{file.path}: the copy's measures differ; nothing was changed")
    now_us = records.now_us()
    if live:
        records.manifest.commit(add=[made], kill=[file.path], now_us=now_us)
    else:
        records.manifest.replace_dead(file.path, made, now_us)
    _follow(records, file, made)
    return made


def _follow(records: "Records", old: File, new: File) -> None:
    """Let snapshots that name the old file name the new one: the digest of its measures says that it is the same."""
    for name, body in documents.listed(records.manifest, "snapshot").items():
        if any(file["path"] == old.path for file in body["files"]):
            body["files"] = [documents.naming(new) if file["path"] == old.path else file for file in body["files"]]
            documents.keep(records.path, records.manifest, "snapshot", body.pop("at_us"), body, name)


def destroy_replaced(records: "Records") -> int:
    """Delete replaced files at once, without grace; a reader that meets the gap asks again."""
    return collect(records, grace_us=-1)
