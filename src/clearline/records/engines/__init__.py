"""The engines that execute the queries. Each gives files a name, and runs an Ibis expression on the names."""

from typing import Protocol

import ibis.expr.types as ir
import pyarrow as pa


class Engine(Protocol):
    """What every engine does. An engine is used by one thread at a time."""

    def relation(self, schema: pa.Schema, paths: list[str], hot: pa.Table | None = None) -> ir.Table:
        """Name the rows of some Parquet files, and of unsealed rows, as a table with these columns."""

    def fetch(self, expression: ir.Table) -> pa.Table:
        """Run an expression; integers come back as 64-bit integers, or the engine raises that they do not fit."""
