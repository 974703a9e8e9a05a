"""DuckDB in memory: answers unless another engine is configured, and makes the files. SQL of its own is only here."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, lru_cache
from hashlib import md5
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from clearline.records.engines.spill import Spill
from clearline.records.errors import RecordsError, StoreDamagedError, StoreFullError
from clearline.records.parquet import INDEX_ROW_GROUP_ROWS, ROW_GROUP_ROWS, plain_errors

MEMORY_LIMIT = "1GB"
"""What DuckDB may hold; beyond it, it spills to the store's temporary directory."""

SOURCE = "source"
"""The relation that plans read."""
MAX_NAMES = 64
"""Relations that may be in use at once; older names are used again."""
MAX_FILES = 8192
"""Files whose columns a process remembers."""


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def to_ibis(schema: pa.Schema) -> ibis.Schema:
    """The same columns for Ibis."""
    names = {pa.int64(): "int64", pa.string(): "string", pa.bool_(): "boolean"}
    return ibis.schema({field.name: names[field.type] for field in schema})


def subscriber_sql(column: str) -> str:
    """`attribution.subscriber` of a column; a test holds the two equal."""
    bare = f"CASE WHEN starts_with({column}, '<') THEN substr({column}, 2) ELSE {column} END"
    schemes = {"sip:": 5, "sips:": 6, "tel:": 5}
    tests = " ".join(f"WHEN starts_with({bare}, '{name}') THEN substr({bare}, {at})" for name, at in schemes.items())
    first = f"CASE {tests} ELSE {bare} END"
    for end in "@;>":
        first = f"split_part({first}, '{end}', 1)"
    cleaned = f"translate({first}, '-. ()', '')"
    return f"CASE WHEN regexp_full_match({column}, '\\+?[0-9]+') THEN {column} ELSE {cleaned} END"


def index_hash(tenant: str, kind: str, value: str) -> int:
    """The search index's hash of a number (kind `n`) or Call-ID (kind `c`), 32 bits: found calls are compared."""
    text = f"{tenant}\x1f{kind}\x1f{value}".encode()
    return int.from_bytes(md5(text, usedforsecurity=False).digest()[:4], "big")


def typed(sql: str, schema: ibis.Schema) -> str:
    """Cast sums back to 64 bits: DuckDB adds them up in 128 and would write those as floating point."""
    columns = ", ".join(
        f'CAST("{name}" AS BIGINT) AS "{name}"' if kind.is_integer() else f'"{name}"' for name, kind in schema.items()
    )
    return f"SELECT {columns} FROM ({sql})"  # noqa: S608  # compiled by Ibis from our own expressions


@dataclass(frozen=True, slots=True)
class Plan:
    """An expression over one table of fixed columns, compiled once a process: compiling costs more than running."""

    columns: ibis.Schema
    steps: tuple[Callable[[ir.Table], ir.Table], ...]


@cache
def compiled(plan: Plan) -> str:
    """The plan as SQL over the relation `SOURCE`."""
    expression = ibis.table(plan.columns, name=SOURCE)
    for step in plan.steps:
        expression = step(expression)
    return typed(str(ibis.to_sql(expression, dialect="duckdb")), expression.schema())


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of some files: those whose columns hold a value allowed and whose moment lies in one of the spans.

    Attributes:
        paths: the files.
        only: values allowed, by column; None for unknown.
        spans: half-open, in the moments of the source's time column; empty: any moment.
    """

    paths: tuple[str, ...]
    only: Mapping[str, Collection[str | int | None]] = field(default_factory=dict)
    spans: tuple[tuple[int, int], ...] = ()

    def sql(self, time: str) -> str:
        """The rows, in DuckDB's words."""
        spans = " OR ".join(f'"{time}" >= {low} AND "{time}" < {high}' for low, high in self.spans)
        tests = [*allowed_sql(self.only), *([f"({spans})"] if spans else [])]
        rows = f"SELECT * FROM {_files_sql(self.paths)}"  # noqa: S608
        return f"{rows} WHERE {' AND '.join(tests)}" if tests else rows


