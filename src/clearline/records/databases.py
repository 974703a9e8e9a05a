"""Where a manifest is kept: SQLite beside the files, or a schema of its own in PostgreSQL, with the same statements.

Which of the two is said by configuration alone. A store knows which one it is in, so that nobody goes on with a
manifest that was left behind: moving is `clearline records rebuild`, which makes the new one from the files.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from clearline.records.errors import (
    ManifestUnreachableError,
    RecordsError,
    StoreBusyError,
    StoreDamagedError,
    StoreFullError,
    StoreReadOnlyError,
)

if TYPE_CHECKING:
    import psycopg

BUSY_SECONDS = 20
"""How long a transaction waits for another's."""
CONNECT_SECONDS = 10
"""How long connecting to PostgreSQL may take."""
SQLITE_NAME = "manifest.sqlite3"
POSTGRES_NAME = "manifest.postgresql"
"""A file of a store whose manifest is in PostgreSQL; it holds the name of the schema."""

TABLES = """
CREATE TABLE IF NOT EXISTS file (
  path {text} PRIMARY KEY, "table" {text} NOT NULL, day {integer} NOT NULL, level {integer} NOT NULL,
  rows {integer} NOT NULL, bytes {integer} NOT NULL, sha256 {text} NOT NULL, digest {text} NOT NULL,
  rules {text} NOT NULL, merges {text} NOT NULL, made_of {text} NOT NULL, segments {text} NOT NULL,
  dead_us {integer}) {options};
CREATE INDEX IF NOT EXISTS file_by_day ON file ("table", day) WHERE dead_us IS NULL;
CREATE TABLE IF NOT EXISTS segment (name {text} PRIMARY KEY, sealed_us {integer} NOT NULL) {options};
CREATE TABLE IF NOT EXISTS document (
  kind {text} NOT NULL, id {text} NOT NULL, at_us {integer} NOT NULL, body {text} NOT NULL,
  PRIMARY KEY (kind, id)) {options};
"""


class Cursor(Protocol):
    """What both databases' cursors can do."""

    @property
    def rowcount(self) -> int:
        """How many rows the statement found or changed."""

    def fetchone(self) -> Any:
        """The next row, or None."""

    def fetchall(self) -> list[Any]:
        """The rows that are left."""


class Transaction(Protocol):
    """Statements with `?` for each value, run within one transaction."""

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Cursor:
        """Run one statement."""

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> object:
        """Run one statement for each row of values."""


class Database(Protocol):
    """A place for a manifest."""

    def transaction(self, *, write: bool) -> Any:
        """A transaction as a context manager: one instant for a reader, all or nothing for a writer."""

    def close(self) -> None:
        """Close the connection; it opens again when needed."""

    def discard(self) -> None:
        """Forget what is there, wherever it is; the next use makes it anew, for a rebuild to fill."""


def database_of(store: Path, url: str | None) -> Database:
    """The place of a store's manifest: PostgreSQL at `url`, SQLite in the store's directory if None."""
    return SqliteDatabase(store) if url is None else PostgresDatabase(store, url)


def _must_be_new(store: Path, place: str) -> None:
    if any((store / "data").glob("*/*/*.parquet")):
        raise StoreDamagedError(f"{place} is gone, its files are not: run `clearline records rebuild`")


def _let_go(store: Path) -> None:
    """Leave a store without a manifest. A schema it had in PostgreSQL stays there, unused."""
    for name in (SQLITE_NAME, f"{SQLITE_NAME}-wal", f"{SQLITE_NAME}-shm", POSTGRES_NAME):
        (store / name).unlink(missing_ok=True)


class _Closable(Protocol):
    def close(self) -> None:
        """Close it."""


_Connection = TypeVar("_Connection", bound=_Closable)


