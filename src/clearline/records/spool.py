"""The spool: where a record is acknowledged. Append-only segments, each frame checksummed and synced.

A segment file is open as long as its name ends in `.open`. Whoever holds its lock (flock) may append a frame or close
it by renaming it to `.wal`; a writer that finds its segment renamed starts the next. So any process may close any
segment at any moment, and a killed writer leaves nothing to detect: the kernel drops its lock.

A frame is a header (magic, table, schema version, length, CRC-32) and an Arrow IPC stream compressed with lz4. A torn
last frame was never acknowledged and is dropped. Damage elsewhere is skipped to the next sound frame and reported.
"""

import errno
import fcntl
import os
import struct
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import pyarrow as pa

from clearline.records.errors import RecordsError, StoreFullError, StoreReadOnlyError
from clearline.records.schema import SCHEMA_VERSION, TABLE_BY_CODE, Table

HEADER = struct.Struct("<4sHHII")
MAGIC = b"CLR1"
MAX_FRAME_BYTES = 64 * 2**20
"""A frame announced longer than this is damage, not data. `append` splits batches far below it."""
MAX_SEGMENT_BYTES = 8 * 2**20
"""A segment is closed at this size, so that sealing works on small pieces."""

OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


def plain_error(error: OSError, path: Path) -> RecordsError:
    """Turn an operating system's refusal to write into a sentence with the next step."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return StoreFullError(f"no space left for {path}: free some space, then try again")
    if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
        return StoreReadOnlyError(f"{path} cannot be written ({error.strerror}): make it writable, then try again")
    return RecordsError(f"{path}: {error.strerror}")


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def encode(table: Table, batch: pa.RecordBatch) -> bytes:
    """Make one frame of a batch."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=OPTIONS) as stream:
        stream.write_batch(batch)
    payload = sink.getvalue()
    head = HEADER.pack(MAGIC, table.code, SCHEMA_VERSION, len(payload), 0)[:-4]
    return b"".join((head, struct.pack("<I", zlib.crc32(payload, zlib.crc32(head))), payload))


@dataclass(frozen=True, slots=True)
class Frame:
    """A sound frame: its table, its rows, and where the next one starts."""

    table: Table
    data: pa.Table
    end: int


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes [start, end) of a segment that hold no sound frame; `torn` if they are the unfinished last one."""

    start: int
    end: int
    torn: bool


def frames(content: bytes, start: int = 0) -> Iterator[Frame | Damage]:
    """Read the frames of a segment from a position on; what is not sound is yielded as damage, never raised."""
    at = start
    while at < len(content):
        frame = _frame(content, at)
        if frame is not None:
            yield frame
            at = frame.end
            continue
        following = content.find(MAGIC, at + 1)
        while following >= 0 and _frame(content, following) is None:
            following = content.find(MAGIC, following + 1)
        end = following if following >= 0 else len(content)
        yield Damage(at, end, torn=following < 0)
        at = end


def _frame(content: bytes, at: int) -> Frame | None:
    if len(content) - at < HEADER.size:
        return None
    magic, code, _version, length, checksum = HEADER.unpack_from(content, at)
    end = at + HEADER.size + length
    if magic != MAGIC or length > MAX_FRAME_BYTES or end > len(content) or code not in TABLE_BY_CODE:
        return None
    payload = memoryview(content)[at + HEADER.size : end]
    if zlib.crc32(payload, zlib.crc32(content[at : at + HEADER.size - 4])) != checksum:
        return None
    try:
        data = pa.ipc.open_stream(payload).read_all()
    except (pa.ArrowInvalid, OSError):
        return None
    return Frame(TABLE_BY_CODE[code], data, end)


class SpoolWriter:
    """Appends frames durably to a segment of its own. Safe for threads and across fork."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._path: Path | None = None
        self._descriptor = -1
        self._process = 0
        self._number = 0

    def append(self, content: bytes) -> None:
        """Write one or more frames and return when they are on the disk.

        Raises:
            StoreFullError: the disk is full; nothing of the content is kept.
            StoreReadOnlyError: the directory cannot be written.
            RecordsError: the disk failed; the content may or may not be kept, so send it again.
        """
        with self._lock:
            try:
                self._claim()
                try:
                    self._write(content)
                finally:
                    fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            except OSError as error:
                raise plain_error(error, self._path or self._directory) from error

    def closed_a_segment(self) -> bool:
        """Whether the last append filled its segment."""
        return self._path is None

    def _claim(self) -> None:
        """Hold the lock of a segment that is still open, a new one if there is none."""
        while True:
            if self._descriptor < 0 or self._process != os.getpid():
                self._start()
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            if self._path is not None and self._path.exists():
                return
            self._abandon()

    def _start(self) -> None:
        self._abandon()  # after a fork, only the child's copy: the parent's segment stays its own
        if self._process != os.getpid():
            self._process, self._identity = os.getpid(), f"{os.getpid()}-{token_hex(8)}"
        self._number += 1
        self._directory.mkdir(parents=True, exist_ok=True)
        self._path = self._directory / f"{self._identity}-{self._number:06d}.open"
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        sync_directory(self._directory)

    def _abandon(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def _write(self, content: bytes) -> None:
        before = os.lseek(self._descriptor, 0, os.SEEK_END)
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            os.fdatasync(self._descriptor)
        except OSError:
            # What a failed write or sync left is unknown: cut it off if we can, and never append behind it.
            try:
                os.ftruncate(self._descriptor, before)
                os.fdatasync(self._descriptor)
            finally:
                self.close_locked()
            raise
        if before + len(content) >= MAX_SEGMENT_BYTES:
            self.close_locked()

    def close_locked(self) -> None:
        """Close the current segment for good; its lock must be held."""
        if self._path is not None and self._path.exists():
            self._path.rename(self._path.with_suffix(".wal"))
        self._path = None

    def close(self) -> None:
        """Let go of the segment; what was acknowledged stays."""
        with self._lock:
            if self._process == os.getpid():
                self._abandon()
            self._descriptor = -1


def close_segment(path: Path) -> Path | None:
    """Close another writer's segment, so that it can be sealed.

    Returns:
        The closed segment's path, or None if it is gone.
    """
    if path.suffix != ".open":
        return path
    closed = path.with_suffix(".wal")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return closed if closed.exists() else None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if path.exists():
            path.rename(closed)
    finally:
        os.close(descriptor)
    return closed if closed.exists() else None


def segments(directory: Path) -> list[Path]:
    """List the segments, open and closed, in a stable order."""
    try:
        names = sorted(entry.name for entry in os.scandir(directory) if entry.name.endswith((".open", ".wal")))
    except FileNotFoundError:
        return []
    return [directory / name for name in names]


def spool_bytes(directory: Path) -> int:
    """Size of all segments together."""
    return sum(path.stat().st_size for path in segments(directory) if path.exists())
