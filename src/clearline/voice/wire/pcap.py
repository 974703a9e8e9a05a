"""Capture files, piece by piece, to packet records: classic pcap and pcapng.

Formats: draft-ietf-opsawg-pcap (both byte orders, micro- and nanoseconds) and draft-ietf-opsawg-pcapng (section header,
interface description, enhanced, simple and obsolete packet blocks, interface statistics).

Compiled by tools/compile; the same file runs interpreted.
"""

from typing import Final, final

from mypy_extensions import i64

from clearline.voice.wire.octets import u16, u16_little, u32, u32_little, word, word_little

MAX_RECORD_BYTES: Final = 262_144
"""The longest packet a record may hold: libpcap's MAXIMUM_SNAPLEN. A longer one is a damaged length."""

MAX_BLOCK_BYTES: Final = 16_777_216
"""The longest pcapng block: options may be long, a length beyond this is damaged."""

BRIDGE: Final = 4096
"""Octets of a piece that are joined to the end of the one before, for the records that stand in both."""

MAX_INTERFACES: Final = 4096
"""Interface descriptions of one section that are kept."""

MAX_SCAN_BYTES: Final = 1_048_576
"""How far after a damaged record a good one is looked for before the rest of the file is given up."""

PCAP_MICROSECONDS: Final = 0xA1B2C3D4
PCAP_NANOSECONDS: Final = 0xA1B23C4D
SECTION_HEADER: Final = 0x0A0D0D0A
BYTE_ORDER_MAGIC: Final = 0x1A2B3C4D
INTERFACE_DESCRIPTION: Final = 1
OBSOLETE_PACKET: Final = 2
SIMPLE_PACKET: Final = 3
INTERFACE_STATISTICS: Final = 5
ENHANCED_PACKET: Final = 6

UNKNOWN: Final = 0
CLASSIC: Final = 1
NEXT_GENERATION: Final = 2
GIVEN_UP: Final = 3

KNOWN_BLOCKS: Final = (INTERFACE_DESCRIPTION, OBSOLETE_PACKET, SIMPLE_PACKET, 4, INTERFACE_STATISTICS, ENHANCED_PACKET)
"""Kinds of blocks that the reading goes on at after a damaged one; 4 are names."""

LATEST_SECOND: Final = 8_589_934_592
"""2**33: the year 2242. A later time is a damaged one."""


class CaptureError(ValueError):
    """The input is no capture file that can be read; says what it is instead, as far as that shows."""


@final
class Interface:
    """One interface of a pcapng section: how its packets begin and how its clock counts."""

    def __init__(self, link: i64, snap_length: i64) -> None:
        self.link: i64 = link
        self.snap_length: i64 = snap_length
        self.units_per_second: i64 = 1_000_000
        self.offset_seconds: i64 = 0
        self.dropped: i64 = 0


