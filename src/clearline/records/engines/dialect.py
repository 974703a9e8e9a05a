"""What the engines beside DuckDB have in common: they name files and run the same expressions in their own dialect."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from itertools import count
from typing import ClassVar

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from clearline.records.engines.duck import Piece, Plan, to_ibis

MAX_NAMES = 4096
"""Relations that may be in use at once, more than one for each day of ten years; older names are used again."""

_engines = count(1)


class DialectEngine(ABC):
    """Answers questions; makes no files. Its names are its own, since an engine may be one to a process."""

    dialect: ClassVar[str]
    """As Ibis calls it."""

    def __init__(self) -> None:
        self._prefix = f"e{next(_engines)}"
        self._named = 0

    def relation(self, schema: pa.Schema, paths: list[str], hot: pa.Table | None = None) -> ir.Table:
        """Name files (of any older version: columns they lack are unknown) and hot rows as one table."""
        self._named = (self._named + 1) % MAX_NAMES
        name = f"{self._prefix}_r{self._named}"
        self._name(name, schema, paths, hot if hot is not None and len(hot) else None)
        return ibis.table(to_ibis(schema), name=name)

    def fetch(self, expression: ir.Table) -> pa.Table:
        """Run an expression."""
        sql = self._adapted(str(ibis.to_sql(expression, dialect=self.dialect)))
        return self._run(sql).cast(expression.schema().to_pyarrow())

    def _adapted(self, sql: str) -> str:
        """The query, where the engine's types need a word that Ibis does not say."""
        return sql

    def source(
        self,
        schema: pa.Schema,
        time: str,
        pieces: Iterable[Piece],
        hot: pa.Table | None = None,
        only: Mapping[str, Collection[str | int | None]] | None = None,
    ) -> None:
        """Name pieces of files and rows in memory as what plans read. See `DuckEngine.source`."""
        tables = [self.relation(schema, [], hot)] if hot is not None and len(hot) else []
        tables += [_piece(self.relation(schema, list(piece.paths)), time, piece) for piece in pieces]
        rows = ibis.union(*tables) if len(tables) > 1 else (tables or [self.relation(schema, [])])[0]
        self._source = _allowed(rows, only or {})

    def run(self, plan: Plan) -> pa.Table:
        """Run a plan on what was named by `source`."""
        expression = self._source
        for step in plan.steps:
            expression = step(expression)
        return self.fetch(expression)

    @abstractmethod
    def _name(self, name: str, schema: pa.Schema, paths: list[str], hot: pa.Table | None) -> None:
        """Let a name stand for all rows of files and of a table in memory; all columns may be unknown.

        Raises:
            FileNotFoundError: a file is gone, if that is noticed here already.
        """

    @abstractmethod
    def _run(self, sql: str) -> pa.Table:
        """Run one query.

        Raises:
            FileNotFoundError: a file is gone.
            RecordsError: anything else.
        """

    @abstractmethod
    def close(self) -> None:
        """Drop what was named and let go of the engine."""


def _piece(rows: ir.Table, time: str, piece: Piece) -> ir.Table:
    rows = _allowed(rows, piece.only)
    moment = rows[time]
    spans = [(moment >= low) & (moment < high) for low, high in piece.spans]
    return rows.filter(ibis.or_(*spans)) if spans else rows


def _allowed(rows: ir.Table, only: Mapping[str, Collection[str | int | None]]) -> ir.Table:
    """The rows whose columns hold one of the values allowed; None for unknown."""
    tests = [
        rows[name].isin([value for value in values if value is not None])
        | (rows[name].isnull() if None in values else ibis.literal(value=False))
        for name, values in only.items()
    ]
    return rows.filter(*tests) if tests else rows