def _files_sql(paths: Sequence[str], more: str = "") -> str:
    """All rows of files: by the columns' names, where some files lack columns that others have; that takes longer."""
    files = "[" + ", ".join(map(_quoted, paths)) + "]"
    by_name = len(set(map(_columns, paths))) > 1
    return f"read_parquet({files}, union_by_name = {by_name}, hive_partitioning = false{more})"


@lru_cache(MAX_FILES)
def _columns(path: str) -> tuple[str, ...]:
    """The columns of a file, which never changes. See `plain_errors` for what it raises."""
    with plain_errors(Path(path)):
        return tuple(pq.read_schema(path).names)


def allowed_sql(only: Mapping[str, Collection[str | int | None]]) -> list[str]:
    """Conditions that columns hold one of the values allowed."""
    conditions = []
    for name, values in only.items():
        known = [_quoted(value) if isinstance(value, str) else str(value) for value in values if value is not None]
        tests = [f'"{name}" IN ({", ".join(known)})'] if known else []
        tests += [f'"{name}" IS NULL'] if None in values else []
        conditions.append(f"({' OR '.join(tests) or 'false'})")
    return conditions


class DuckEngine:
    """A disposable in-memory database. After an error it throws itself away and starts afresh."""

    def __init__(self, spills: Path, threads: int | None = None) -> None:
        self._spills = spills
        self._spill: Spill | None = None
        self._threads = threads
        self._connection: Any = None
        self._named = 0

    def connection(self) -> Any:
        """The live connection, opened if there is none."""
        if self._connection is None:
            with suppress(OSError):  # a store that cannot be written is asked all the same, within the memory
                self._spill = Spill(self._spills)
            settings: dict[str, Any] = {
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "memory_limit": MEMORY_LIMIT,
                "temp_directory": str(self._spill.path) if self._spill else "",
                "preserve_insertion_order": False,
            }
            if self._threads is not None:
                settings["threads"] = self._threads
            self._connection = duckdb.connect(":memory:", config=settings)
            self._connection.execute("SET parquet_metadata_cache = true")
            self._connection.execute("SET enable_progress_bar = false")  # it would print amidst a command's JSON
        return self._connection

    def relation(
        self, schema: pa.Schema, paths: list[str], hot: pa.Table | None = None, name: str | None = None
    ) -> ir.Table:
        """Name files (of any older version: columns they lack are unknown) and hot rows as one table."""
        if name is None:
            self._named = (self._named + 1) % MAX_NAMES
            name = f"r{self._named}"
        columns = ", ".join(f'"{column}"' for column in schema.names)
        connection = self.connection()
        connection.register(f"{name}_hot", hot if hot is not None else schema.empty_table())
        sql = f"SELECT {columns} FROM {name}_hot"  # noqa: S608  # our own names
        if paths:
            sql = (
                f"SELECT {columns} FROM (SELECT * FROM {name}_hot UNION ALL BY NAME SELECT * FROM {_files_sql(paths)})"  # noqa: S608
            )
        self._run(f"CREATE OR REPLACE TEMP VIEW {name} AS {sql}")
        return ibis.table(to_ibis(schema), name=name)

    def source(
        self,
        schema: pa.Schema,
        time: str,
        pieces: Iterable[Piece],
        hot: pa.Table | None = None,
        only: Mapping[str, Collection[str | int | None]] | None = None,
    ) -> None:
        """Name pieces of files and rows in memory as the relation that plans read.

        Args:
            schema: the columns; those that older files lack are unknown.
            time: the column that the pieces' spans are about.
            pieces: rows of files.
            hot: further rows.
            only: values allowed in all of them, by column.
        """
        columns = ", ".join(f'"{column}"' for column in schema.names)
        self.connection().register(f"{SOURCE}_hot", hot if hot is not None else schema.empty_table())
        rows = " UNION ALL BY NAME ".join([f"SELECT * FROM {SOURCE}_hot", *(piece.sql(time) for piece in pieces)])  # noqa: S608
        tests = allowed_sql(only or {})
        where = f" WHERE {' AND '.join(tests)}" if tests else ""
        self._run(f"CREATE OR REPLACE TEMP VIEW {SOURCE} AS SELECT {columns} FROM ({rows}){where}")  # noqa: S608

    def fetch(self, expression: ir.Table) -> pa.Table:
        """Run an expression."""
        sql = typed(str(ibis.to_sql(expression, dialect="duckdb")), expression.schema())
        with self._plain_errors():
            return self.connection().sql(sql).to_arrow_table()

    def write(self, plan: "Plan", order: list[str], path: Path, footer: dict[str, str]) -> None:
        """Run a plan on the relation `SOURCE` and write its rows, ordered, as a Parquet file.

        Memory stays bounded by spilling.

        Raises:
            StoreFullError: the disk is full.
        """
        self._write_sql(compiled(plan), order, path, footer)

    def run(self, plan: "Plan") -> pa.Table:
        """Run a plan on the relation `SOURCE`."""
        with self._plain_errors():
            return self.connection().sql(compiled(plan)).to_arrow_table()

    def _write_sql(
        self, sql: str, order: list[str], path: Path, footer: dict[str, str], group_rows: int = ROW_GROUP_ROWS
    ) -> None:
        by = ", ".join(f'"{name}" NULLS FIRST' for name in order)
        about = "{" + ", ".join(f"{key}: {_quoted(value)}" for key, value in footer.items()) + "}"
        self._run(
            f"COPY (SELECT * FROM ({sql}) ORDER BY {by}) TO {_quoted(str(path))} (FORMAT parquet, COMPRESSION zstd, "  # noqa: S608
            f"PARQUET_VERSION v2, ROW_GROUP_SIZE {group_rows}, KV_METADATA {about})"
        )

    def write_index(self, plan: "Plan", path: Path, footer: dict[str, str]) -> None:
        """Write the search index of a plan's calls: hashes of numbers and Call-IDs, with where each call lies."""
        source = compiled(plan)
        numbers = [f"('n' || chr(31) || nullif({subscriber_sql(name)}, ''))" for name in ("caller", "callee")]
        texts = ", ".join([*numbers, "('c' || chr(31) || call_id)"])
        self._write_sql(
            "SELECT CAST('0x' || left(md5(tenant || chr(31) || text), 8) AS BIGINT) AS hash, customer, "  # noqa: S608
            f"start_us FROM (SELECT tenant, customer, start_us, unnest([{texts}]) AS text FROM ({source})) "
            "WHERE text IS NOT NULL",
            ["hash", "start_us", "customer"],
            path,
            footer,
            INDEX_ROW_GROUP_ROWS,
        )

    def files_naming(self, number: str, paths: list[str], columns: list[str]) -> dict[str, int]:
        """Which of the files have rows with this subscriber in one of the columns, and how many."""
        if not paths:
            return {}
        hit = " OR ".join(f"{subscriber_sql(name)} = {_quoted(number)}" for name in columns)
        rows = _files_sql(paths, ", filename = true")
        return dict(self._run(f"SELECT filename, count(*) FROM {rows} WHERE {hit} GROUP BY filename").fetchall())  # noqa: S608

    def _run(self, sql: str) -> Any:
        with self._plain_errors():
            return self.connection().execute(sql)

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        try:
            yield
        except duckdb.Error as error:
            text = str(error).splitlines()[0]
            self.close()
            if "No space left" in text:
                raise StoreFullError(f"the disk is full: {text}") from error
            if isinstance(error, duckdb.IOException) and ("No files found" in text or "No such file" in text):
                raise FileNotFoundError(text) from error
            if isinstance(error, duckdb.IOException | duckdb.InvalidInputException | duckdb.SerializationException):
                raise StoreDamagedError(f"a file cannot be read: {text}; run `clearline records check`") from error
            raise RecordsError(f"the query failed: {text}") from error

    def close(self) -> None:
        """Drop the database and all it cached."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        if self._spill is not None:
            self._spill.close()
        self._spill = None
