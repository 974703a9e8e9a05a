"""From the spool to immutable files: sealing segments, merging files, collecting what was replaced.

All of it runs under one lock of the store and may be killed at any point: a file counts only once the manifest says
so, and what a killed run left is removed by the next (`recover`).
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from clearline.records import documents, lineage, parquet, query
from clearline.records.alerts import raise_alert
from clearline.records.aside import DAMAGED, UNLISTED
from clearline.records.columns import conform, stored_schema
from clearline.records.engines import spill
from clearline.records.engines.duck import SOURCE, Plan, to_ibis
from clearline.records.errors import StoreBusyError
from clearline.records.manifest import File
from clearline.records.parquet import day_of
from clearline.records.schema import DAY_US, TABLES, Table
from clearline.records.spool import Damage, Frame, close_segment, frames, plain_error, segments

if TYPE_CHECKING:
    from clearline.records.store import Records

SEAL_BYTES = 64 * 2**20
"""Spool bytes sealed at once: bounds the sealer's memory at about ten times this."""
FANOUT = 8
"""So many files of a day on one level are merged into one of the next."""
SEALED = 9
"""The level of a day's seal."""
GRACE_US = 120 * 1_000_000
"""How long a replaced file stays on disk: longer than any query that may still read it."""
LOCK_SECONDS = 60
"""How long maintenance waits for another's."""


@contextmanager
def maintenance(records: "Records", wait_seconds: float = LOCK_SECONDS, *, clear: bool = True) -> Iterator[None]:
    """Be the only one to change files; first `clear` away what a killed run left.

    Raises:
        StoreBusyError: another process held the lock for longer than we wait.
    """
    path = records.path / "maintain.lock"
    try:
        records.path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise plain_error(error, path) from error
    try:
        _lock(descriptor, wait_seconds, path)
        if clear:
            recover(records)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, wait_seconds: float, path: Path) -> None:
    end = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > end:
                raise StoreBusyError(f"{path} was held by another process for {wait_seconds:.0f} s") from error
            time.sleep(0.02)
        else:
            return


def recover(records: "Records") -> None:
    """Remove what a killed run left: sealed segments, unfinished files, files never listed. Needs the maintenance lock.

    A file nobody listed is removed only if all it was made from is still there. Any other is moved to `unlisted/` and
    reported: it may be all that is left of something.
    """
    sealed = records.manifest.sealed_segments()
    spooled = set()
    for path in segments(records.path / "spool"):
        if path.stem in sealed:
            path.unlink(missing_ok=True)
        else:
            spooled.add(path.stem)
    files = [*records.manifest.live().files, *(file for file, _ in records.manifest.dead())]
    listed = {file.path for file in files}
    sources = spooled | {source for file in files for source in (file.path, file.digest, file.sha256, lineage.of(file))}
    for path in (records.path / "data").glob("*/*/*"):
        if path.suffix != ".parquet":
            path.unlink(missing_ok=True)
        elif str(path.relative_to(records.path)) not in listed:
            _clear_unlisted(records, path, sources)
    spill.clear(records.path / "spill")


def _clear_unlisted(records: "Records", path: Path, sources: set[str]) -> None:
    made_from = parquet.sources(path)
    if made_from and made_from <= sources:
        path.unlink()
        return
    aside = records.path / UNLISTED / path.name
    aside.parent.mkdir(exist_ok=True)
    path.rename(aside)
    text = f"{path.relative_to(records.path)} is in no list and its sources are gone; it was moved to unlisted/"
    raise_alert(records, text, path.stem)


def seal_spool(records: "Records") -> int:
    """Turn what the spool holds into files. Needs the maintenance lock.

    Returns:
        How many segments were sealed.
    """
    group: list[Path] = []
    size = done = 0
    for path in segments(records.path / "spool"):
        closed = close_segment(path)
        if closed is None:
            continue
        group.append(closed)
        size += closed.stat().st_size
        if size >= SEAL_BYTES:
            _seal(records, group)
            done += len(group)
            group, size = [], 0
    if group:
        _seal(records, group)
    return done + len(group)


def _seal(records: "Records", group: list[Path]) -> None:
    rows: dict[str, list[pa.Table]] = {}
    for path in group:
        content = path.read_bytes()
        for item in frames(content):
            if isinstance(item, Frame):
                rows.setdefault(item.table.name, []).append(conform(item.table, item.data))
            elif not item.torn:
                _report_damage(records, path, item, content)
    names = sorted(path.stem for path in group)
    added = []
    for name, parts in rows.items():
        data = records.rules.apply(query.first_states(pa.concat_tables(parts)), TABLES[name].time)
        added += _write_days(records, TABLES[name], data, names)
    now_us = records.now_us()
    records.manifest.commit(add=added, sealed=names, now_us=now_us)
    for path in group:
        path.unlink(missing_ok=True)


