"""The engines that answer questions: each gives files a name and runs Ibis expressions on the names.

DuckDB makes all files, whichever engine answers.
"""

from typing import TYPE_CHECKING, Protocol

from clearline.records.errors import RecordsError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    import ibis.expr.types as ir
    import pyarrow as pa

    from clearline.records.engines.duck import Piece, Plan


class Engine(Protocol):
    """What a question needs."""

    def relation(self, schema: "pa.Schema", paths: list[str], hot: "pa.Table | None" = None) -> "ir.Table":
        """Name files (of any older version: columns they lack are unknown) and hot rows as one table."""

    def fetch(self, expression: "ir.Table") -> "pa.Table":
        """Run an expression on relations."""

    def source(
        self,
        schema: "pa.Schema",
        time: str,
        pieces: "Iterable[Piece]",
        hot: "pa.Table | None" = None,
        only: "Mapping[str, Collection[str | int | None]] | None" = None,
    ) -> None:
        """Name pieces of files and rows in memory as what plans read."""

    def run(self, plan: "Plan") -> "pa.Table":
        """Run a plan on what was named by `source`."""

    def close(self) -> None:
        """Drop what was named and let go of the engine."""


def other_engine(url: str) -> Engine:
    """The engine of an address: `chdb`, `spark://host:port`, or `local[threads]` for Spark within this process.

    Raises:
        RecordsError: there is no such engine.
    """
    if url == "chdb":
        from clearline.records.engines.clickhouse import ClickHouseEngine  # noqa: PLC0415

        return ClickHouseEngine()
    if url.startswith(("spark://", "local[")):
        from clearline.records.engines.spark import SparkEngine  # noqa: PLC0415

        return SparkEngine(url)
    raise RecordsError(f"there is no engine {url!r}: CLEARLINE_RECORDS_ENGINE is duckdb, chdb or spark://host:port")
