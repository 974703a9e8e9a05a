"""Samples on the agent's disk until the platform has them: nothing measured is lost while the agent is cut off."""

import json
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from clearline.records.schema import ProbeSample
from clearline.sensors.agent.wire import LONGEST_REASON, UNTOLD, told_of

MOST_WAITING = 1_000_000
"""Samples kept at most, about 300 MB: 100 targets every 15 s for 41 hours. Then the oldest go, and that time stays
unobserved.
"""


class Buffer:
    """A queue of samples in one SQLite file. What `put` was given is on the disk when it returns."""

    def __init__(self, path: Path, most: int = MOST_WAITING) -> None:
        """Open the buffer, made at its first use."""
        self._most = most
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("CREATE TABLE IF NOT EXISTS sample (number INTEGER PRIMARY KEY AUTOINCREMENT, said)")
        self._connection.execute("CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, value)")

    def put(self, samples: Sequence[ProbeSample]) -> None:
        """Keep samples; when the buffer is full the oldest give way and are counted."""
        rows = [(_told(sample),) for sample in samples]
        with self._lock, self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO sample (said) VALUES (?)", rows)
            excess = self._count() - self._most
            if excess > 0:
                oldest = "SELECT number FROM sample ORDER BY number LIMIT ?"
                connection.execute(f"DELETE FROM sample WHERE number IN ({oldest})", (excess,))  # noqa: S608  # our own text
                self._note("dropped", self._noted("dropped") + excess)

    def oldest(self, most: int) -> tuple[list[ProbeSample], int]:
        """The oldest samples, and the number to `forget` them by."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT said, number FROM sample ORDER BY number LIMIT ?", (most,)
            ).fetchall()
        told: list[dict[str, Any]] = [UNTOLD | json.loads(said) for said, _ in rows]
        return [ProbeSample(**each) for each in told], rows[-1][1] if rows else 0

    def forget(self, until: int) -> None:
        """Drop the samples up to a number: the platform has them."""
        with self._lock:
            self._connection.execute("DELETE FROM sample WHERE number <= ?", (until,))

    @property
    def waiting(self) -> int:
        """How many samples are kept."""
        with self._lock:
            return self._count()

    @property
    def dropped(self) -> int:
        """How many samples were lost since the agent was enrolled, because the buffer was full."""
        with self._lock:
            return self._noted("dropped")

    def next_number(self, after: int = 0) -> int:
        """A number greater than each one before, and than `after`; on the disk before it is used."""
        with self._lock:
            number = max(self._noted("number"), after) + 1
            self._note("number", number)
            return number

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _count(self) -> int:
        (count,) = self._connection.execute("SELECT count(*) FROM sample").fetchone()
        return int(count)

    def _noted(self, name: str) -> int:
        found = self._connection.execute("SELECT value FROM note WHERE name = ?", (name,)).fetchone()
        return int(found[0]) if found else 0

    def _note(self, name: str, value: int) -> None:
        self._connection.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (name, value))


def _told(sample: ProbeSample) -> str:
    """A sample as it is told: what a server said may hold anything, so only what can be printed is passed on."""
    if sample.clock_offset_us is None:
        raise ValueError("a sample of an agent carries the offset of its clock")
    said = "".join(letter if letter.isprintable() else "?" for letter in sample.reason[:LONGEST_REASON])
    return json.dumps(told_of(replace(sample, reason=said)))
