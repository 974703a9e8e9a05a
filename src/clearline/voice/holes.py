"""Times in which the capture recorded nothing: when most streams miss packets over one, the capture missed them.

Compiled by tools/compile; the same file runs interpreted.
"""

from bisect import bisect_left, bisect_right
from typing import Final, final

from mypy_extensions import i64

HOLE_US: Final = 40_000
"""The shortest time without any packet that is looked at: two packets of speech."""

MAX_HOLES: Final = 10_000
"""Holes kept of one capture."""

MIN_STREAMS: Final = 8
"""With fewer streams at a time a network that fails them all is as likely as a capture that does."""

MIN_SHARE_PCT: Final = 80
"""Share of the live streams that must have lost packets over a hole for it to be the capture's."""


@final
class Hole:
    """One such time, `[start_us, end_us)`, and what the streams lost over it."""

    def __init__(self, start_us: i64, end_us: i64) -> None:
        self.start_us: i64 = start_us
        self.end_us: i64 = end_us
        self.streams: i64 = 0
        self.lost: i64 = 0


@final
class Holes:
    """All of one capture."""

    def __init__(self) -> None:
        self.found: list[Hole] = []

    def note(self, start_us: i64, end_us: i64) -> None:
        """Take a time between two records."""
        if len(self.found) < MAX_HOLES:
            self.found.append(Hole(start_us, end_us))

    def over(self, before_us: i64, after_us: i64, lost: i64) -> i64:
        """Count packets that a stream lost between two of its packets; give the hole they lie over, -1 when none."""
        last: i64 = len(self.found) - 1
        if last < 0:
            return -1
        hole = self.found[last]
        if before_us > hole.start_us or after_us < hole.end_us:
            return -1
        hole.streams += 1
        hole.lost += lost
        return last

    def of_capture(self, begins_us: list[int], ends_us: list[int]) -> set[int]:
        """Judge which holes are the capture's own.

        Args:
            begins_us: each stream's first packet, ascending.
            ends_us: each stream's last packet, ascending.

        Returns:
            Their indices.
        """
        judged: set[int] = set()
        for index, hole in enumerate(self.found):
            live = bisect_right(begins_us, hole.start_us) - bisect_left(ends_us, hole.end_us)
            if hole.streams >= MIN_STREAMS and hole.streams * 100 >= live * MIN_SHARE_PCT:
                judged.add(index)
        return judged
