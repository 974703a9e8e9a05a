"""The manifest: which files are the store, in one small transactional database (SQLite, WAL, synchronous FULL).

Readers take the list of live files from here and nowhere else. Everything in it can be made again from the files'
footers and the documents beside them (`check.rebuild`).
"""

import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from clearline.records.errors import RecordsError, StoreBusyError, StoreDamagedError, StoreFullError, StoreReadOnlyError

BUSY_SECONDS = 20
"""How long a transaction waits for another's."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS file (
  path TEXT PRIMARY KEY, "table" TEXT NOT NULL, day INTEGER NOT NULL, level INTEGER NOT NULL, rows INTEGER NOT NULL,
  bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, digest TEXT NOT NULL, rules TEXT NOT NULL, merges TEXT NOT NULL,
  made_of TEXT NOT NULL, segments TEXT NOT NULL, dead_us INTEGER) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS file_by_day ON file ("table", day) WHERE dead_us IS NULL;
CREATE TABLE IF NOT EXISTS segment (name TEXT PRIMARY KEY, sealed_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS document (
  kind TEXT NOT NULL, id TEXT NOT NULL, at_us INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class File:
    """One immutable Parquet file.

    Attributes:
        path: relative to the store's directory.
        table: the table, or a derived one (`rollup`, `histogram`, `index`), or `<table>-history`.
        day: UTC day, counted from 1970-01-01.
        level: 0 from the spool, 1 and more merged, 9 the day's seal.
        rows: how many.
        bytes: size.
        sha256: of the file's bytes.
        digest: of its measures, whatever their encoding; identity columns are left out, so erasing a person keeps it.
        rules: digest of the attribution rules applied.
        merges: paths of the files this one replaces.
        made_of: what a derived file was computed from (digests of measures, or for an index SHA-256 sums).
        segments: spool segments whose rows it holds.
    """

    path: str
    table: str
    day: int
    level: int
    rows: int
    bytes: int
    sha256: str
    digest: str
    rules: str = ""
    merges: tuple[str, ...] = ()
    made_of: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()


COLUMNS = [field.name for field in fields(File)]
_LISTS = ("merges", "made_of", "segments")
_SELECT = 'SELECT "' + '", "'.join(COLUMNS) + '" FROM file'  # noqa: S608  # our own column names


def _file(row: Sequence[Any]) -> File:
    values = dict(zip(COLUMNS, row, strict=True))
    return File(**{**values, **{name: tuple(json.loads(values[name])) for name in _LISTS}})


@dataclass(frozen=True, slots=True)
class Listing:
    """What is live at one instant: the files, and the segments whose rows are already in them."""

    files: list[File]
    sealed: frozenset[str]


class Manifest:
    """The list of files. Safe for threads, processes and fork."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._process = 0
        self._anew = False

    @contextmanager
    def _transaction(self, kind: str) -> Any:
        with self._lock:
            try:
                connection = self._open()
                connection.execute(f"BEGIN {kind}")
                try:
                    yield connection
                except BaseException:
                    connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                self.close()
                raise self._plain(error) from error

    def _open(self) -> sqlite3.Connection:
        if self._connection is None or self._process != os.getpid():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if not self._path.exists() and not self._anew and any((self._path.parent / "data").glob("*/*/*.parquet")):
                raise StoreDamagedError(f"{self._path} is gone, its files are not: run `clearline records rebuild`")
            connection = sqlite3.connect(
                self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.executescript(SCHEMA)
            self._connection, self._process = connection, os.getpid()
        return self._connection

    def _plain(self, error: sqlite3.Error) -> RecordsError:
        text = str(error)
        if "locked" in text or "busy" in text:
            return StoreBusyError(f"{self._path} was locked for {BUSY_SECONDS} s: try again")
        if "full" in text or "disk I/O" in text:
            return StoreFullError(f"the disk is full or failing at {self._path} ({text}): free some space, try again")
        if "readonly" in text or "unable to open" in text:
            return StoreReadOnlyError(f"{self._path} cannot be written ({text}): make it writable")
        return StoreDamagedError(f"{self._path} is damaged ({text}): run `clearline records rebuild`")

    def close(self) -> None:
        """Close the connection; it opens again when needed."""
        with self._lock:
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
            self._connection = None

    def live(self, tables: Iterable[str] | None = None, since_day: int = 0, until_day: int = 2**31) -> Listing:
        """List the live files of some tables (all if None) for days in [since, until), with the sealed segments."""
        with self._transaction("DEFERRED") as connection:
            rows = connection.execute(
                f"{_SELECT} WHERE dead_us IS NULL AND day >= ? AND day < ? ORDER BY path", (since_day, until_day)
            )
            wanted = None if tables is None else set(tables)
            files = [file for file in map(_file, rows) if wanted is None or file.table in wanted]
            sealed = frozenset(name for (name,) in connection.execute("SELECT name FROM segment"))
        return Listing(files, sealed)

    def file(self, path: str) -> File | None:
        """Find one file, live or dead."""
        with self._transaction("DEFERRED") as connection:
            row = connection.execute(f"{_SELECT} WHERE path = ?", (path,)).fetchone()
        return _file(row) if row else None

    def dead(self) -> list[tuple[File, int]]:
        """List the files that were replaced, with when."""
        with self._transaction("DEFERRED") as connection:
            rows = connection.execute(f"{_SELECT.replace(' FROM', ', dead_us FROM')} WHERE dead_us IS NOT NULL")
            return [(_file(row[:-1]), row[-1]) for row in rows]

    def commit(
        self, *, add: Sequence[File] = (), kill: Iterable[str] = (), sealed: Iterable[str] = (), now_us: int
    ) -> None:
        """Make files live, replace others and mark segments sealed, all or nothing.

        Raises:
            RecordsError: a file to be replaced is not live: somebody else replaced it; nothing is changed.
        """
        with self._transaction("IMMEDIATE") as connection:
            for path in kill:
                done = connection.execute(
                    "UPDATE file SET dead_us = ? WHERE path = ? AND dead_us IS NULL", (now_us, path)
                )
                if done.rowcount != 1:
                    raise RecordsError(f"{path} was replaced by somebody else meanwhile; nothing was changed")
            for file in add:
                self._insert(connection, file, None)
            connection.executemany("INSERT OR IGNORE INTO segment VALUES (?, ?)", [(name, now_us) for name in sealed])

    def _insert(self, connection: sqlite3.Connection, file: File, dead_us: int | None) -> None:
        values = asdict(file)
        row = [json.dumps(values[name]) if name in _LISTS else values[name] for name in COLUMNS]
        connection.execute(f"INSERT INTO file VALUES ({', '.join('?' * (len(COLUMNS) + 1))})", [*row, dead_us])  # noqa: S608

    def replace_dead(self, path: str, file: File, now_us: int) -> None:
        """List a file in place of one that is dead already, as dead too."""
        with self._transaction("IMMEDIATE") as connection:
            self._insert(connection, file, now_us)
            connection.execute("UPDATE file SET dead_us = ? WHERE path = ?", (now_us, path))

    def discard(self) -> None:
        """Delete the database, whatever its state; the next use makes it anew, for a rebuild to fill."""
        with self._lock:
            self.close()
            self._anew = True
            for ending in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + ending).unlink(missing_ok=True)

    def forget(self, paths: Iterable[str] = (), segments: Iterable[str] = ()) -> None:
        """Drop the entries of files and segments that are gone from the disk."""
        with self._transaction("IMMEDIATE") as connection:
            connection.executemany("DELETE FROM file WHERE path = ?", [(path,) for path in paths])
            connection.executemany("DELETE FROM segment WHERE name = ?", [(name,) for name in segments])

    def sealed_segments(self) -> dict[str, int]:
        """Segments whose rows are in files, with when they were sealed."""
        with self._transaction("DEFERRED") as connection:
            return dict(connection.execute("SELECT name, sealed_us FROM segment").fetchall())

    def latest_us(self) -> int:
        """The latest moment the manifest knows of; 0 if it is empty."""
        with self._transaction("DEFERRED") as connection:
            known = [
                connection.execute(f"SELECT max({column}) FROM {table}").fetchone()[0]  # noqa: S608  # our own names
                for table, column in (("segment", "sealed_us"), ("document", "at_us"), ("file", "dead_us"))
            ]
        return max(moment or 0 for moment in known)

    def put_document(self, kind: str, name: str, at_us: int, body: str) -> None:
        """Keep a document (it is on disk already); the same name again replaces it."""
        with self._transaction("IMMEDIATE") as connection:
            connection.execute("INSERT OR REPLACE INTO document VALUES (?, ?, ?, ?)", (kind, name, at_us, body))

    def drop_document(self, kind: str, name: str) -> None:
        """Forget a document."""
        with self._transaction("IMMEDIATE") as connection:
            connection.execute("DELETE FROM document WHERE kind = ? AND id = ?", (kind, name))

    def documents(self, kind: str) -> list[tuple[str, int, str]]:
        """List the documents of a kind as (id, moment, body), oldest first."""
        with self._transaction("DEFERRED") as connection:
            query = "SELECT id, at_us, body FROM document WHERE kind = ? ORDER BY at_us, id"
            return list(connection.execute(query, (kind,)))

    def replace_all(
        self,
        files: Iterable[tuple[File, int | None]],
        segments: Iterable[tuple[str, int]],
        documents: Iterable[tuple[str, str, int, str]],
    ) -> None:
        """Make the manifest anew from what a rebuild found, in one transaction."""
        with self._transaction("IMMEDIATE") as connection:
            for table in ("file", "segment", "document"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608  # our own table names
            for file, dead_us in files:
                self._insert(connection, file, dead_us)
            connection.executemany("INSERT INTO segment VALUES (?, ?)", segments)
            connection.executemany("INSERT INTO document VALUES (?, ?, ?, ?)", documents)
