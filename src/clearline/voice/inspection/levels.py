"""How loud the sampled speech of a stream is, in dBm0: 3.14 dB (A-law) or 3.17 dB (µ-law) below full scale (G.711).

Compiled by tools/compile; the same file runs interpreted.
"""

from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64

LOOK_EVERY: Final = 49
"""Packets passed over between two that are decoded: one look a second at 20 ms a packet."""


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

    def g711(self, data: bytes, start: i64, end: i64, is_a_law: bool) -> None:
        """Take a packet of G.711."""
        if end <= start:
            return
        table = A_LAW if is_a_law else MU_LAW
        total: i64 = 0
        squares: i64 = 0
        at = start
        while at < end:
            value = table[data[at]]
            total += value
            squares += value * value
            at += 1
        count = float(end - start)
        mean = float(total) / count
        self.take(float(squares) / count - mean * mean)

    def take(self, power: float) -> None:
        """Take a packet's power. A constant value carries no sound, which is why the mean is left out of it."""
        self.looks += 1
        self.power_sum += power
        self.loudest = max(self.loudest, power)
