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
from clearline.voice.wire.ethernet import HELD, MALFORMED, NOT_DECODED, UDP, Addresses, Frame
from clearline.voice.wire.octets import u16, u32
from clearline.voice.wire.pcap import CaptureReader

MAX_STREAMS: Final = 200_000
"""Streams followed at a time; packets of more are counted as not followed."""

RTP_HEADER: Final = 12
CONNECTION_FLAGS: Final = 7
"""FIN, SYN and RST of TCP."""


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
        self.frame: Frame = Frame(Addresses())
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
        frame = self.frame
        reader.feed(piece)
        while reader.next():
            time_us = reader.time_us
            if not 0 <= time_us - self.last_us <= HOLE_US:
                self.jump(time_us)
            self.last_us = time_us
            kind = frame.decode(reader.data, reader.start, reader.end, reader.link, time_us)
            if kind == UDP:
                at = frame.start
                if frame.length >= RTP_HEADER and frame.end - at >= RTP_HEADER:
                    first: i64 = frame.data[at]
                    second: i64 = frame.data[at + 1]
                    if first >> 6 == 2 and not 192 <= second <= 223:  # RFC 5761 section 4: those are RTCP
                        self.rtp(frame, at, first, second)
                        continue
                self.take_datagram(frame)
            elif kind == NOT_DECODED:
                self.undecoded += 1
            elif kind == MALFORMED:
                self.malformed += 1
            elif kind != HELD and (frame.end > frame.start or frame.flags & CONNECTION_FLAGS):
                self.take_segment(frame)

    def jump(self, time_us: i64) -> None:
        """Take the first record, one before its predecessor's time, or one long after it."""
        if self.reader.records == 1:
            self.first_us = time_us
        elif time_us < self.last_us:
            self.backwards += 1
        else:
            self.holes.note(self.last_us, time_us)

    def rtp(self, frame: Frame, at: i64, first: i64, second: i64) -> None:
        """Find an RTP packet's stream and let it count (RFC 3550 section 5.1)."""
        size = frame.length - RTP_HEADER - ((first & 15) << 2)
        if first & 0x30:  # padding or a header extension
            size = self.payload_size(frame, at, first, size)
        if size < 0:
            self.malformed += 1
            return
        data = frame.data
        ssrc = u32(data, at + 8)
        ports = (frame.source_port << 16) | frame.destination_port
        slot = self.slot(frame.source, frame.destination, ports, ssrc)
        stream = self.buckets[slot]
        while stream is not None:
            if (
                stream.ssrc == ssrc
                and stream.ports == ports
                and stream.destination == frame.destination
                and stream.source == frame.source
            ):
                break
            stream = stream.next
        if stream is None:
            stream = self.add(frame, ports, ssrc, slot)
            if stream is None:
                self.not_followed += 1
                return
        number = stream.receive(
            u16(data, at + 2),
            u32(data, at + 4),
            frame.time_us,
            second & 127,
            size,
            frame.identification,
        )
        stream.until_look -= 1
        if stream.until_look < 0 <= number:
            self.look(stream, frame, at, size, number)

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

    def slot(self, source: i64, destination: i64, ports: i64, ssrc: i64) -> i64:
        """Hash a stream's identity to its bucket."""
        mixed = (ssrc * 0x9E3779B1) ^ (source * 0x85EBCA6B) ^ (destination * 0xC2B2AE35) ^ (ports * 0x27D4EB2F)
        return ((mixed >> 17) ^ mixed) & self.mask

    def add(self, frame: Frame, ports: i64, ssrc: i64, slot: i64) -> Stream | None:
        """Make a stream for a first packet; None when there are too many."""
        if self.open >= MAX_STREAMS:
            return None
        stream = self.make_stream(frame.source, frame.destination, ports, ssrc)
        stream.index = len(self.streams)
        self.streams.append(stream)
        self.open += 1
        if self.open > self.mask:
            self.grow()
            slot = self.slot(stream.source, stream.destination, ports, ssrc)
        stream.next = self.buckets[slot]
        self.buckets[slot] = stream
        return stream

    def grow(self) -> None:
        """Double the table."""
        before = self.buckets
        self.mask = (self.mask << 1) | 1
        self.buckets = [None] * (self.mask + 1)
        for chain in before:
            stream = chain
            while stream is not None:
                following = stream.next
                slot = self.slot(stream.source, stream.destination, stream.ports, stream.ssrc)
                stream.next = self.buckets[slot]
                self.buckets[slot] = stream
                stream = following

    def close(self, stream: Stream) -> None:
        """Take a stream out of the table: the next packet of this identity begins another."""
        slot = self.slot(stream.source, stream.destination, stream.ports, stream.ssrc)
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
