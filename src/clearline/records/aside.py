"""What was set aside: damaged spool segments (`damaged/`), files nobody listed (`unlisted/`). Erasing reaches them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from clearline.records import parquet
from clearline.records.columns import conform
from clearline.records.schema import TABLES, Table
from clearline.records.spool import sync_directory

if TYPE_CHECKING:
    from clearline.records.store import Records

DAMAGED, UNLISTED = "damaged", "unlisted"
Change = Callable[[Table, pa.Table], pa.Table]


def _files(records: "Records", folder: str) -> list[Path]:
    return sorted(path for path in (records.path / folder).glob("*") if path.is_file())


def readable(records: "Records") -> Iterator[tuple[Path, Table, pa.Table]]:
    """Unlisted files that can be read, with their rows; those of roll-ups and indexes name nobody, and are left out."""
    for path in _files(records, UNLISTED):
        try:
            name = parquet.about(path)["table"].removesuffix("-history")
            if name in TABLES:
                yield path, TABLES[name], conform(TABLES[name], pq.read_table(path))
        except (pa.ArrowException, OSError, KeyError, ValueError):
            continue


def erase(records: "Records", change: Change) -> list[str]:
    """Apply an erasure to what was set aside. What cannot be read cannot be shown to be free, and is destroyed.

    A damaged segment's sound frames are in the store; what is destroyed of it is what no reader could read.

    Returns:
        The names of the files destroyed.
    """
    kept = set()
    for path, table, rows in readable(records):
        kept.add(path)
        changed = change(table, rows)
        if not changed.equals(rows):
            temporary = path.with_suffix(".tmp")
            pq.write_table(changed.replace_schema_metadata(pq.read_metadata(path).metadata), temporary)
            temporary.rename(path)
    gone = [path for folder in (DAMAGED, UNLISTED) for path in _files(records, folder) if path not in kept]
    for path in gone:
        path.unlink()
    for folder in (DAMAGED, UNLISTED):
        if (records.path / folder).is_dir():
            sync_directory(records.path / folder)
    return [f"{path.parent.name}/{path.name}" for path in gone]
