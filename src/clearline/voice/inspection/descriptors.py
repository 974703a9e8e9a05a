"""What the payload of a video packet says of its frame: whether it begins one, whether that is a key frame, its size.

H.264 (RFC 6184), H.265 (RFC 7798), VP8 (RFC 7741), VP9 (RFC 9628) and AV1 (RTP Payload Format For AV1, version 1.0).

Compiled by tools/compile; the same file runs interpreted.
"""

from typing import Final, final

from mypy_extensions import i64

from clearline.voice.inspection import picture_size
from clearline.voice.inspection.bits import Bits, without_emulation
from clearline.voice.wire.octets import u16, u16_little

MAX_UNITS: Final = 64
"""Units of one packet that are looked at."""

LONGEST_SET: Final = 1024
"""Octets of a parameter set that is read."""


@final
class Descriptor:
    """What one packet said; filled anew for each."""

    def __init__(self) -> None:
        self.begins: bool = False
        """It holds the frame's first octets, as far as it says."""
        self.is_key: bool = False
        self.width: int = 0
        self.height: int = 0
        """0: it does not say."""

    def read(self, encoding: str, data: bytes, start: i64, end: i64) -> None:
        """Read a payload; what it does not hold whole is left out.

        Args:
            encoding: in small letters; of others than those of this module nothing is read.
            data: the buffer it stands in.
            start: where it starts.
            end: where it, as far as it was captured, ends; after `start`.
        """
        self.begins = False
        self.is_key = False
        self.width = 0
        self.height = 0
        if encoding == "h264":
            self.h264(data, start, end)
        elif encoding == "h265":
            self.h265(data, start, end)
        elif encoding == "vp8":
            self.vp8(data, start, end)
        elif encoding == "vp9":
            self.vp9(data, start, end)
        elif encoding == "av1":
            self.av1(data, start, end)

    def h264(self, data: bytes, start: i64, end: i64) -> None:
        """Read a packet of H.264: one unit, an aggregate (STAP-A), or the first fragment of one (FU-A)."""
        first: i64 = data[start]
        kind = first & 31
        if kind == 24:
            at = start + 1
            units: i64 = 0
            while at + 3 <= end and units < MAX_UNITS:
                size = u16(data, at)
                octet: i64 = data[at + 2]
                self.unit264(octet & 31, data, at + 2, min(at + 2 + size, end))
                at += 2 + size
                units += 1
        elif kind == 28:
            if start + 2 <= end:
                header: i64 = data[start + 1]
                if header & 0x80:
                    self.unit264(header & 31, data, start + 1, end)
        elif kind < 24:
            self.unit264(kind, data, start, end)

    def unit264(self, kind: i64, data: bytes, start: i64, end: i64) -> None:
        """Take a NAL unit of H.264."""
        if kind == 5:
            self.is_key = True
        if kind in (1, 2, 5):  # a slice, or its first partition: the first of a picture begins at macroblock 0
            if start + 1 < end:
                octet: i64 = data[start + 1]
                self.begins = self.begins or octet >= 0x80
        elif 6 <= kind <= 9:
            self.begins = True
            if kind == 7 and end - start <= LONGEST_SET:
                self.width, self.height = picture_size.h264(without_emulation(data, start, end))

    def h265(self, data: bytes, start: i64, end: i64) -> None:
        """Read a packet of H.265: one unit, an aggregate, or the first fragment of one."""
        first: i64 = data[start]
        kind = first >> 1 & 63
        if kind == 48:
            at = start + 2
            units: i64 = 0
            while at + 3 <= end and units < MAX_UNITS:
                size = u16(data, at)
                octet: i64 = data[at + 2]
                self.unit265(octet >> 1 & 63, data, at + 2, min(at + 2 + size, end))
                at += 2 + size
                units += 1
        elif kind == 49:
            if start + 3 <= end:
                header: i64 = data[start + 2]
                if header & 0x80:
                    self.unit265(header & 63, data, start + 1, end)
        elif kind < 48:
            self.unit265(kind, data, start, end)

    def unit265(self, kind: i64, data: bytes, start: i64, end: i64) -> None:
        """Take a NAL unit of H.265."""
        if kind < 32:
            if 16 <= kind <= 21:
                self.is_key = True
            if start + 2 < end:
                octet: i64 = data[start + 2]
                self.begins = self.begins or octet >= 0x80
        elif kind <= 35 or kind == 39:  # parameter sets, delimiter, information ahead of the picture
            self.begins = True
            if kind == 33 and end - start <= LONGEST_SET:
                self.width, self.height = picture_size.h265(without_emulation(data, start, end))

    def vp8(self, data: bytes, start: i64, end: i64) -> None:
        """Read a packet of VP8 (sections 4.2 and 4.3)."""
        first: i64 = data[start]
        at = start + 1
        if first & 0x80:
            if at >= end:
                return
            extensions: i64 = data[at]
            at += 1
            if extensions & 0x80:
                at += _picture_number(data, at, end)
            if extensions & 0x40:
                at += 1
            if extensions & 0x30:
                at += 1
        if first & 0x17 != 0x10:  # not the start of the first partition
            return
        self.begins = True
        if at >= end:
            return
        tag: i64 = data[at]
        self.is_key = tag & 1 == 0
        if self.is_key and at + 10 <= end and data[at + 3 : at + 6] == b"\x9d\x01\x2a":
            self.width = u16_little(data, at + 6) & 0x3FFF
            self.height = u16_little(data, at + 8) & 0x3FFF

    def vp9(self, data: bytes, start: i64, end: i64) -> None:
        """Read a packet of VP9 (section 4.2)."""
        first: i64 = data[start]
        at = start + 1
        layer: i64 = 0
        if first & 0x80:
            at += _picture_number(data, at, end)
        if first & 0x20:
            if at >= end:
                return
            indices: i64 = data[at]
            layer = indices >> 1 & 7
            at += 1 if first & 0x10 else 2
        if first & 0x08 and layer == 0:
            self.begins = True
            self.is_key = first & 0x40 == 0
        if first & 0x50 == 0x50:
            at = _after_references(data, at, end)
        if at >= end:
            return
        if first & 0x02:
            self.structure(data, at, end)
        elif self.is_key:  # some senders leave P out: the frame's own header knows
            header = Bits(data[at : min(at + 16, end)])
            self.is_key = picture_size.vp9_is_key(header)
            if self.is_key:
                self.width, self.height = picture_size.vp9(header)

    def structure(self, data: bytes, at: i64, end: i64) -> None:
        """Read VP9's scalability structure: the size of the largest layer."""
        first: i64 = data[at]
        largest = at + 1 + ((first >> 5) << 2)
        if first & 0x10 and largest + 4 <= end:
            self.width = u16(data, largest)
            self.height = u16(data, largest + 2)

    def av1(self, data: bytes, start: i64, end: i64) -> None:
        """Read a packet of AV1: its aggregation header, and a sequence header among its elements."""
        first: i64 = data[start]
        if first & 0x08 == 0:
            return
        self.begins = True
        self.is_key = True
        at = start + 1
        elements = first >> 4 & 3
        seen: i64 = 0
        while at < end and seen < MAX_UNITS:
            seen += 1
            size = end - at
            if seen != elements:
                size = 0
                shift: i64 = 0
                octet: i64 = 0x80
                while octet & 0x80 and at < end and shift < 28:
                    octet = data[at]
                    size |= (octet & 0x7F) << shift
                    shift += 7
                    at += 1
            if self.sequence_header(data, at, min(at + size, end)):
                return
            at += size

    def sequence_header(self, data: bytes, start: i64, end: i64) -> bool:
        """Take an OBU element; tell whether it was a sequence header."""
        if start >= end:
            return False
        header: i64 = data[start]
        if header >> 3 & 15 != 1:
            return False
        at = start + 1
        if header & 4:
            at += 1
        if header & 2:  # its size once more, a number of octets with seven bits each
            while at < end:
                octet: i64 = data[at]
                at += 1
                if octet < 0x80:
                    break
        if end - at <= LONGEST_SET:
            self.width, self.height = picture_size.av1(data[at:end])
        return True


def _picture_number(data: bytes, at: i64, end: i64) -> i64:
    """Count the octets of a picture number: the first bit says whether it has two."""
    if at >= end:
        return 1
    first: i64 = data[at]
    return 2 if first & 0x80 else 1


def _after_references(data: bytes, at: i64, end: i64) -> i64:
    """Pass over the reference indices of VP9's flexible mode: each says whether another follows, three at most."""
    for _ in range(3):
        if at >= end:
            return at
        reference: i64 = data[at]
        at += 1
        if reference & 1 == 0:
            break
    return at
