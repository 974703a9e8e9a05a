"""Redundant audio data (RFC 2198): the headers of a payload's blocks, and where the primary one stands.

Compiled by tools/compile; the same file runs interpreted.
"""

from typing import Final, final

from mypy_extensions import i64

from clearline.voice.inspection.payload import Payload
from clearline.voice.wire.octets import u32

MAX_BLOCKS: Final = 32
"""Redundant blocks of one packet."""


@final
class Blocks:
    """The blocks of one payload; filled anew for each packet."""

    def __init__(self) -> None:
        self.types: list[int] = []
        """Payload type of each redundant block, the oldest first; so are the next three."""
        self.offsets: list[int] = []
        """Timestamp units that it lies before the primary block."""
        self.starts: list[int] = []
        self.sizes: list[int] = []
        self.primary: i64 = -1
        """Payload type of the primary block."""
        self.primary_start: i64 = 0
        self.primary_size: i64 = 0

    def parse(self, payload: Payload) -> bool:
        """Read the headers (section 3); False when they contradict the payload's length, or the capture cut them."""
        self.types.clear()
        self.offsets.clear()
        self.starts.clear()
        self.sizes.clear()
        data = payload.data
        at = payload.start
        while True:
            if at >= payload.end:
                return False
            first: i64 = data[at]
            if first < 0x80:
                break
            if at + 4 > payload.end or len(self.types) == MAX_BLOCKS:
                return False
            self.add(u32(data, at))
            at += 4
        at += 1
        for size in self.sizes:
            self.starts.append(at)
            at += size
        self.primary = first
        self.primary_start = at
        self.primary_size = payload.start + payload.size - at
        return self.primary_size >= 0

    def add(self, header: i64) -> None:
        """Take a redundant block's header: one bit, 7 of payload type, 14 of timestamp offset, 10 of length."""
        self.types.append(header >> 24 & 0x7F)
        self.offsets.append(header >> 10 & 0x3FFF)
        self.sizes.append(header & 0x3FF)
