"""The door: `Records(path)` takes measurements in, durably, and answers for them."""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from clearline.records.errors import BadRecordError, StoreDamagedError
from clearline.records.schema import (
    CALLS,
    DAY_US,
    INTERVALS,
    PROBES,
    REPORTS,
    STREAMS,
    TABLE_OF,
    CallRecord,
    ClientReport,
    IntervalRecord,
    ProbeSample,
    Record,
    StreamRecord,
    Table,
)

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

    from clearline.records.attribution import Rules
    from clearline.records.engines import Engine
    from clearline.records.engines.duck import DuckEngine
    from clearline.records.hot import HotRows
    from clearline.records.manifest import Listing, Manifest
    from clearline.records.query import Scope
    from clearline.records.spool import SpoolWriter

# Arrow, DuckDB and Ibis are imported where they are first used: a process that only appends loads Arrow alone, and
# one that only names the store loads none of them.

MAX_FRAME_ROWS = 10_000
"""Rows a spool frame holds at most: bounds what a reader must decode at once."""
MAX_SPOOL_BYTES = 256 * 2**20
"""Unsealed bytes at which `append` seals by itself, for when nothing else does."""
CLOCK_STEP_US = 2_000_000
"""A clock further back than this was set back, not merely corrected."""
RETRIES = 5
"""How often a question is asked again when a file it was to read has been replaced and collected meanwhile."""

Answer = TypeVar("Answer")
Step = Callable[["ir.Table"], "ir.Table"]
Known = dict[tuple[str, str], tuple[Record, Sequence[tuple[str, ...]]]]
"""Records by tenant and key, each with the groups of its columns that attribution rules gave it."""


