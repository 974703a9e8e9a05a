"""What an Opus packet says without being decoded: its mode, and whether it carries redundancy for the one before.

Compiled by tools/compile; the same file runs interpreted.
"""

from typing import Final, final

from mypy_extensions import i64

CELT_ONLY: Final = 16
"""Configurations from this on have no SILK layer, and so no in-band redundancy (RFC 6716 table 2)."""

BANDS: Final = ("NB", "MB", "WB", "SWB", "FB")

_SILK_FRAMES: Final[list[int]] = [1, 1, 2, 3]
"""SILK frames in an Opus frame of 10, 20, 40 and 60 ms."""


@final
class OpusSeen:
    """What the looks at a stream's packets found."""

    def __init__(self) -> None:
        self.packets: i64 = 0
        """Looked at."""
        self.redundant: i64 = 0
        """Of those, packets with redundancy."""
        self.bands: list[int] = [0, 0, 0, 0, 0]
        """Packets by audio bandwidth, in the order of `BANDS`."""


def band(toc: i64) -> i64:
    """Give the audio bandwidth's place in `BANDS` (RFC 6716 table 2)."""
    configuration = toc >> 3
    if configuration < 12:
        return configuration >> 2
    if configuration < CELT_ONLY:
        return 3 + (configuration >> 1 & 1)
    celt = configuration >> 2 & 3
    return celt + 1 if celt else 0


def is_single(toc: i64) -> bool:
    """Tell whether the packet has one Opus frame (RFC 6716 section 3.2.2)."""
    return toc & 3 == 0


def has_redundancy(data: bytes, start: i64, end: i64) -> bool:
    """Tell whether a packet's first Opus frame begins with low bit-rate redundancy (LBRR) for the frame before it.

    The SILK layer opens with a flag for voice activity of each of its frames and one for LBRR, per channel; each is one
    bit of even odds, so that they are the first bits of the frame (RFC 6716 sections 4.2.3 and 4.2.4).

    Args:
        data: the buffer the packet stands in.
        start: where it starts.
        end: where it ends, as far as it was captured.
    """
    toc: i64 = data[start]
    configuration = toc >> 3
    if configuration >= CELT_ONLY:
        return False
    at = first_frame(data, start, end)
    if at < 0 or at >= end:
        return False
    frames: i64 = _SILK_FRAMES[configuration & 3] if configuration < 12 else 1
    flags: i64 = data[at]
    found = flags >> (7 - frames)
    if toc & 4:  # stereo: the side channel's flags follow
        found |= flags >> (6 - 2 * frames)
    return found & 1 == 1


def first_frame(data: bytes, start: i64, end: i64) -> i64:
    """Find where a packet's first Opus frame starts; -1: it has none, or breaks off before (RFC 6716 section 3.2)."""
    toc: i64 = data[start]
    at = start + 1
    code = toc & 3
    if at >= end:
        return -1
    if code < 2:
        return at
    if code == 2:
        return _after_lengths(data, at, end, 1)
    count: i64 = data[at]
    at += 1
    if count & 0x40:  # padding
        while at < end:
            octet: i64 = data[at]
            at += 1
            if octet != 255:
                break
    frames = count & 0x3F
    if frames == 0:
        return -1
    if count & 0x80:  # each frame but the last has its length in front
        return _after_lengths(data, at, end, frames - 1)
    return at


def _after_lengths(data: bytes, at: i64, end: i64, count: i64) -> i64:
    """Pass over frames' lengths (section 3.2.1); -1: the packet breaks off, or the first frame is empty."""
    first = True
    while count > 0:
        if at >= end:
            return -1
        length: i64 = data[at]
        if length == 0 and first:
            return -1
        at += 1 if length < 252 else 2
        first = False
        count -= 1
    return at
