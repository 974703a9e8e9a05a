"""The size of the pictures of a video stream, from the headers that carry it.

Each reader gives width and height in pixels, or (0, 0) for a header that breaks off or makes no sense.

Compiled by tools/compile; the same file runs interpreted.
"""

from typing import Final

from mypy_extensions import i64

from clearline.voice.inspection.bits import Bits

MOST: Final = 65_536
"""Pixels in a row or column of the greatest picture."""

_CHROMA_PROFILES: Final = (44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244)
"""profile_idc of H.264 whose parameter sets name a chroma format."""


def _size(bits: Bits, width: i64, height: i64) -> tuple[int, int]:
    return (width, height) if not bits.over and 0 < width <= MOST and 0 < height <= MOST else (0, 0)


def h264(unit: bytes) -> tuple[int, int]:
    """Read a sequence parameter set of H.264 (clause 7.3.2.1.1), its NAL header included."""
    bits = Bits(unit)
    bits.skip(8)
    profile = bits.read(8)
    bits.skip(16)
    bits.exp_golomb()  # its number
    chroma = _chroma(bits) if profile in _CHROMA_PROFILES else 1
    bits.exp_golomb()
    order = bits.exp_golomb()
    if order == 0:
        bits.exp_golomb()
    elif order == 1:
        bits.skip(1)
        bits.signed()
        bits.signed()
        for _ in range(min(bits.exp_golomb(), 255)):
            bits.signed()
    bits.exp_golomb()
    bits.skip(1)
    width = (bits.exp_golomb() + 1) * 16
    rows = bits.exp_golomb() + 1
    fields = 2 - bits.read(1)
    if fields == 2:
        bits.skip(1)
    height = rows * 16 * fields
    bits.skip(1)
    if bits.read(1):
        across = 2 if chroma in (1, 2) else 1
        down = (2 if chroma == 1 else 1) * fields
        width -= across * (bits.exp_golomb() + bits.exp_golomb())
        height -= down * (bits.exp_golomb() + bits.exp_golomb())
    return _size(bits, width, height)


def _chroma(bits: Bits) -> i64:
    """Read the chroma format, and pass over bit depths and scaling lists."""
    chroma = bits.exp_golomb()
    if chroma == 3:
        bits.skip(1)
    bits.exp_golomb()  # bit depths
    bits.exp_golomb()
    bits.skip(1)
    if bits.read(1):
        for i in range(12 if chroma == 3 else 8):
            if bits.read(1):
                _scaling_list(bits, 16 if i < 6 else 64)
    return chroma


def _scaling_list(bits: Bits, size: i64) -> None:
    """Pass over a scaling list (clause 7.3.2.1.1.1)."""
    following: i64 = 8
    last: i64 = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed() + 256) & 255
        if following:
            last = following


def h265(unit: bytes) -> tuple[int, int]:
    """Read a sequence parameter set of H.265 (clause 7.3.2.2.1), its NAL header included."""
    bits = Bits(unit)
    bits.skip(16 + 4)
    layers = bits.read(3)
    bits.skip(1 + 96)  # general profile, tier and level
    profiles: i64 = 0
    levels: i64 = 0
    for _ in range(layers):
        profiles += bits.read(1)
        levels += bits.read(1)
    if layers:
        bits.skip(2 * (8 - layers))
    bits.skip(88 * profiles + 8 * levels)
    bits.exp_golomb()  # its number
    chroma = bits.exp_golomb()
    if chroma == 3:
        bits.skip(1)
    width = bits.exp_golomb()
    height = bits.exp_golomb()
    if bits.read(1):
        width -= (2 if chroma in (1, 2) else 1) * (bits.exp_golomb() + bits.exp_golomb())
        height -= (2 if chroma == 1 else 1) * (bits.exp_golomb() + bits.exp_golomb())
    return _size(bits, width, height)


def vp9_is_key(bits: Bits) -> bool:
    """Read the start of a VP9 frame's uncompressed header (section 6.2): whether it is a key frame."""
    bits.skip(2)
    low = bits.read(1)
    high = bits.read(1)
    bits.profile = high << 1 | low
    if bits.profile == 3:
        bits.skip(1)
    return bits.read(2) == 0


def vp9(bits: Bits) -> tuple[int, int]:
    """Read on after `vp9_is_key`: the size of a key frame."""
    bits.skip(2)
    if bits.read(24) != 0x498342:
        return 0, 0
    sampled = bits.profile & 1
    if bits.profile >= 2:
        bits.skip(1)
    if bits.read(3) == 7:  # RGB
        bits.skip(sampled)
    else:
        bits.skip(1 + 3 * sampled)
    width = bits.read(16) + 1
    height = bits.read(16) + 1
    return _size(bits, width, height)


def av1(unit: bytes) -> tuple[int, int]:
    """Read a sequence header of AV1 (section 5.5.1), without its OBU header."""
    bits = Bits(unit)
    bits.skip(4)
    if bits.read(1):
        bits.skip(5)
    else:
        _operating_points(bits)
    across = bits.read(4) + 1
    down = bits.read(4) + 1
    width = bits.read(across) + 1
    height = bits.read(down) + 1
    return _size(bits, width, height)


def _operating_points(bits: Bits) -> None:
    """Pass over timing and operating points (AV1 sections 5.5.1 to 5.5.4)."""
    delay_bits: i64 = 0
    if bits.read(1):  # timing
        bits.skip(64)
        if bits.read(1):
            bits.exp_golomb()
        if bits.read(1):  # decoder model
            delay_bits = bits.read(5) + 1
            bits.skip(32 + 5 + 5)
    delays = bits.read(1)
    for _ in range(bits.read(5) + 1):
        bits.skip(12)
        if bits.read(5) > 7:
            bits.skip(1)
        if delay_bits and bits.read(1):
            bits.skip(2 * delay_bits + 1)
        if delays and bits.read(1):
            bits.skip(4)
