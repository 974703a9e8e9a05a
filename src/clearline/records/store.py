"""The door: `Records(path)` takes measurements in, durably, and answers for them."""

import threading
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from clearline.records.errors import BadRecordError
from clearline.records.schema import (
    CALLS,
    PROBES,
    STREAMS,
    TABLE_OF,
    CallRecord,
    ProbeSample,
    Record,
    StreamRecord,
    Table,
)

MAX_FRAME_ROWS = 10_000
"""Rows a spool frame holds at most: bounds what a reader must decode at once."""


class Records:
    """Measurements under one directory. Any number of threads and processes append and read at once."""

    def __init__(self, path: Path | str) -> None:
        from clearline.records.hot import HotRows  # noqa: PLC0415  # pyarrow is loaded by whoever opens a store, not by whoever names it
        from clearline.records.spool import SpoolWriter  # noqa: PLC0415

        self.path = Path(path)
        self._writer = SpoolWriter(self.path / "spool")
        self._hot = HotRows(self.path / "spool")
        self._lock = threading.Lock()

    def append(self, rows: Sequence[Record]) -> None:
        """Keep records; returns only when they are on the disk. A key that is there already changes nothing.

        Raises:
            BadRecordError: a record does not fit; nothing of the batch is kept.
            StoreFullError: the disk is full; nothing of the batch is kept.
            StoreReadOnlyError: the store cannot be written.
        """
        from clearline.records.columns import to_batch  # noqa: PLC0415
        from clearline.records.spool import encode  # noqa: PLC0415

        recorded_us = time.time_ns() // 1000
        content = [
            encode(table, to_batch(table, group[start : start + MAX_FRAME_ROWS], recorded_us))
            for table, group in _by_table(rows).items()
            for start in range(0, len(group), MAX_FRAME_ROWS)
        ]
        if content:
            self._writer.append(b"".join(content))

    def probe_samples(
        self, *, tenant: str, targets: Collection[str], since_us: int, until_us: int
    ) -> list[ProbeSample]:
        """Probe samples of some targets with `at_us` in [since, until), by moment."""
        found = self._rows(PROBES, tenant, since_us, until_us, ("target", targets))
        return sorted(found, key=lambda sample: (sample.at_us, sample.target, sample.key))

    def calls(
        self, *, tenant: str, since_us: int, until_us: int, service: str | None = None, customer: str | None = None
    ) -> list[CallRecord]:
        """Calls that started in [since, until), by start; of one service or customer if named."""
        equal = [(name, [value]) for name, value in (("service", service), ("customer", customer)) if value is not None]
        found = self._rows(CALLS, tenant, since_us, until_us, *equal)
        return sorted(found, key=lambda call: (call.start_us, call.key))

    def streams(self, *, tenant: str, call_key: str, since_us: int, until_us: int) -> list[StreamRecord]:
        """Streams of one call that started in [since, until), by start."""
        found = self._rows(STREAMS, tenant, since_us, until_us, ("call_key", [call_key]))
        return sorted(found, key=lambda stream: (stream.start_us, stream.key))

    def close(self) -> None:
        """Let go of files. The store stays as it is."""
        self._writer.close()

    def _rows(
        self, table: Table, tenant: str, since_us: int, until_us: int, *among: tuple[str, Collection[str]]
    ) -> list[Any]:
        import pyarrow.compute as pc  # noqa: PLC0415

        from clearline.records.columns import to_rows  # noqa: PLC0415

        with self._lock:
            self._hot.refresh()
            data = self._hot.rows(table)
        wanted = (pc.field("tenant") == tenant) & (pc.field(table.time) >= since_us) & (pc.field(table.time) < until_us)
        for name, values in among:
            wanted &= pc.field(name).isin(list(values))
        data = data.filter(wanted).sort_by("recorded_us")
        first: dict[str, Any] = {}
        for row in to_rows(table, data):
            first.setdefault(row.key, row)
        return list(first.values())


def _by_table(rows: Sequence[Record]) -> dict[Table, list[Record]]:
    groups: dict[Table, list[Record]] = {}
    for row in rows:
        if type(row) not in TABLE_OF:
            raise BadRecordError(f"{type(row).__name__} is not a kind of record")
        groups.setdefault(TABLE_OF[type(row)], []).append(row)
    return groups
