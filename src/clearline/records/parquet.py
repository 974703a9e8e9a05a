"""Parquet files: written beside their place, synced, renamed in, read back, digested. Never changed afterwards."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clearline.records import lineage
from clearline.records.columns import ADMINISTRATIVE
from clearline.records.errors import StoreDamagedError
from clearline.records.manifest import File
from clearline.records.schema import DAY_US, TABLES
from clearline.records.spool import plain_error, sync_directory

FOOTER = "clearline"
"""The footer's key under which a file says what the manifest needs."""
DEFINITION = "definition:"
"""What a name in `made_of` begins with that is no source but the version of a definition."""
ROW_GROUP_ROWS = 20_480
"""Rows a reader must decode to fetch one; a sixth of the usual number, for 1 % more bytes."""
INDEX_ROW_GROUP_ROWS = 61_440
"""The same for a search index, whose rows are narrow: fewer groups are found faster than smaller ones are decoded."""
READ_ROWS = 65_536
"""Rows held at once when a file is read back."""


@contextmanager
def plain_errors(path: Path) -> Iterator[None]:
    """Let what goes wrong with reading a file, or writing another from it, be one of the store's own errors.

    Raises:
        FileNotFoundError: it is gone.
        StoreDamagedError: it cannot be read.
        RecordsError: the disk refused; see `plain_error`.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise plain_error(error, path) from error
        raise StoreDamagedError(f"a file cannot be read: {path}: {error}; run `clearline records check`") from error


def day_name(day: int) -> str:
    """The UTC day as YYYY-MM-DD, from its count since 1970-01-01."""
    return datetime.fromtimestamp(day * 86_400, UTC).strftime("%Y-%m-%d")


def day_of(moment_us: int) -> int:
    """Count of the UTC day a moment lies in."""
    return moment_us // DAY_US


def new_path(table: str, day: int) -> str:
    """A name no other file has or will have, relative to the store."""
    return f"data/{table}/{day_name(day)}/{token_hex(10)}.parquet"


def footer(table: str, day: int, level: int, **more: Any) -> str:
    """What a file says of itself, as text for its footer; `more` are further fields of `File`."""
    return json.dumps({"table": table, "day": day, "level": level, **more}, sort_keys=True)


def write(root: Path, path: str, data: pa.Table, told: str) -> File:
    """Write rows that fit in memory, in the order given, and make them durable.

    Raises:
        StoreFullError: the disk is full; nothing is left.
        StoreReadOnlyError: the directory cannot be written.
    """
    target = root / path
    temporary = target.with_suffix(".tmp")
    schema = data.schema.with_metadata({FOOTER: told})
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(data.cast(schema), temporary, compression="zstd", row_group_size=ROW_GROUP_ROWS)
        return settle(root, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise plain_error(error, target) from error


def settle(root: Path, path: str) -> File:
    """Make a finished temporary file durable under its name, read it back and say what it is."""
    target = root / path
    temporary = target.with_suffix(".tmp")
    descriptor = os.open(temporary, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    file = describe(root, temporary, path)
    temporary.rename(target)
    for directory in (target.parent, target.parent.parent, target.parent.parent.parent):
        sync_directory(directory)
    return file


def describe(root: Path, source: Path, path: str) -> File:
    """Read a whole file and make its manifest entry from its footer and content.

    Raises:
        StoreDamagedError: the file is not Parquet, has no footer of ours, or cannot be read to its end.
    """
    try:
        with pq.ParquetFile(source) as reader:
            metadata = reader.metadata.metadata or {}
            told = json.loads(metadata[FOOTER.encode()])
            digest = measure_digest(reader.iter_batches(READ_ROWS), _left_out(told["table"]))
            rows = reader.metadata.num_rows
        content = sha256()
        with source.open("rb") as stream:
            while piece := stream.read(2**20):
                content.update(piece)
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        name = path or source.relative_to(root)
        raise StoreDamagedError(f"{name} cannot be read back ({error}): restore it from a copy") from error
    told |= {name: tuple(told.get(name, ())) for name in ("merges", "made_of", "segments")}
    size = source.stat().st_size
    return File(path=path, rows=rows, bytes=size, sha256=content.hexdigest(), digest=digest, **told)


def about(path: Path) -> dict[str, Any]:
    """What a file's footer says of it.

    Raises:
        ArrowException, OSError, KeyError, ValueError: it is no file of ours, or cannot be read.
    """
    found: dict[str, Any] = json.loads((pq.read_metadata(path).metadata or {})[FOOTER.encode()])
    return found


def sources(path: Path) -> set[str]:
    """What a file says it was made from: spool segments, paths or digests of files; nothing if it cannot be read."""
    try:
        told = about(path)
    except (pa.ArrowException, OSError, KeyError, ValueError):
        return set()
    named = [name for kind in ("segments", "merges", "made_of") for name in told.get(kind, ())]
    return {name for name in named if not name.startswith((DEFINITION, lineage.MARK))}


def _left_out(table: str) -> frozenset[str]:
    known = TABLES.get(table.removesuffix("-history"))
    return frozenset(ADMINISTRATIVE.names) - {"moved_to_us"} | frozenset(known.identity if known else ())


def measure_digest(batches: Iterator[pa.RecordBatch], left_out: frozenset[str]) -> str:
    """Digest the values of the columns in row order, whatever their encoding, row groups or batches.

    Three running SHA-256 sums a column: which rows are known, the lengths of texts, the values.
    """
    sums: dict[str, tuple[Any, Any, Any]] = {}
    for batch in batches:
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if name not in left_out:
                _add(sums.setdefault(name, (sha256(), sha256(), sha256())), column)
    whole = sha256()
    for name in sorted(sums):
        known, lengths, values = sums[name]
        whole.update(name.encode() + known.digest() + lengths.digest() + values.digest())
    return whole.hexdigest()


def _add(sums: tuple[Any, Any, Any], column: pa.Array) -> None:
    known, lengths, values = sums
    known.update(column.is_valid().to_numpy(zero_copy_only=False).astype(np.uint8).tobytes())
    if pa.types.is_string(column.type):
        filled = column.fill_null("")
        lengths.update(pc.binary_length(filled).to_numpy(zero_copy_only=False).astype("<i4").tobytes())
        offsets = np.frombuffer(filled.buffers()[1], "<i4")[filled.offset : filled.offset + len(filled) + 1]
        data = filled.buffers()[2]
        if data is not None and len(offsets):
            values.update(memoryview(data)[int(offsets[0]) : int(offsets[-1])])
    else:
        zero = pa.scalar(0, column.type) if not pa.types.is_boolean(column.type) else pa.scalar(value=False)
        values.update(column.fill_null(zero).to_numpy(zero_copy_only=False).astype("<i8").tobytes())


def read(root: Path, path: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Read one whole file, for files known to be small enough."""
    with plain_errors(root / path), pq.ParquetFile(root / path) as reader:
        return reader.read(columns)
