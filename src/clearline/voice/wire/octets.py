"""Unsigned integers read from a buffer. The caller has checked that the octets are there."""

from mypy_extensions import i64


def u16(data: bytes, at: i64) -> i64:
    """Read two octets in network order."""
    high: i64 = data[at]
    low: i64 = data[at + 1]
    return (high << 8) | low


def u32(data: bytes, at: i64) -> i64:
    """Read four octets in network order."""
    a: i64 = data[at]
    b: i64 = data[at + 1]
    c: i64 = data[at + 2]
    d: i64 = data[at + 3]
    return (a << 24) | (b << 16) | (c << 8) | d


def u16_little(data: bytes, at: i64) -> i64:
    """Read two octets, the least significant first."""
    low: i64 = data[at]
    high: i64 = data[at + 1]
    return (high << 8) | low


def u32_little(data: bytes, at: i64) -> i64:
    """Read four octets, the least significant first."""
    d: i64 = data[at]
    c: i64 = data[at + 1]
    b: i64 = data[at + 2]
    a: i64 = data[at + 3]
    return (a << 24) | (b << 16) | (c << 8) | d
