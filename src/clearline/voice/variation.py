"""How much later than the fastest packets a stream's packets came: packet delay variation by RFC 5481 section 4.2.

Counted in a histogram whose bins are 64 µs wide up to 1 ms and then an eighth to a fifteenth of their value: a
percentile read from it is at most 32 µs off below 1 ms, and at most 6.25 % above.

Compiled by tools/compile; the same file runs interpreted.
"""

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i32, i64

UNIT_BITS: Final = 6
"""64 µs."""

LINEAR: Final = 16
"""Bins of one unit; from there on an octave has half as many."""


USUAL: Final = 4096
"""Below so many units, 262 ms, the bin is looked up: a loop of varying length is mispredicted at most packets."""


def bin_of(units: i64) -> i64:
    """Give the bin of so many units."""
    octave: i64 = 0
    while units >= LINEAR:
        units >>= 1
        octave += LINEAR // 2
    return units + octave


BINS: Final = bytes([bin_of(units) for units in range(USUAL)])


def count(bins: vec[i32], late_us: i64) -> vec[i32]:
    """Count a packet.

    Args:
        bins: packets by bin, as many bins as were needed so far.
        late_us: how much later it came than it would have without jitter; not negative.

    Returns:
        The bins, moved where there had to be more.
    """
    units = late_us >> UNIT_BITS
    place = bin_of(units) if units >= USUAL else i64(BINS[units])
    while place >= len(bins):
        bins = append(bins, i32(0))
    bins[place] += 1
    return bins


def percentile_us(bins: vec[i32], percent: i64) -> i64:
    """Give the middle of the bin in which the smallest value lies that so many percent of the packets don't exceed.

    Args:
        bins: packets by bin, at least one of them.
        percent: 1 to 100.
    """
    total: i64 = 0
    for packets in bins:
        total += i64(packets)
    wanted = (total * percent + 99) // 100
    place: i64 = 0
    seen = i64(bins[0])
    while seen < wanted:
        place += 1
        seen += i64(bins[place])
    if place < LINEAR:
        return (place << UNIT_BITS) + (1 << (UNIT_BITS - 1))
    octave = (place - LINEAR // 2) // (LINEAR // 2)
    first = place - octave * (LINEAR // 2)
    return ((2 * first + 1) << (octave + UNIT_BITS)) >> 1