@dataclass(frozen=True, slots=True)
class View:
    """What a question reads, at one instant.

    Attributes:
        records: the store.
        table: which table.
        listing: the live files of the days in question.
        hot: rows that are in no file yet.
    """

    records: "Records"
    table: Table
    listing: "Listing"
    hot: "pa.Table"

    def hot_units(self, width_us: int) -> frozenset[int]:
        """The hours or days (by their width) that have rows in no file yet, counted from 1970."""
        return frozenset(moment // width_us for moment in self.hot.column(self.table.time).to_pylist())

    def paths(self, since_us: int, until_us: int) -> tuple[list[str], list[str]]:
        """Files with rows of [since, until): those of days that lie in one, and the others with repeats still in."""
        from clearline.records.query import days  # noqa: PLC0415

        first, last = since_us // DAY_US, max(since_us, until_us - 1) // DAY_US
        files = [
            (file.day, file.level, str(self.records.path / file.path))
            for file in self.listing.files
            if file.table == self.table.name and first <= file.day <= last
        ]
        return days(files, self.hot_units(DAY_US))

    def rows(self, scope: "Scope") -> "ir.Table":
        """The rows of a scope that count."""
        from clearline.records.query import counting  # noqa: PLC0415

        clean, unresolved = self.relations(scope)
        return counting(clean, unresolved, self.table, scope)

    def relations(self, scope: "Scope") -> "tuple[ir.Table, ir.Table | None]":
        """The scope's files named: those of clean days, and the others with the rows of no file, if there are any."""
        from clearline.records.columns import stored_schema  # noqa: PLC0415

        clean, unresolved = self.paths(scope.since_us, scope.until_us)
        schema, engine = stored_schema(self.table), self.records.engine
        others = engine.relation(schema, unresolved, self.hot) if unresolved or len(self.hot) else None
        return engine.relation(schema, clean), others

    def taken(self, tenant: str, spans: "Sequence[tuple[int, int]]", step: "Step") -> "Iterator[pa.Table]":
        """What a step makes of the tenant's rows in some spans that count, in parts that add up."""
        from clearline.records.columns import stored_schema  # noqa: PLC0415
        from clearline.records.engines.duck import Piece, Plan, to_ibis  # noqa: PLC0415
        from clearline.records.query import in_spans, resolved, standing  # noqa: PLC0415

        found = [self.paths(*span) for span in spans]
        schema = stored_schema(self.table)
        hot = in_spans(self.hot, self.table.time, spans)
        for number, first, rows in ((0, standing, None), (1, resolved, hot)):
            pieces = [
                Piece(tuple(paths[number]), {"tenant": [tenant]}, (span,))
                for span, paths in zip(spans, found, strict=True)
                if paths[number]
            ]
            if pieces or (rows is not None and len(rows)):
                self.records.engine.source(schema, self.table.time, pieces, rows)
                yield self.records.engine.run(Plan(to_ibis(schema), (first, step)))


class Records:
    """Measurements under one directory. Any number of threads and processes append and read at once.

    Args:
        path: the directory.
        manifest_url: `postgresql://…` if the manifest is there; None for SQLite in the directory.
        engine_url: the engine that answers, if it is not DuckDB (see `engines.other_engine`).
    """

    def __init__(self, path: Path | str, *, manifest_url: str | None = None, engine_url: str | None = None) -> None:
        self.path = Path(path)
        self.manifest_url = manifest_url
        self.engine_url = engine_url
        self._lock = threading.RLock()
        self._latest_us = 0
        self._clock_is_behind = False
        self._rules: tuple[tuple[str, ...], Rules] | None = None

    @cached_property
    def _writer(self) -> "SpoolWriter":
        from clearline.records.spool import SpoolWriter  # noqa: PLC0415

        return SpoolWriter(self.path / "spool")

    @cached_property
    def _hot(self) -> "HotRows":
        from clearline.records.hot import HotRows  # noqa: PLC0415

        return HotRows(self.path / "spool")

    @cached_property
    def manifest(self) -> "Manifest":
        """Which files are the store."""
        from clearline.records.databases import database_of  # noqa: PLC0415
        from clearline.records.manifest import Manifest  # noqa: PLC0415

        return Manifest(database_of(self.path, self.manifest_url))

    @cached_property
    def engine(self) -> "Engine":
        """The engine that answers questions; use it inside `exclusive` or `ask`."""
        from clearline.records.engines import other_engine  # noqa: PLC0415

        return self.maker if self.engine_url is None else other_engine(self.engine_url)

    @cached_property
    def maker(self) -> "DuckEngine":
        """The engine that makes and checks files; use it inside `exclusive`."""
        from clearline.records.engines.duck import DuckEngine  # noqa: PLC0415

        return DuckEngine(self.path / "spill")

    # Writing

    def append(self, rows: Sequence[Record]) -> None:
        """Keep records; returns only when they are on the disk. A key that is there already changes nothing.

        Raises:
            BadRecordError: a record does not fit; nothing of the batch is kept.
            StoreFullError: the disk is full; nothing of the batch is kept.
            StoreReadOnlyError: the store cannot be written.
        """
        self._append(rows)

    def revise(
        self, rows: Sequence[Record], *, who: str, why: str, moved_from: Mapping[str, int] | None = None
    ) -> None:
        """Replace records by corrected or re-scored states. The earlier ones stay in `history`.

        Args:
            rows: the new states; each has the key and tenant of a record that is there.
            who: the person or program that corrects.
            why: the reason, in words.
            moved_from: for records whose moment is corrected: the moment they have now, by key. The hour, day and
                month they were counted in no longer count them.

        Raises:
            BadRecordError: there is no such record at that moment, or what identifies it differs.
        """
        moved_from = moved_from or {}
        moves: list[tuple[Record, int]] = []
        states: list[Record] = []
        for table, group in _by_table(rows).items():
            then = {row.key: moved_from.get(row.key, getattr(row, table.time)) for row in group}
            known = self._known(table, group, then)
            for row in group:
                state, ruled = known.get((row.tenant, row.key), (None, ()))
                if state is None or getattr(state, table.time) != then[row.key] or not _same(table, state, row):
                    raise BadRecordError(
                        f"{table.name} {row.key}: no record with this key, tenant and {table.time} to correct"
                    )
                if getattr(row, table.time) != then[row.key]:
                    moves.append((state, getattr(row, table.time)))
                states.append(_left_to_rules(row, state, ruled))
        self._append(states, (who, why), moves)

    def _known(self, table: Table, rows: list[Record], then: Mapping[str, int]) -> Known:
        """The records that are there, at the moments they are said to have, by tenant and key; and which of their
        columns attribution rules gave them."""  # noqa: D205, D209
        from clearline.records.columns import stored_schema, to_rows  # noqa: PLC0415
        from clearline.records.query import Scope  # noqa: PLC0415

        found: Known = {}
        for tenant in {row.tenant for row in rows}:
            keys = [row.key for row in rows if row.tenant == tenant]
            moments = [then[key] for key in keys]
            scope = Scope(tenant, min(moments), max(moments) + 1, {"key": keys})
            data = self.columns(table, scope, stored_schema(table).names)
            rules = zip(data.column("attributed_by").to_pylist(), data.column("site_by").to_pylist(), strict=True)
            for row, (owner_by, site_by) in zip(to_rows(table, data), rules, strict=True):
                ruled = (*([("customer", "service")] if owner_by else []), *([("site",)] if site_by else []))
                found[row.tenant, row.key] = row, ruled
        return found

    def _append(
        self,
        rows: Sequence[Record],
        revision: tuple[str, str] | None = None,
        moves: Sequence[tuple[Record, int]] = (),
    ) -> None:
        """Keep rows and, for records that move, their old states with the moments they go to; all or nothing."""
        from clearline.records.columns import to_batch  # noqa: PLC0415
        from clearline.records.spool import encode, spool_bytes  # noqa: PLC0415

        recorded_us = self.now_us()
        since = (recorded_us, *revision) if revision else None
        content = [
            encode(table, to_batch(table, group[start : start + MAX_FRAME_ROWS], recorded_us, since))
            for table, group in _by_table(rows).items()
            for start in range(0, len(group), MAX_FRAME_ROWS)
        ]
        content += [
            encode(TABLE_OF[type(row)], to_batch(TABLE_OF[type(row)], [row], recorded_us, since, [to_us]))
            for row, to_us in moves
        ]
        if not content:
            return
        self._writer.append(b"".join(content))
        if self._writer.closed_a_segment() and spool_bytes(self.path / "spool") > MAX_SPOOL_BYTES:
            from clearline.records.upkeep import seal  # noqa: PLC0415

            seal(self)

    def now_us(self) -> int:
        """The moment of acknowledgement: the clock, but never earlier than what the store was told before.

        So a repeat cannot pass for the first of its kind after the clock was set back; an alert says that it was.
        """
        with self._lock:
            if not self._latest_us:
                self._latest_us = self._told_before_us()
            clock_us = time.time_ns() // 1000
            behind_us = self._latest_us - clock_us
            self._latest_us = max(clock_us, self._latest_us + 1)
            if behind_us > CLOCK_STEP_US and not self._clock_is_behind:
                self._alert_of_clock(behind_us)
            self._clock_is_behind = behind_us > CLOCK_STEP_US
            return self._latest_us

    def _told_before_us(self) -> int:
        from clearline.records.errors import RecordsError  # noqa: PLC0415

        try:
            return self.manifest.latest_us()
        except RecordsError:  # acknowledging needs no manifest
            return 0

    def _alert_of_clock(self, behind_us: int) -> None:
        from clearline.records import documents  # noqa: PLC0415
        from clearline.records.errors import RecordsError  # noqa: PLC0415

        text = f"the clock was set back by {behind_us // 1_000_000} s; records keep their order, but check the clock"
        with suppress(RecordsError):  # the same for an alert
            documents.keep(self.path, self.manifest, "alert", self._latest_us, {"text": text})

    # Asking

    def probe_samples(
        self, *, tenant: str, targets: Collection[str], since_us: int, until_us: int
    ) -> list[ProbeSample]:
        """Probe samples of some targets with `at_us` in [since, until), by moment."""
        return self._ask(PROBES, tenant, since_us, until_us, {"target": targets})

    def calls(
        self, *, tenant: str, since_us: int, until_us: int, service: str | None = None, customer: str | None = None
    ) -> list[CallRecord]:
        """Calls that started in [since, until), by start; of one service or customer if named."""
        free = {name: [value] for name, value in (("service", service), ("customer", customer)) if value is not None}
        return self._ask(CALLS, tenant, since_us, until_us, {}, free)

    def streams(self, *, tenant: str, call_key: str, since_us: int, until_us: int) -> list[StreamRecord]:
        """Streams of one call that started in [since, until), by start."""
        return self._ask(STREAMS, tenant, since_us, until_us, {"call_key": [call_key]})

    def intervals(self, *, tenant: str, stream_key: str, since_us: int, until_us: int) -> list[IntervalRecord]:
        """Intervals of one stream that began in [since, until), by moment."""
        return self._ask(INTERVALS, tenant, since_us, until_us, {"stream_key": [stream_key]})

    def client_reports(
        self, *, tenant: str, since_us: int, until_us: int, customer: str | None = None
    ) -> list[ClientReport]:
        """Phones' reports with `at_us` in [since, until), by moment; of one customer if named."""
        free = {"customer": [customer]} if customer is not None else {}
        return self._ask(REPORTS, tenant, since_us, until_us, {}, free)

    def _ask(
        self,
        table: Table,
        tenant: str,
        since_us: int,
        until_us: int,
        fixed: Mapping[str, Collection[str]],
        free: Mapping[str, Collection[str]] | None = None,
    ) -> list[Any]:
        from clearline.records.query import Scope  # noqa: PLC0415

        if not all(fixed.values()):
            return []
        return self.rows(table, Scope(tenant, since_us, until_us, fixed, free or {}))

    def rows(self, table: Table, scope: "Scope") -> list[Any]:
        """The records of a scope, in order of time and key."""
        from clearline.records.columns import record_schema, to_rows  # noqa: PLC0415

        return to_rows(table, self.columns(table, scope, record_schema(table).names))

    def columns(self, table: Table, scope: "Scope", names: Sequence[str]) -> "pa.Table":
        """Some columns of the records of a scope, in order of time and key."""

        def fetch() -> "pa.Table":
            counting = self.view(table, scope.tenant, scope.since_us, scope.until_us).rows(scope)
            return self.engine.fetch(counting.order_by([table.time, "key"]).select(*names))

        return self.ask(fetch)

    def contents(self, table: Table, since_day: int, until_day: int) -> tuple[tuple[int, str], ...]:
        """UTC days in [since, until) that have rows, any tenant's, each with what they are kept in.

        Equal as long as no row of the day came, went or was corrected: what was derived from it holds.
        """
        import numpy as np  # noqa: PLC0415

        with self._lock:
            self._hot.refresh()
            listing = self.manifest.live((table.name,), since_day, until_day)
            hot = self._hot.rows(table, listing.sealed).column(table.time).to_numpy() // DAY_US
        found: dict[int, list[str]] = {}
        for file in listing.files:
            found.setdefault(file.day, []).append(file.path)
        for day, count in zip(*np.unique(hot, return_counts=True), strict=True):
            if since_day <= day < until_day:
                found.setdefault(int(day), []).append(f"{count} not sealed")
        return tuple((day, " ".join(kept)) for day, kept in sorted(found.items()))

    def view(self, table: Table, tenant: str, since_us: int, until_us: int, derived: tuple[str, ...] = ()) -> View:
        """What a question about a table reads now. The spool is listed before the manifest: what is sealed in between
        is then known from the manifest, so nothing is missed and nothing counted twice."""  # noqa: D205, D209
        first, last = since_us // DAY_US, max(since_us, until_us - 1) // DAY_US + 1
        self._hot.refresh()
        listing = self.manifest.live((table.name, *derived), first, last)
        return View(self, table, listing, self._hot_rows(table, listing.sealed, tenant, since_us, until_us))

    def days(self, table: Table) -> set[int]:
        """UTC days a table has rows of, any tenant's, sealed or not."""
        with self._lock:
            self._hot.refresh()
            listing = self.manifest.live((table.name,))
            hot = self._hot.rows(table, listing.sealed).column(table.time).to_pylist()
        return {file.day for file in listing.files} | {moment // DAY_US for moment in hot}

    def _hot_rows(self, table: Table, sealed: frozenset[str], tenant: str, since_us: int, until_us: int) -> "pa.Table":
        import pyarrow.compute as pc  # noqa: PLC0415

        hot = self._hot.rows(table, sealed)
        moment = pc.field(table.time)
        hot = hot.filter((pc.field("tenant") == tenant) & (moment >= since_us) & (moment < until_us))
        return self.rules.apply(hot, table.time)

    def ask(self, question: Callable[[], Answer]) -> Answer:
        """Run a question with the engine to itself; again if a file it named was collected meanwhile."""
        with self._lock:
            for _ in range(RETRIES - 1):
                try:
                    return question()
                except FileNotFoundError:
                    continue
            try:
                return question()
            except FileNotFoundError as error:
                raise StoreDamagedError(f"{error}: run `clearline records check`") from error

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Have the engine to oneself."""
        with self._lock:
            yield

    # What is known beside the measurements

    @property
    def rules(self) -> "Rules":
        """The attribution rules in force: the latest set of each tenant."""
        from clearline.records.attribution import Rules  # noqa: PLC0415

        documents = self.manifest.documents("rules")
        names = tuple(name for name, _, _ in documents)
        if self._rules is None or self._rules[0] != names:
            self._rules = (names, Rules.latest(body for _, _, body in documents))
        return self._rules[1]

    def close(self) -> None:
        """Let go of files and connections. The store stays as it is."""
        for name in ("_writer", "manifest", "engine", "maker"):
            if name in self.__dict__:
                self.__dict__[name].close()


def _by_table(rows: Sequence[Record]) -> dict[Table, list[Record]]:
    groups: dict[Table, list[Record]] = {}
    for row in rows:
        if type(row) not in TABLE_OF:
            raise BadRecordError(f"{type(row).__name__} is not a kind of record")
        groups.setdefault(TABLE_OF[type(row)], []).append(row)
    return groups


def _left_to_rules(row: Record, state: Record, ruled: Sequence[Sequence[str]]) -> Record:
    """A corrected record without what rules gave its earlier state, so that they still speak for it: its customer and
    service, then its site, up to what the correction itself is about."""  # noqa: D205, D209
    for names in ruled:
        if any(getattr(row, name) != getattr(state, name) for name in names):
            break
        unknown: dict[str, Any] = dict.fromkeys(names)
        row = replace(row, **unknown)
    return row


def _same(table: Table, one: Record, other: Record) -> bool:
    """Whether two states have in common what a correction cannot change: what files are sorted by, but for the customer
    and the moment."""  # noqa: D205, D209
    names = [name for name in table.order if name not in {"customer", table.time}]
    return all(getattr(one, name) == getattr(other, name) for name in names)
