"""Bits and variable-length numbers of video headers, read one after another.

Compiled by tools/compile; the same file runs interpreted.
"""

from typing import final

from mypy_extensions import i64


def without_emulation(data: bytes, start: i64, end: i64) -> bytes:
    """Take out the octets that keep start codes from appearing in a NAL unit (H.264 and H.265 clause 7.4.1)."""
    return data[start:end].replace(b"\x00\x00\x03", b"\x00\x00")


@final
class Bits:
    """Reads a header from its first bit on. Past the end every bit is 0, and `over` is set."""

    def __init__(self, data: bytes) -> None:
        self.data: bytes = data
        self.at: i64 = 0
        """The next bit."""
        self.over: bool = False
        self.profile: i64 = 0
        """Of a VP9 frame, once read."""

    def read(self, count: i64) -> i64:
        """Read an unsigned number of at most 32 bits."""
        value: i64 = 0
        for _ in range(count):
            octet = self.at >> 3
            bit: i64 = 0
            if octet < len(self.data):
                whole: i64 = self.data[octet]
                bit = whole >> (7 - (self.at & 7)) & 1
            else:
                self.over = True
            value = value << 1 | bit
            self.at += 1
        return value

    def skip(self, count: i64) -> None:
        """Pass over bits."""
        self.at += count

    def exp_golomb(self) -> i64:
        """Read an unsigned number coded by Exp-Golomb: ue(v) of H.264 clause 9.1, and uvlc() of AV1."""
        zeros: i64 = 0
        while self.read(1) == 0:
            zeros += 1
            if zeros == 32 or self.over:
                self.over = True
                return 0
        return (1 << zeros) - 1 + self.read(zeros)

    def signed(self) -> i64:
        """Read a signed one: se(v)."""
        code = self.exp_golomb()
        return (code + 1) >> 1 if code & 1 else -(code >> 1)