@final
class CaptureReader:
    """Walks the records of one file: `feed` a piece, then `next` until it is False, and so on.

    At the end `close`, then `next` until it is False once more, then `finish`.

    After a True from `next` the record stands in `data[start:end]`.
    """

    def __init__(self) -> None:
        self.data: bytes = b""
        self.start: i64 = -1
        self.end: i64 = 0
        self.length: i64 = 0
        """The packet's length on the wire, octets; more than `end - start` where the capture cut it."""
        self.time_us: i64 = 0
        """Microseconds since 1970-01-01 UTC."""
        self.link: i64 = 0
        """LINKTYPE of the record's interface."""
        self.records: i64 = 0
        self.malformed: i64 = 0
        self.position: i64 = 0
        self.size: i64 = 0
        self.ahead: bytes = b""
        """A piece whose beginning stands in `data`, after the end of the one before."""
        self.turn: i64 = 0
        """Where in `data` it begins."""
        self.kind: i64 = UNKNOWN
        self.little: bool = False
        self.divisor: i64 = 1
        self.scanned: i64 = 0
        """Octets searched for a good record since a damaged one; 0: none is searched for."""
        self.closed: bool = False
        self.cut: i64 = 0
        """Octets of the record that reaches beyond the file's end."""
        self.interfaces: list[Interface] = []
        self.finished_drops: i64 = 0

    def feed(self, piece: bytes) -> None:
        """Give the next piece of the file; the last record and what was not consumed yet are kept of those before."""
        if self.kind == GIVEN_UP:
            return
        kept = self.kept()
        left = self.data[kept : self.size]
        if left and len(piece) > BRIDGE:
            self.ahead = piece
            self.turn = len(left)
            piece = piece[:BRIDGE]
        self.use(left + piece, kept)

    def kept(self) -> i64:
        """Give from where on what was read is still needed: in a damaged record's data good ones may stand."""
        return self.start if self.kind == CLASSIC and self.start >= 0 and not self.scanned else self.position

    def use(self, data: bytes, before: i64) -> None:
        """Go on in these octets, which begin so many after those that were read last."""
        self.data = data
        self.size = len(data)
        self.start = self.start - before if self.start >= before else -1
        self.position -= before

    def cross(self) -> bool:
        """Go from the end of one piece and the beginning of the next into that one; False: they ended here.

        So that the few records on a boundary between pieces are joined, and not every piece copied.
        """
        if not self.ahead:
            return False
        kept = self.kept()
        if kept >= self.turn:
            self.use(self.ahead, self.turn)
        else:
            self.use(self.data[kept : self.turn] + self.ahead, kept)
        self.ahead = b""
        return True

    def close(self) -> None:
        """Say that no piece follows."""
        self.closed = True

    def next(self) -> bool:
        """Go to the next record.

        Raises:
            CaptureError: the file is no capture file.
        """
        if self.kind == CLASSIC:
            return self.next_classic() or (self.cross() and self.next_classic())
        if self.kind == NEXT_GENERATION:
            return self.next_block() or (self.cross() and self.next_block())
        if self.kind == UNKNOWN and self.size - self.position >= 24:
            self.recognise()
            return self.next()
        return False

    def finish(self) -> str:
        """Say what is wrong with the file's end, "" when it ends with a whole record."""
        left = self.size - self.position
        if self.kind == UNKNOWN:
            if left == 0:
                raise CaptureError("the file is empty")
            raise CaptureError(f"not a capture file: {left} bytes are too few for pcap or pcapng")
        if self.kind == GIVEN_UP:
            return "a damaged record, and no good one after it within a megabyte"
        if self.cut and self.scanned:
            return f"the last record is cut off ({self.cut} bytes left of it)"
        if self.scanned:
            return "a damaged record, and no good one after it"
        if left == 0:
            return ""
        self.malformed += 1
        return f"the last record is cut off ({left} bytes left of it)"

    def dropped(self) -> i64:
        """Packets the capturing side says it lost (pcapng interface statistics; obsolete blocks' drop counts)."""
        total: i64 = self.finished_drops
        for interface in self.interfaces:
            total += interface.dropped
        return total

    def recognise(self) -> None:
        """Read the file's first octets."""
        data = self.data
        magic = u32(data, self.position)
        if magic == SECTION_HEADER:
            self.kind = NEXT_GENERATION
            return
        self.little = magic in (0xD4C3B2A1, 0x4D3CB2A1)
        if self.little:
            magic = u32_little(data, self.position)
        if magic not in (PCAP_MICROSECONDS, PCAP_NANOSECONDS):
            raise CaptureError(f"not a capture file: it begins with {data[self.position : self.position + 4].hex(' ')}")
        self.divisor = 1000 if magic == PCAP_NANOSECONDS else 1
        self.link = self.read32(self.position + 20) & 0x0FFFFFFF  # the upper bits tell of a frame check sequence
        self.kind = CLASSIC
        self.position += 24

    def read32(self, at: i64) -> i64:
        """Read four octets in the file's order."""
        return u32_little(self.data, at) if self.little else u32(self.data, at)

    def read16(self, at: i64) -> i64:
        """Read two octets in the file's order."""
        return u16_little(self.data, at) if self.little else u16(self.data, at)

    def skip(self, octets: i64) -> None:
        """Leave a damaged record, and search for a good one from so many octets on.

        A negative number goes back into the record before: when what follows it is damaged, its length may be so too,
        and good records may stand in what was taken for its data.
        """
        self.malformed += 1
        self.position += octets
        self.scanned = 1

    def next_classic(self) -> bool:
        """Go to the next record of a classic file."""
        if self.scanned:
            return self.scan_classic()
        at = self.position
        if at + 16 > self.size:
            return False
        if self.little:  # this is read for every packet: two numbers at a time
            time = word_little(self.data, at)
            sizes = word_little(self.data, at + 8)
            seconds, fraction = time & 0xFFFFFFFF, time >> 32 & 0xFFFFFFFF
            captured, length = sizes & 0xFFFFFFFF, sizes >> 32 & 0xFFFFFFFF
        else:
            time = word(self.data, at)
            sizes = word(self.data, at + 8)
            seconds, fraction = time >> 32 & 0xFFFFFFFF, time & 0xFFFFFFFF
            captured, length = sizes >> 32 & 0xFFFFFFFF, sizes & 0xFFFFFFFF
        all_zero = captured == 0 and seconds == 0
        if captured > MAX_RECORD_BYTES or fraction >= 1_000_000 * self.divisor or all_zero:
            self.skip(self.start - at if self.start >= 0 else 1)
            return self.scan_classic()
        if at + 16 + captured > self.size:
            if not self.closed:
                return False
            self.cut = self.size - at
            self.skip(1)
            return self.scan_classic()
        if self.divisor != 1:
            fraction //= self.divisor
        self.time_us = seconds * 1_000_000 + fraction
        self.length = length
        self.start = at + 16
        self.end = self.start + captured
        self.position = self.end
        self.records += 1
        return True

    def scan_classic(self) -> bool:
        """Look, octet by octet, for a record that the file's end or another record follows.

        The search goes on over as many pieces as it takes.
        """
        while self.position + 16 <= self.size and self.scanned < MAX_SCAN_BYTES:
            if self.plausible(self.position):
                after = self.position + 16 + self.read32(self.position + 8)
                if after + 16 > self.size and not self.closed:
                    return False
                if after == self.size or (after + 16 <= self.size and self.plausible(after)):
                    self.scanned = 0
                    return self.next_classic()
            self.position += 1
            self.scanned += 1
        if self.scanned >= MAX_SCAN_BYTES:
            self.kind = GIVEN_UP
        return False

    def plausible(self, at: i64) -> bool:
        """Tell whether a record header within a day of the last record could stand here."""
        captured = self.read32(at + 8)
        length = self.read32(at + 12)
        apart = self.read32(at) - self.time_us // 1_000_000
        return (
            0 < captured <= MAX_RECORD_BYTES
            and captured <= length <= MAX_RECORD_BYTES
            and self.read32(at + 4) < 1_000_000 * self.divisor
            and (self.records == 0 or -86_400 <= apart <= 86_400)
        )

    def next_block(self) -> bool:
        """Go to the next packet of a pcapng file, reading the blocks before it."""
        while self.position + 12 <= self.size:
            if self.scanned and not self.scan_blocks():
                return False
            at = self.position
            kind = self.read32(at)
            if kind == SECTION_HEADER:  # the same in both orders
                self.little = u32(self.data, at + 8) != BYTE_ORDER_MAGIC
            total = self.read32(at + 4)
            if at + total > self.size and not self.closed and total <= MAX_BLOCK_BYTES:
                return False
            if not self.whole_block(at, kind, total):
                self.skip(4)
                continue
            self.position = at + total
            if self.read_block(kind, at + 8, at + total - 4):
                self.records += 1
                return True
        return False

    def whole_block(self, at: i64, kind: i64, total: i64) -> bool:
        """Tell whether a block of this length stands here: it says its length at both of its ends."""
        if total < 12 or total > MAX_BLOCK_BYTES or total & 3:
            return False
        if at + total > self.size:
            self.cut = self.size - at
            return False
        if kind == SECTION_HEADER and self.read32(at + 8) != BYTE_ORDER_MAGIC:
            return False
        return self.read32(at + total - 4) == total

    def scan_blocks(self) -> bool:
        """Look for a packet's block or another of a known kind; False: none so far.

        Blocks begin at multiples of four octets. The search goes on over as many pieces as it takes.
        """
        while self.position + 12 <= self.size and self.scanned < MAX_SCAN_BYTES:
            at = self.position
            kind = self.read32(at)
            total = self.read32(at + 4)
            if kind in KNOWN_BLOCKS and total <= MAX_RECORD_BYTES:
                if at + total > self.size and not self.closed:
                    return False
                if self.whole_block(at, kind, total):
                    self.scanned = 0
                    return True
            self.position += 4
            self.scanned += 4
        if self.scanned >= MAX_SCAN_BYTES:
            self.kind = GIVEN_UP
        return False

    def read_block(self, kind: i64, at: i64, end: i64) -> bool:
        """Read one block's body; True when it holds a packet."""
        if kind == ENHANCED_PACKET and end - at >= 20:
            time = ((self.read32(at + 4) & 0x7FFFFFFF) << 32) | self.read32(at + 8)
            return self.packet(self.read32(at), time, at + 20, self.read32(at + 12), self.read32(at + 16), end)
        if kind == INTERFACE_DESCRIPTION and end - at >= 8:
            self.describe(at, end)
        elif kind == SIMPLE_PACKET and end - at >= 4 and self.interfaces:
            length = self.read32(at)
            captured = min(length, end - at - 4)
            limit = self.interfaces[0].snap_length
            if limit:
                captured = min(captured, limit)
            return self.packet(0, -1, at + 4, captured, length, end)
        elif kind == OBSOLETE_PACKET and end - at >= 20:
            interface = self.read16(at)
            drops = self.read16(at + 2)
            if interface < len(self.interfaces) and drops != 0xFFFF:
                self.interfaces[interface].dropped += drops
            time = ((self.read32(at + 4) & 0x7FFFFFFF) << 32) | self.read32(at + 8)
            return self.packet(interface, time, at + 20, self.read32(at + 12), self.read32(at + 16), end)
        elif kind == INTERFACE_STATISTICS and end - at >= 12:
            self.statistics(at, end)
        elif kind == SECTION_HEADER:
            self.finished_drops = self.dropped()
            self.interfaces = []
        elif kind in (ENHANCED_PACKET, INTERFACE_DESCRIPTION, SIMPLE_PACKET, OBSOLETE_PACKET):
            self.malformed += 1
        return False

    def packet(self, index: i64, time: i64, start: i64, captured: i64, length: i64, end: i64) -> bool:
        """Take a packet's fields; a time of -1 (simple packet blocks have none) is that of the packet before."""
        if index >= len(self.interfaces) or captured > end - start:
            self.malformed += 1
            return False
        interface = self.interfaces[index]
        if time >= 0:
            units = interface.units_per_second
            if units == 1_000_000:
                self.time_us = time + interface.offset_seconds * 1_000_000
            else:
                seconds = time // units
                if seconds > LATEST_SECOND:
                    self.malformed += 1
                    return False
                self.time_us = (seconds + interface.offset_seconds) * 1_000_000 + time % units * 1_000_000 // units
        self.link = interface.link
        self.start = start
        self.end = start + captured
        self.length = length
        return True

    def describe(self, at: i64, end: i64) -> None:
        """Read an interface description with its clock's resolution and offset."""
        if len(self.interfaces) >= MAX_INTERFACES:
            self.malformed += 1
            return
        interface = Interface(self.read16(at), self.read32(at + 4))
        self.interfaces.append(interface)
        at += 8
        while at + 4 <= end:
            code = self.read16(at)
            size = self.read16(at + 2)
            if code == 0 or at + 4 + size > end:
                break
            if code == 9 and size >= 1:
                resolution: i64 = self.data[at + 4]
                interface.units_per_second = self.units(resolution)
            elif code == 14 and size >= 8:
                low = self.read32(at + 4) if self.little else self.read32(at + 8)
                interface.offset_seconds = low
            at += 4 + ((size + 3) & ~3)

    def units(self, resolution: i64) -> i64:
        """Give ticks a second from if_tsresol: a power of ten, or of two when the top bit is set."""
        exponent = resolution & 0x7F
        if resolution & 0x80:
            if exponent <= 40:
                one: i64 = 1
                return one << exponent
        elif exponent <= 12:
            ticks: i64 = 1
            while exponent > 0:
                ticks *= 10
                exponent -= 1
            return ticks
        self.malformed += 1
        return 1_000_000

    def statistics(self, at: i64, end: i64) -> None:
        """Read what the capturing side says was dropped, by the interface (isb_ifdrop) and the system (isb_osdrop)."""
        index = self.read32(at)
        if index >= len(self.interfaces):
            self.malformed += 1
            return
        dropped: i64 = 0
        at += 12
        while at + 4 <= end:
            code = self.read16(at)
            size = self.read16(at + 2)
            if code == 0 or at + 4 + size > end:
                break
            if code in (5, 7) and size >= 8:
                dropped += self.read32(at + 4) if self.little else self.read32(at + 8)
            at += 4 + ((size + 3) & ~3)
        self.interfaces[index].dropped = max(self.interfaces[index].dropped, dropped)
