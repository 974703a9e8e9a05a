"""How loud the sampled speech of a stream is.

Compiled by tools/compile; the same file runs interpreted.
"""

from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64

from clearline.voice.inspection.g722 import LowerBand
from clearline.voice.inspection.payload import Payload
from clearline.voice.wire.octets import u16

LOOK_EVERY: Final = 49
"""Packets passed over between two that are decoded: one look a second at 20 ms a packet."""

DECODED: Final = ("pcmu", "pcma", "g722", "l16")
"""Encodings whose level can be told without the packets between."""


def mu_law(code: int) -> int:
    """Decode an octet of µ-law to its value, ±8031 (G.711 table 2)."""
    code ^= 0xFF
    value = ((((code & 15) << 1) + 33) << (code >> 4 & 7)) - 33
    return -value if code & 0x80 else value


def a_law(code: int) -> int:
    """Decode an octet of A-law to twice its value in table 1 of G.711, ±8064: on nearly the same scale as µ-law."""
    code ^= 0x55
    value = ((code & 15) << 1) + 1
    segment = code >> 4 & 7
    if segment:
        value = (value + 32) << (segment - 1)
    return 2 * value if code & 0x80 else -2 * value


MU_LAW: Final[vec[i64]] = vec[i64]([mu_law(code) for code in range(256)])
A_LAW: Final[vec[i64]] = vec[i64]([a_law(code) for code in range(256)])


@final
class Levels:
    """The levels of a stream's sampled packets. Powers are mean squares around the packet's mean, full scale 8192."""

    def __init__(self) -> None:
        self.looks: i64 = 0
        self.power_sum: float = 0.0
        self.loudest: float = 0.0
        """The greatest power of a packet."""
        self.band: LowerBand | None = None
        """The decoder of a G.722 that is being followed."""
        self.followed: i64 = 0
        """Packets in a row that it has decoded."""
        self.next_number: i64 = 0

    def look(self, payload: Payload, encoding: str) -> i64:
        """Take a packet of one of `DECODED`; give how many may pass before the next look."""
        if payload.start >= payload.end:
            return LOOK_EVERY
        if encoding == "g722":
            return self.g722(payload)
        if encoding == "l16":
            self.l16(payload)
        else:
            self.g711(payload, A_LAW if encoding == "pcma" else MU_LAW)
        return LOOK_EVERY

    def g711(self, payload: Payload, table: vec[i64]) -> None:
        """Take a packet of G.711."""
        data = payload.data
        total: i64 = 0
        squares: i64 = 0
        for at in range(payload.start, payload.end):
            value = table[data[at]]
            total += value
            squares += value * value
        self.take(total, squares, payload.end - payload.start)

    def l16(self, payload: Payload) -> None:
        """Take a packet of linear samples of 16 bits (RFC 3551 section 4.5.11)."""
        total: i64 = 0
        squares: i64 = 0
        at = payload.start
        while at + 1 < payload.end:
            value = u16(payload.data, at)
            value = (value ^ 0x8000) - 0x8000 >> 2
            total += value
            squares += value * value
            at += 2
        self.take(total, squares, max((payload.end - payload.start) // 2, 1))

    def g722(self, payload: Payload) -> i64:
        """Take a packet of G.722: the third of three in a row, with which the decoder has found its scale."""
        if payload.number != self.next_number or self.band is None:
            self.band = LowerBand()
            self.followed = 0
        data = payload.data
        total: i64 = 0
        squares: i64 = 0
        for at in range(payload.start, payload.end):
            value = self.band.decode(data[at]) >> 1
            total += value
            squares += value * value
        self.followed += 1
        self.next_number = payload.number + 1
        if self.followed < 3:
            return 0
        self.take(total, squares, payload.end - payload.start)
        self.band = None
        return LOOK_EVERY - 2

    def take(self, total: i64, squares: i64, count: i64) -> None:
        """Take a packet's samples. A constant value carries no sound: the mean is left out of the power."""
        mean = float(total) / float(count)
        power = max(float(squares) / float(count) - mean * mean, 0.0)
        self.looks += 1
        self.power_sum += power
        self.loudest = max(self.loudest, power)
