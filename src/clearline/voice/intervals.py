"""Ten seconds of a stream: the unit that a call is scored in besides its whole.

Compiled by tools/compile; the same file runs interpreted.
"""

from typing import Final, final

from mypy_extensions import i64

INTERVAL_US: Final = 10_000_000
"""Length of a scored interval: 10 s."""

MAX_INTERVALS: Final = 10_000
"""Intervals kept of one stream (28 h); what comes later is counted in the last."""

MAX_SILENCE_US: Final = 60_000_000
"""A longer silence is left out: a clock set right within a capture would give every stream years of empty intervals."""

NO_TRANSIT: Final = 9_000_000_000_000_000


@final
class Interval:
    """What happened in 10 s of a stream. Losses belong to the interval in which the gap showed."""

    def __init__(self, start_us: i64) -> None:
        self.start_us: i64 = start_us
        self.received: i64 = 0
        self.lost: i64 = 0
        self.discarded: i64 = 0
        self.runs: i64 = 0
        """Runs of consecutive packets lost or discarded."""
        self.jitter_sum: float = 0.0
        """Sum of the jitter after each packet, timestamp units."""
        self.jitter_max: float = 0.0
        self.samples: i64 = 0
        self.max_gap_us: i64 = 0
        self.earliest_us: i64 = NO_TRANSIT
        """Least transit, µs, less that of the stream's first packet: its course over the intervals is clock skew."""
