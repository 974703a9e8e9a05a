"""The packet loop: capture records in, RTP counted where it stands, everything else handed on.

This is the code that runs for every packet: it keeps to native integers and looks a stream up in a table of its own.

Compiled by tools/compile; the same file runs interpreted.
"""

from collections.abc import Callable
from typing import Final, final

from mypy_extensions import i64

from clearline.voice.holes import HOLE_US, Holes
from clearline.voice.inspection.payload import Payload
from clearline.voice.streams import Stream
from clearline.voice.wire.ethernet import ETHERNET, HELD, MALFORMED, NOT_DECODED, UDP, Addresses, Frame
from clearline.voice.wire.fragments import Fragments
from clearline.voice.wire.octets import u16, u32, word
from clearline.voice.wire.pcap import CaptureReader

MAX_STREAMS: Final = 200_000
"""Streams followed at a time; packets of more are counted as not followed."""

SPACE: Final = 4
"""Buckets a stream: in a chain of several, the streams before the one that is looked for must be fetched too."""

WAITING: Final = 32
"""RTP packets that are decoded before they are counted, see `PacketLoop.count`."""

USUAL_BIN: Final = 20
"""A bin of the delays' histogram beside which most packets are counted: 1.5 ms."""

RTP_HEADER: Final = 12
PLAIN: Final = 14 + 20 + 8 + RTP_HEADER
"""Octets of Ethernet, IPv4, UDP and RTP headers that are as short as they may be."""

VXLAN_PORT: Final = 4789
CONNECTION_FLAGS: Final = 7
"""FIN, SYN and RST of TCP."""


@final
class Packet(Frame):
    """A decoded packet, and when it is RTP whose it is."""

    def __init__(self, addresses: Addresses, fragments: Fragments) -> None:
        Frame.__init__(self, addresses, fragments)
        self.ssrc: i64 = 0
        self.ports: i64 = 0
        """Source port in the upper 16 bits, destination port in the lower."""
        self.head: i64 = 0
        """RTP's first eight octets: version and flags, payload type, sequence number, timestamp."""
        self.size: i64 = 0
        """Octets of payload on the wire."""
        self.hash: i64 = 0
        self.chain: Stream | None = None
        """The first stream of its bucket, when that was looked up."""
        self.following: Packet = self
        """The next of a ring."""

    def plain(self, data: bytes, start: i64, end: i64) -> bool:
        """Decode RTP as nearly all of it comes, in a third of the time that `decode` and `is_rtp` take for it.

        Ethernet, IPv4 and UDP without tags, options, fragments or tunnels, and whole in the capture; RTP without
        padding and header extension. Four words tell it, each tested at once.

        Returns:
            False: it is something else, or may be, and the long way has to tell.
        """
        if end - start < PLAIN:
            return False
        ip = word(data, start + 12)  # Ethertype; version, header's length, service, total length, identification
        way = word(data, start + 20)  # flags and offset, time to live, protocol, checksum, half the source
        udp = word(data, start + 34)  # ports, length, checksum
        head = word(data, start + 42)
        length = udp >> 16 & 0xFFFF
        if (
            ip >> 40 != 0x080045
            or way >> 32 & 0x3FFF00FF != UDP
            or ip >> 16 & 0xFFFF != length + 20
            or length < 8 + RTP_HEADER
            or start + 34 + length > end
            or udp >> 32 & 0xFFFF == VXLAN_PORT
            or head >> 60 & 15 != 8
            or 192 <= head >> 48 & 0xFF <= 223
        ):
            return False
        pair = word(data, start + 26)
        self.data = data
        self.source = pair >> 32 & 0xFFFFFFFF
        self.destination = pair & 0xFFFFFFFF
        self.ports = udp >> 32 & 0xFFFFFFFF
        self.identification = ip & 0xFFFF
        self.start = start + 42
        self.end = start + 34 + length
        self.size = length - 8 - RTP_HEADER - ((head >> 56 & 15) << 2)
        self.head = head
        self.ssrc = u32(data, start + 50)
        return True