class _Connected(Generic[_Connection]):
    """What both places share: a connection opened when it is needed, by each process for itself."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._connection: _Connection | None = None
        self._process = 0
        self._anew = False

    def close(self) -> None:
        """See `Database`."""
        if self._connection is not None and self._process == os.getpid():
            self._connection.close()
        self._connection = None

    def discard(self) -> None:
        """See `Database`."""
        self.close()
        self._anew = True
        _let_go(self._store)


class SqliteDatabase(_Connected[sqlite3.Connection]):
    """One SQLite file, with WAL and synchronous FULL. Safe across fork; not for two threads at once."""

    def __init__(self, store: Path) -> None:
        super().__init__(store)
        self._path = store / SQLITE_NAME

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[Transaction]:
        """See `Database`."""
        try:
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE" if write else "BEGIN DEFERRED")
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
            self._store.mkdir(parents=True, exist_ok=True)
            if not self._anew:
                if (self._store / POSTGRES_NAME).exists():
                    raise StoreDamagedError(
                        f"the manifest of {self._store} is in PostgreSQL: set CLEARLINE_RECORDS_MANIFEST to its "
                        "address, or run `clearline records rebuild` to have it here"
                    )
                if not self._path.exists():
                    _must_be_new(self._store, str(self._path))
            connection = sqlite3.connect(
                self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.executescript(TABLES.format(text="TEXT", integer="INTEGER", options="STRICT, WITHOUT ROWID"))
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


class PostgresDatabase(_Connected["psycopg.Connection[Any]"]):
    """A schema of its own in a PostgreSQL database. Safe across fork; not for two threads at once."""

    def __init__(self, store: Path, url: str) -> None:
        super().__init__(store)
        self._url = url

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[Transaction]:
        """See `Database`. Writers claim rows by conditional updates, so the weaker isolation does for them."""
        import psycopg  # noqa: PLC0415

        try:
            connection = self._begin("READ COMMITTED" if write else "REPEATABLE READ READ ONLY")
            try:
                yield _Postgres(connection)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        except psycopg.Error as error:
            self.close()
            raise self._plain(error) from error

    def _begin(self, isolation: str) -> "psycopg.Connection[Any]":
        import psycopg  # noqa: PLC0415

        begin = f"BEGIN ISOLATION LEVEL {isolation}"
        connection = self._open()
        try:
            connection.execute(begin)
        except psycopg.OperationalError:  # the server was restarted since: nothing has happened yet, so try again
            self.close()
            connection = self._open()
            connection.execute(begin)
        return connection

    def _open(self) -> "psycopg.Connection[Any]":
        if self._connection is None or self._process != os.getpid():
            connection = self._connect()
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection, self._process = connection, os.getpid()
        return self._connection

    def _connect(self) -> "psycopg.Connection[Any]":
        import psycopg  # noqa: PLC0415

        options = f"-c lock_timeout={BUSY_SECONDS}s -c synchronous_commit=on -c client_min_messages=warning"
        try:
            return psycopg.connect(self._url, autocommit=True, connect_timeout=CONNECT_SECONDS, options=options)
        except psycopg.Error as error:
            raise _unreachable(error) from error

    def _prepare(self, connection: "psycopg.Connection[Any]") -> None:
        from psycopg import sql  # noqa: PLC0415

        name = self._schema_name()
        schema = sql.Identifier(name)
        connection.execute(sql.SQL("SET search_path TO {}").format(schema))
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (name,))  # one at a time makes it
            if connection.execute("SELECT to_regnamespace(%s)", (name,)).fetchone() == (None,):
                if not self._anew:
                    _must_be_new(self._store, f"the schema {name} of the manifest in PostgreSQL")
                connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
            tables = TABLES.format(text='TEXT COLLATE "C"', integer="BIGINT", options="")
            connection.execute(tables.encode())

    def _schema_name(self) -> str:
        """The schema this store names; a new name if it names none yet. Of two who name it at once, one wins."""
        self._store.mkdir(parents=True, exist_ok=True)
        path = self._store / POSTGRES_NAME
        if not path.exists():
            if (self._store / SQLITE_NAME).exists() and not self._anew:
                raise StoreDamagedError(
                    f"the manifest of {self._store} is in {SQLITE_NAME}, not yet in PostgreSQL: "
                    "run `clearline records rebuild` to have it there"
                )
            proposed = path.with_suffix(f".{token_hex(4)}.tmp")
            proposed.write_text(f"records_{token_hex(8)}")
            try:
                os.link(proposed, path)
            except FileExistsError:
                pass
            finally:
                proposed.unlink()
        return path.read_text()

    def _plain(self, error: "psycopg.Error") -> RecordsError:
        from psycopg import errors  # noqa: PLC0415

        text = " ".join(str(error).split())
        if isinstance(error, errors.LockNotAvailable | errors.DeadlockDetected | errors.SerializationFailure):
            return StoreBusyError(f"the manifest in PostgreSQL was locked for {BUSY_SECONDS} s: try again")
        if isinstance(error, errors.DiskFull):
            return StoreFullError(f"the disk of PostgreSQL is full ({text}): free some space, try again")
        if isinstance(error, errors.ReadOnlySqlTransaction | errors.InsufficientPrivilege):
            return StoreReadOnlyError(f"the manifest in PostgreSQL cannot be written ({text}): allow it")
        if isinstance(error, errors.OperationalError):
            return _unreachable(error)
        return StoreDamagedError(f"the manifest in PostgreSQL is damaged ({text}): run `clearline records rebuild`")


def _unreachable(error: "psycopg.Error") -> ManifestUnreachableError:
    return ManifestUnreachableError(
        f"the manifest in PostgreSQL cannot be reached ({' '.join(str(error).split())}): start the server, or correct "
        "CLEARLINE_RECORDS_MANIFEST"
    )


class _Postgres:
    """PostgreSQL's marks for values in place of ours; no statement of a manifest has either in a text."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self._cursor = connection.cursor()

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Cursor:
        return self._cursor.execute(sql.replace("?", "%s").encode(), values)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self._cursor.executemany(sql.replace("?", "%s").encode(), rows)