def _report_damage(records: "Records", path: Path, damage: Damage, content: bytes) -> None:
    kept = records.path / DAMAGED / path.name
    kept.parent.mkdir(exist_ok=True)
    kept.write_bytes(content)
    text = f"spool/{path.name}: bytes {damage.start} to {damage.end} are damaged; the segment is kept in damaged/"
    raise_alert(records, text, f"{path.stem}-{damage.start}")


def _write_days(records: "Records", table: Table, data: pa.Table, names: list[str]) -> list[File]:
    days = pc.divide(data.column(table.time), pa.scalar(DAY_US))
    expired = documents.expired_before(records.manifest, table.name)
    files = []
    for day in sorted(set(days.to_pylist())):
        if day < expired:
            continue
        part = data.filter(pc.equal(days, pa.scalar(day))).sort_by(
            [(name, "ascending") for name in query.sort_keys(table)]
        )
        path = parquet.new_path(table.name, day)
        about = parquet.footer(table.name, day, 0, rules=records.rules.digest_of(day), segments=names)
        files.append(parquet.write(records.path, path, part, about))
    return files


def merge(records: "Records", table: Table, day: int, files: list[File], level: int) -> File:
    """Make one file of several of a day: each key once, sorted; replaced states go to the table's history.

    Needs the maintenance lock. Memory is bounded by the engine's limit; it spills beyond.
    """
    engine = records.maker
    schema = stored_schema(table)
    with records.exclusive():
        columns = to_ibis(schema)
        engine.relation(schema, [str(records.path / file.path) for file in files], name=SOURCE)
        about = parquet.footer(
            table.name,
            day,
            level,
            rules=files[0].rules,
            merges=[file.path for file in files],
            made_of=lineage.inherited(files),
        )
        repeated = len(engine.run(Plan(columns, (query.repeats,)))) > 0
        history = _history(records, table, day, files) if repeated else None
        path = parquet.new_path(table.name, day)
        temporary = (records.path / path).with_suffix(".tmp")
        temporary.parent.mkdir(parents=True, exist_ok=True)
        engine.write(
            Plan(columns, (query.Merged(table.time),) if repeated else ()),
            query.sort_keys(table),
            temporary,
            {parquet.FOOTER: about},
        )
    merged = parquet.settle(records.path, path)
    added = [merged, *([history] if history else [])]
    records.manifest.commit(add=added, kill=[file.path for file in files], now_us=records.now_us())
    return merged


def _history(records: "Records", table: Table, day: int, files: list[File]) -> File | None:
    columns = to_ibis(stored_schema(table))
    if not len(records.maker.run(Plan(columns, (query.revisions,)))):
        return None
    replaced = records.maker.run(Plan(columns, (query.superseded,)))
    if not len(replaced):
        return None
    name = f"{table.name}-history"
    path = parquet.new_path(name, day)
    about = parquet.footer(name, day, 0, made_of=[file.path for file in files])
    return parquet.write(records.path, path, replaced.cast(stored_schema(table)), about)


def merge_levels(records: "Records") -> int:
    """Merge wherever a day has enough files of one level. Needs the maintenance lock.

    Returns:
        How many merges were made.
    """
    done = 0
    groups: dict[tuple[str, int, int], list[File]] = {}
    for file in records.manifest.live(TABLES).files:
        groups.setdefault((file.table, file.day, file.level), []).append(file)
    for (name, day, level), files in sorted(groups.items()):
        if level < SEALED and len(files) >= FANOUT:
            merge(records, TABLES[name], day, files, min(level + 1, SEALED - 1))
            done += 1
    return done


def seal_days(records: "Records", since_day: int, until_day: int) -> list[tuple[str, int]]:
    """Bring each table of each day in [since, until) into one file. Needs the maintenance lock.

    Returns:
        Tables and days that were sealed anew.
    """
    groups: dict[tuple[str, int], list[File]] = {}
    for file in records.manifest.live(TABLES, since_day, until_day).files:
        groups.setdefault((file.table, file.day), []).append(file)
    sealed = []
    for (name, day), files in sorted(groups.items()):
        if len(files) > 1 or files[0].level < SEALED:
            merge(records, TABLES[name], day, files, SEALED)
            sealed.append((name, day))
    return sealed


def collect(records: "Records", grace_us: int = GRACE_US) -> int:
    """Delete replaced files nobody can be reading or needs any more. Needs the maintenance lock.

    A file a snapshot names stays as long as the snapshot.

    Returns:
        How many files were deleted.
    """
    held = documents.snapshot_paths(records.manifest)
    before = records.now_us() - grace_us
    gone = [file.path for file, dead_us in records.manifest.dead() if dead_us <= before and file.path not in held]
    for path in gone:
        (records.path / path).unlink(missing_ok=True)
    old = [name for name, sealed_us in records.manifest.sealed_segments().items() if sealed_us <= before]
    records.manifest.forget(gone, old)
    return len(gone)


def day_range(since_us: int, until_us: int) -> tuple[int, int]:
    """Days that [since, until) touches, as [first, last)."""
    return day_of(since_us), day_of(max(since_us, until_us - 1)) + 1
