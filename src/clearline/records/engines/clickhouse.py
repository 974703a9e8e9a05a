"""ClickHouse's dialect, run by chDB: ClickHouse as a library, in this process, over the same files."""

import io
from typing import Any, ClassVar

import pyarrow as pa
import sqlglot
from sqlglot import exp

from clearline.records.engines.dialect import DialectEngine
from clearline.records.errors import EngineMissingError, RecordsError, StoreDamagedError

TYPES = {pa.int64(): "Nullable(Int64)", pa.string(): "Nullable(String)", pa.bool_(): "Nullable(Bool)"}
SETTINGS = {
    # A sum, least or greatest of nothing is unknown, as the standard and the other engines have it; not 0.
    "aggregate_functions_null_for_empty": 1,
    # What a join does not find is unknown; not 0 or an empty text.
    "join_use_nulls": 1,
    # Types that do not go together are an error.
    "use_variant_as_common_type": 0,
    "max_memory_usage": 2**30,
    "max_bytes_before_external_group_by": 2**29,
    "max_bytes_before_external_sort": 2**29,
    # A view of a month names each of its files.
    "max_query_size": 2**24,
    "max_ast_elements": 10**6,
    "max_expanded_ast_elements": 10**7,
}
GONE = ("FILE_DOESNT_EXIST", "No such file", "CANNOT_OPEN_FILE")


class ClickHouseEngine(DialectEngine):
    """An embedded ClickHouse. All of a process share one server, hence the names with a prefix."""

    dialect: ClassVar[str] = "clickhouse"

    def __init__(self) -> None:
        super().__init__()
        self._connection: Any = None

    def _open(self) -> Any:
        if self._connection is None:
            try:
                import chdb  # noqa: PLC0415
            except ImportError as error:
                raise EngineMissingError(
                    "ClickHouse needs the Python package chdb; `./clearline` installs it"
                ) from error
            self._connection = chdb.connect(":memory:")
            for name, value in SETTINGS.items():
                self._connection.query(f"SET {name} = {value}")
        return self._connection

    def _name(self, name: str, schema: pa.Schema, paths: list[str], hot: pa.Table | None) -> None:
        columns = ", ".join(f"`{field.name}` {TYPES[field.type]}" for field in schema)
        # One by one: of several in one pattern, those that are gone would be left out without a word.
        sources = [f"file({_quoted(path)}, 'Parquet', {_quoted(columns)})" for path in paths]
        if hot is not None or not paths:
            self._do(f"CREATE OR REPLACE TABLE {name}_hot ({columns}) ENGINE = Memory")
            sources.append(f"{name}_hot")
        if hot is not None:
            self._insert(f"{name}_hot", hot.select(schema.names))
        names = ", ".join(f"`{column}`" for column in schema.names)
        rows = " UNION ALL ".join(f"SELECT {names} FROM {source}" for source in sources)  # noqa: S608  # our own names
        self._do(f"CREATE OR REPLACE VIEW {name} AS {rows}")

    def _insert(self, name: str, rows: pa.Table) -> None:  # noqa: ARG002  # chDB finds the variable by its name
        self._do(f"INSERT INTO {name} SELECT * FROM Python(rows)")  # noqa: S608  # our own name

    def _adapted(self, sql: str) -> str:
        """Counts are unsigned in ClickHouse, and what is signed and unsigned cannot be put together."""
        return sqlglot.parse_one(sql, read=self.dialect).transform(_signed).sql(dialect=self.dialect)

    def _run(self, sql: str) -> pa.Table:
        return pa.ipc.open_file(io.BytesIO(self._do(sql, "Arrow").bytes())).read_all()

    def _do(self, sql: str, form: str = "CSV") -> Any:
        try:
            return self._open().query(sql, form)
        except RuntimeError as error:
            text = " ".join(str(error).split())
            if any(word in text for word in GONE):
                raise FileNotFoundError(text) from error
            if "PARQUET" in text.upper():
                raise StoreDamagedError(f"a file cannot be read: {text}; run `clearline records check`") from error
            raise RecordsError(f"the query failed in ClickHouse: {text}") from error

    def close(self) -> None:
        """See `DialectEngine`."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def _signed(node: exp.Expression) -> exp.Expression:
    return exp.cast(node, "Int64", dialect="clickhouse") if isinstance(node, exp.Count | exp.CountIf) else node


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
