"""One packet's payload and what its RTP header says of it.

Compiled by tools/compile; the same file runs interpreted.
"""

from typing import final

from mypy_extensions import i64

from clearline.voice.timing import Timing


@final
class Payload:
    """Where a payload stands. The packet loop has one, which it fills anew for each packet that is looked into."""

    def __init__(self) -> None:
        self.data: bytes = b""
        """The buffer it stands in."""
        self.start: i64 = 0
        self.end: i64 = 0
        """Of what was captured of it."""
        self.size: i64 = 0
        """Its octets on the wire; more than stand here: the capture cut it."""
        self.payload_type: i64 = 0
        self.number: i64 = 0
        """Extended sequence number."""
        self.timestamp: i64 = 0
        """32 bits."""
        self.marker: i64 = 0
        self.at_us: i64 = 0
        """When it was captured."""
        self.timing: Timing = Timing(0, 0)
        """Its stream's."""

    def missing(self) -> i64:
        """Count the octets that the capture cut off; 0: all of it stands here."""
        return self.size - (self.end - self.start)

    def narrow(self, payload_type: i64, start: i64, size: i64, captured: i64) -> None:
        """Make it one block of itself; `captured`: where what was captured of the packet ends."""
        self.payload_type = payload_type
        self.end = min(start + size, captured)
        self.start = min(start, self.end)
        self.size = size

    def is_in_time_for(self, before_us: float) -> bool:
        """Tell whether it arrived before the turn of speech that is so much older than its own."""
        timing = self.timing
        if timing.clock == 0:
            return True
        transit = timing.last_us - timing.origin_us - timing.media * 1_000_000 // timing.clock
        return float(timing.delay_us - (transit - timing.base_us)) >= before_us
