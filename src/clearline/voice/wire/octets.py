"""Unsigned integers read from a buffer. The caller has checked that the octets are there.

Compiled by tools/compile; the same file runs interpreted.
"""

from librt.strings import read_i16_be, read_i16_le, read_i32_be, read_i32_le, read_i64_be, read_i64_le
from mypy_extensions import i64


def u16(data: bytes, at: i64) -> i64:
    """Read two octets in network order."""
    return i64(read_i16_be(data, at)) & 0xFFFF


def u32(data: bytes, at: i64) -> i64:
    """Read four octets in network order."""
    return i64(read_i32_be(data, at)) & 0xFFFFFFFF


def u16_little(data: bytes, at: i64) -> i64:
    """Read two octets, the least significant first."""
    return i64(read_i16_le(data, at)) & 0xFFFF


def u32_little(data: bytes, at: i64) -> i64:
    """Read four octets, the least significant first."""
    return i64(read_i32_le(data, at)) & 0xFFFFFFFF


def word(data: bytes, at: i64) -> i64:
    """Read eight octets in network order, as a signed number: for fields to be cut out of."""
    return read_i64_be(data, at)


def word_little(data: bytes, at: i64) -> i64:
    """Read eight octets, the least significant first, as a signed number."""
    return read_i64_le(data, at)