@final
class PacketLoop:
    """Reads records and keeps the table of streams.

    Args:
        make_stream: called for a stream's first packet with (source, destination, ports, ssrc, payload type); returns
            its state.
        take_datagram: called with each UDP datagram that is not RTP; the frame says where it stands.
        take_segment: called with each TCP segment that has payload, or that begins or ends a connection.
    """

    def __init__(
        self,
        make_stream: Callable[[int, int, int, int], Stream],
        take_datagram: Callable[[Frame], None],
        take_segment: Callable[[Frame], None],
    ) -> None:
        self.make_stream = make_stream
        self.take_datagram = take_datagram
        self.take_segment = take_segment
        self.reader: CaptureReader = CaptureReader()
        self.addresses: Addresses = Addresses()
        self.fragments: Fragments = Fragments()
        self.first: Packet = Packet(self.addresses, self.fragments)
        """From here to before `free` are RTP packets that were not counted yet."""
        self.free: Packet = self.first
        """The next record is decoded into this one."""
        for _ in range(WAITING):
            packet = Packet(self.addresses, self.fragments)
            packet.following = self.first.following
            self.first.following = packet
        self.touched: i64 = 0
        self.payload: Payload = Payload()
        self.buckets: list[Stream | None] = [None] * 1024
        self.mask: i64 = 1023
        self.streams: list[Stream] = []
        self.holes: Holes = Holes()
        self.open: i64 = 0
        self.undecoded: i64 = 0
        self.malformed: i64 = 0
        self.not_followed: i64 = 0
        self.backwards: i64 = 0
        """Records whose time is before that of the record before them."""
        self.first_us: i64 = 0
        self.last_us: i64 = 0

    def run(self, piece: bytes) -> None:
        """Take the next piece of the capture.

        Raises:
            CaptureError: it is no capture file.
        """
        reader = self.reader
        reader.feed(piece)
        while reader.next():
            time_us = reader.time_us
            if not 0 <= time_us - self.last_us <= HOLE_US:
                self.count()
                self.jump(time_us)
            self.last_us = time_us
            packet = self.free
            packet.time_us = time_us
            if reader.link == ETHERNET and packet.plain(reader.data, reader.start, reader.end):
                self.wait(packet)
                continue
            kind = packet.decode(reader.data, reader.start, reader.end, reader.link, time_us)
            if kind == UDP and self.is_rtp(packet):
                self.wait(packet)
            elif kind != HELD:
                self.count()
                self.take_other(packet, kind)
        self.count()
        self.forget()

    def wait(self, packet: Packet) -> None:
        """Let an RTP packet wait to be counted."""
        packet.hash = self.hash(packet.source, packet.destination, packet.ports, packet.ssrc)
        self.free = packet.following
        if self.free.following is self.first:
            self.count()

    def is_rtp(self, packet: Packet) -> bool:
        """Tell whether a datagram is RTP (RFC 3550 section 5.1)."""
        at = packet.start
        if packet.length < RTP_HEADER or packet.end - at < RTP_HEADER:
            return False
        head = word(packet.data, at)
        first = head >> 56 & 0xFF
        if first >> 6 != 2 or 192 <= head >> 48 & 0xFF <= 223:  # RFC 5761 section 4: those are RTCP
            return False
        packet.head = head
        packet.size = packet.length - RTP_HEADER - ((first & 15) << 2)
        if first & 0x30:  # padding or a header extension
            packet.size = self.payload_size(packet, at, first, packet.size)
        packet.ssrc = u32(packet.data, at + 8)
        packet.ports = (packet.source_port << 16) | packet.destination_port
        return True

    def take_other(self, packet: Packet, kind: i64) -> None:
        """Take what is not RTP."""
        if kind == UDP:
            self.take_datagram(packet)
        elif kind == NOT_DECODED:
            self.undecoded += 1
        elif kind == MALFORMED:
            self.malformed += 1
        elif packet.end > packet.start or packet.flags & CONNECTION_FLAGS:
            self.take_segment(packet)

    def jump(self, time_us: i64) -> None:
        """Take the first record, one before its predecessor's time, or one long after it."""
        if self.reader.records == 1:
            self.first_us = time_us
        elif time_us < self.last_us:
            self.backwards += 1
        else:
            self.holes.note(self.last_us, time_us)

    def count(self) -> None:
        """Count the RTP packets that wait, in their order.

        The state of thousands of streams is beyond the processor's nearer caches. First a field is read of every part
        of the state of all streams that wait: those reads overlap, while counting would wait for one after another.
        """
        packet = self.first
        while packet is not self.free:
            packet.chain = self.buckets[packet.hash & self.mask]
            packet = packet.following
        touched: i64 = 0
        packet = self.first
        while packet is not self.free:
            stream = packet.chain
            if stream is not None:
                touched += stream.highest + stream.interval_end_us + stream.last_timestamp + stream.earliest_us
                bins = stream.variation
                if len(bins) > USUAL_BIN:
                    touched += i64(bins[USUAL_BIN])
            packet = packet.following
        self.touched = touched  # or the compiler would leave the reads out
        packet = self.first
        while packet is not self.free:
            self.rtp(packet)
            packet = packet.following
        self.first = packet

    def forget(self) -> None:
        """Let go of the piece that was read, so that its memory is used again for the next."""
        packet = self.free
        packet.data = b""
        packet.chain = None
        packet = packet.following
        while packet is not self.free:
            packet.data = b""
            packet.chain = None
            packet = packet.following

    def rtp(self, packet: Packet) -> None:
        """Find an RTP packet's stream and let it count."""
        if packet.size < 0:
            self.malformed += 1
            return
        stream = self.find(packet, packet.chain)
        if stream is None:  # or it is new since the chain was looked up
            stream = self.find(packet, self.buckets[packet.hash & self.mask]) or self.add(packet)
            if stream is None:
                self.not_followed += 1
                return
        head = packet.head
        number = stream.receive(
            head >> 32 & 0xFFFF,
            head & 0xFFFFFFFF,
            packet.time_us,
            head >> 48 & 127,
            packet.size,
            packet.identification,
        )
        stream.until_look -= 1
        if stream.until_look < 0 <= number:
            self.look(stream, packet, packet.start, packet.size, number)

    def find(self, packet: Packet, stream: Stream | None) -> Stream | None:
        """Find a packet's stream in a chain."""
        while stream is not None:
            if (
                stream.ssrc == packet.ssrc
                and stream.ports == packet.ports
                and stream.destination == packet.destination
                and stream.source == packet.source
            ):
                return stream
            stream = stream.next
        return None

    def look(self, stream: Stream, frame: Frame, at: i64, size: i64, number: i64) -> None:
        """Hand a packet's payload, as far as it was captured, to its stream's inspector."""
        data = frame.data
        first: i64 = data[at]
        second: i64 = data[at + 1]
        start = at + RTP_HEADER + ((first & 15) << 2)
        if first & 0x10 and start + 4 <= frame.end:
            start += 4 + (u16(data, start + 2) << 2)
        payload = self.payload
        payload.data = data
        payload.end = min(start + size, frame.end)
        payload.start = min(start, payload.end)
        payload.size = size
        payload.payload_type = second & 127
        payload.number = number
        payload.timestamp = u32(data, at + 4)
        payload.marker = second >> 7
        payload.at_us = frame.time_us
        payload.timing = stream
        stream.until_look = stream.inspector.take(payload)

    def payload_size(self, frame: Frame, at: i64, first: i64, size: i64) -> i64:
        """Take a header extension and padding off the payload's length; negative when they exceed it."""
        data = frame.data
        if first & 0x10:
            extension = at + RTP_HEADER + ((first & 15) << 2)
            if extension + 4 > frame.end:
                return size if frame.end - at < frame.length else -1
            size -= 4 + (u16(data, extension + 2) << 2)
        if first & 0x20 and frame.end - at == frame.length:
            padding: i64 = data[frame.end - 1]
            size -= padding
        return size

    def hash(self, source: i64, destination: i64, ports: i64, ssrc: i64) -> i64:
        """Mix a stream's identity: the lower bits name its bucket."""
        mixed = (ssrc * 0x9E3779B1) ^ (source * 0x85EBCA6B) ^ (destination * 0xC2B2AE35) ^ (ports * 0x27D4EB2F)
        return (mixed >> 17) ^ mixed

    def slot(self, stream: Stream) -> i64:
        """Give a stream's bucket."""
        return self.hash(stream.source, stream.destination, stream.ports, stream.ssrc) & self.mask

    def add(self, packet: Packet) -> Stream | None:
        """Make a stream for a first packet; None when there are too many."""
        if self.open >= MAX_STREAMS:
            return None
        stream = self.make_stream(packet.source, packet.destination, packet.ports, packet.ssrc)
        stream.index = len(self.streams)
        self.streams.append(stream)
        self.open += 1
        if self.open * SPACE > self.mask:
            self.grow()
        self.enter(stream)
        return stream

    def enter(self, stream: Stream) -> None:
        """Put a stream into its bucket."""
        slot = self.slot(stream)
        stream.next = self.buckets[slot]
        self.buckets[slot] = stream

    def grow(self) -> None:
        """Double the table."""
        before = self.buckets
        self.mask = (self.mask << 1) | 1
        self.buckets = [None] * (self.mask + 1)
        for chain in before:
            stream = chain
            while stream is not None:
                following = stream.next
                self.enter(stream)
                stream = following

    def close(self, stream: Stream) -> None:
        """Take a stream out of the table: the next packet of this identity begins another."""
        slot = self.slot(stream)
        before: Stream | None = None
        here = self.buckets[slot]
        while here is not None:
            if here is stream:
                if before is None:
                    self.buckets[slot] = here.next
                else:
                    before.next = here.next
                here.next = None
                self.open -= 1
                return
            before = here
            here = here.next
