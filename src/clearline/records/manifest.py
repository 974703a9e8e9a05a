"""The manifest: which files are the store, in one small transactional database (see `databases`).

Readers take the list of live files from here and nowhere else. Everything in it can be made again from the files'
footers and the documents beside them (`check.rebuild`).
"""

import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from typing import Any

from clearline.records.databases import Database, Transaction
from clearline.records.errors import RecordsError


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

    def __init__(self, database: Database) -> None:
        self._lock = threading.RLock()
        self._database = database

    @contextmanager
    def _transaction(self, *, write: bool = False) -> Iterator[Transaction]:
        with self._lock, self._database.transaction(write=write) as transaction:
            yield transaction

    def close(self) -> None:
        """Close the connection; it opens again when needed."""
        with self._lock:
            self._database.close()

    def live(self, tables: Iterable[str] | None = None, since_day: int = 0, until_day: int = 2**31) -> Listing:
        """List the live files of some tables (all if None) for days in [since, until), with the sealed segments."""
        with self._transaction() as transaction:
            rows = transaction.execute(
                f"{_SELECT} WHERE dead_us IS NULL AND day >= ? AND day < ? ORDER BY path", (since_day, until_day)
            ).fetchall()
            wanted = None if tables is None else set(tables)
            files = [file for file in map(_file, rows) if wanted is None or file.table in wanted]
            sealed = frozenset(name for (name,) in transaction.execute("SELECT name FROM segment").fetchall())
        return Listing(files, sealed)

    def file(self, path: str) -> File | None:
        """Find one file, live or dead."""
        with self._transaction() as transaction:
            row = transaction.execute(f"{_SELECT} WHERE path = ?", (path,)).fetchone()
        return _file(row) if row else None

    def dead(self) -> list[tuple[File, int]]:
        """List the files that were replaced, with when."""
        with self._transaction() as transaction:
            dead = f"{_SELECT.replace(' FROM', ', dead_us FROM')} WHERE dead_us IS NOT NULL"
            return [(_file(row[:-1]), row[-1]) for row in transaction.execute(dead).fetchall()]

    def commit(
        self, *, add: Sequence[File] = (), kill: Iterable[str] = (), sealed: Iterable[str] = (), now_us: int
    ) -> None:
        """Make files live, replace others and mark segments sealed, all or nothing.

        Raises:
            RecordsError: a file to be replaced is not live: somebody else replaced it; nothing is changed.
        """
        with self._transaction(write=True) as transaction:
            for path in kill:
                done = transaction.execute(
                    "UPDATE file SET dead_us = ? WHERE path = ? AND dead_us IS NULL", (now_us, path)
                )
                if done.rowcount != 1:
                    raise RecordsError(f"{path} was replaced by somebody else meanwhile; nothing was changed")
            for file in add:
                self._insert(transaction, file, None)
            transaction.executemany(
                "INSERT INTO segment VALUES (?, ?) ON CONFLICT DO NOTHING", [(name, now_us) for name in sealed]
            )

    def _insert(self, transaction: Transaction, file: File, dead_us: int | None) -> None:
        values = asdict(file)
        row = [json.dumps(values[name]) if name in _LISTS else values[name] for name in COLUMNS]
        transaction.execute(f"INSERT INTO file VALUES ({', '.join('?' * (len(COLUMNS) + 1))})", [*row, dead_us])  # noqa: S608

    def replace_dead(self, path: str, file: File, now_us: int) -> None:
        """List a file in place of one that is dead already, as dead too."""
        with self._transaction(write=True) as transaction:
            self._insert(transaction, file, now_us)
            transaction.execute("UPDATE file SET dead_us = ? WHERE path = ?", (now_us, path))

    def discard(self) -> None:
        """Forget the manifest, whatever its state; the next use makes it anew, for a rebuild to fill."""
        with self._lock:
            self._database.discard()

    def forget(self, paths: Iterable[str] = (), segments: Iterable[str] = ()) -> None:
        """Drop the entries of files and segments that are gone from the disk."""
        with self._transaction(write=True) as transaction:
            transaction.executemany("DELETE FROM file WHERE path = ?", [(path,) for path in paths])
            transaction.executemany("DELETE FROM segment WHERE name = ?", [(name,) for name in segments])

    def sealed_segments(self) -> dict[str, int]:
        """Segments whose rows are in files, with when they were sealed."""
        with self._transaction() as transaction:
            return dict(transaction.execute("SELECT name, sealed_us FROM segment").fetchall())

    def latest_us(self) -> int:
        """The latest moment the manifest knows of; 0 if it is empty."""
        with self._transaction() as transaction:
            known = [
                transaction.execute(f"SELECT max({column}) FROM {table}").fetchone()[0]  # noqa: S608  # our own names
                for table, column in (("segment", "sealed_us"), ("document", "at_us"), ("file", "dead_us"))
            ]
        return max(moment or 0 for moment in known)

    def put_document(self, kind: str, name: str, at_us: int, body: str) -> None:
        """Keep a document (it is on disk already); the same name again replaces it."""
        with self._transaction(write=True) as transaction:
            transaction.execute(
                "INSERT INTO document VALUES (?, ?, ?, ?) "
                "ON CONFLICT (kind, id) DO UPDATE SET at_us = excluded.at_us, body = excluded.body",
                (kind, name, at_us, body),
            )

    def drop_document(self, kind: str, name: str) -> None:
        """Forget a document."""
        with self._transaction(write=True) as transaction:
            transaction.execute("DELETE FROM document WHERE kind = ? AND id = ?", (kind, name))

    def documents(self, kind: str) -> list[tuple[str, int, str]]:
        """List the documents of a kind as (id, moment, body), oldest first."""
        with self._transaction() as transaction:
            query = "SELECT id, at_us, body FROM document WHERE kind = ? ORDER BY at_us, id"
            return transaction.execute(query, (kind,)).fetchall()

    def replace_all(
        self,
        files: Iterable[tuple[File, int | None]],
        segments: Iterable[tuple[str, int]],
        documents: Iterable[tuple[str, str, int, str]],
    ) -> None:
        """Make the manifest anew from what a rebuild found, in one transaction."""
        with self._transaction(write=True) as transaction:
            for table in ("file", "segment", "document"):
                transaction.execute(f"DELETE FROM {table}")  # noqa: S608  # our own table names
            for file, dead_us in files:
                self._insert(transaction, file, dead_us)
            transaction.executemany("INSERT INTO segment VALUES (?, ?)", segments)
            transaction.executemany("INSERT INTO document VALUES (?, ?, ?, ?)", documents)
