"""What every packet of a stream reads or changes, side by side.

With thousands of streams their state is beyond the processor's nearer caches: a packet costs the pieces of memory, of
64 octets each, that it touches. What is touched less often stands behind, in the classes made of this one.

Compiled by tools/compile; the same file runs interpreted.
"""

from typing import Final

from librt.vecs import vec
from mypy_extensions import i32, i64

from clearline.voice.intervals import NO_TRANSIT

FAR: Final = 9_000_000_000_000
"""Beyond every extended sequence number."""


class State:
    """The counters of one stream. Jitter is in timestamp units, times are in µs."""

    def __init__(self, low_us: i64, high_us: i64) -> None:
        self.ssrc: i64 = 0
        self.ports: i64 = 0
        """Source port in the upper 16 bits, destination port in the lower."""
        self.source: i64 = 0
        self.destination: i64 = 0
        self.highest: i64 = 0
        """Highest extended sequence number: its lower 16 bits are those of the packet."""
        self.oldest_bad: i64 = FAR
        """The first number that `losses` waits for."""
        self.received: i64 = 0
        """Packets without duplicates."""
        self.octets: i64 = 0
        """Payload octets of those."""
        self.seen_us: i64 = 0
        self.gap_us: i64 = 0
        """Longest time between two packets of the present interval."""
        self.interval_end_us: i64 = 0
        self.identification: i64 = 0
        self.payload_type: i64 = -1
        self.until_look: i64 = 0
        """Packets that pass before the inspector is handed a payload."""

        self.started: bool = False
        """Whether there is a packet to compare the next one with."""
        self.adaptive: bool = high_us > low_us
        self.clock: i64 = 0
        """Timestamp units a second; 0 while not known."""
        self.ticks_per_us: float = 0.0
        self.last_us: i64 = 0
        self.last_timestamp: i64 = 0
        self.origin_us: i64 = 0
        """Arrival of the packet that `media` counts from."""
        self.media: i64 = 0
        """Timestamp units since that packet, without wrap."""
        self.jitter: float = 0.0
        self.jitter_max: float = 0.0
        """Of the present interval."""
        self.jitter_sum: float = 0.0
        self.samples: i64 = 0
        self.earliest_us: i64 = NO_TRANSIT
        """Least transit of the present interval."""
        self.reference_us: float = 0.0
        self.deviation_sum_us: float = 0.0
        self.frame_ticks: i64 = 0
        """The usual advance from one packet to the next."""
        self.frame_votes: i64 = 0
        self.base_us: i64 = 0
        self.delay_us: i64 = low_us
        self.late_run: i64 = 0
        self.variation: vec[i32] = vec[i32]()
        """Packets by how late they came, see `variation`."""
