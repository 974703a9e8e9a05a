"""One capture being read: the packet loop, and who is told of what it does not count itself."""

from clearline.voice.call import Medium
from clearline.voice.calls import CallBook
from clearline.voice.formats import Format, Formats
from clearline.voice.packets import PacketLoop
from clearline.voice.playout import PlayoutBuffer
from clearline.voice.reports import ReportBook
from clearline.voice.streams import Stream
from clearline.voice.wire import rtcp, sip
from clearline.voice.wire.ethernet import Frame
from clearline.voice.wire.rtp import STATIC
from clearline.voice.wire.tcp import Connections

STUN_COOKIE = b"\x21\x12\xa4\x42"
"""Octets 4 to 8 of a STUN message (RFC 8489 section 5)."""


class Session:
    """Reads one capture, piece by piece.

    Args:
        buffer: the de-jitter buffer that the streams are played through.
    """

    def __init__(self, buffer: PlayoutBuffer) -> None:
        self.buffer = buffer
        self.loop = PacketLoop(self.make_stream, self.take_datagram, self.take_segment)
        self.addresses = self.loop.addresses
        self.book = CallBook(self.addresses)
        self.reports = ReportBook()
        self.connections = Connections()
        self.owners: list[Medium | None] = []
        """By the stream's index: the endpoint it is sent to, or from."""
        self.sent_from: list[bool] = []
        """By the stream's index: whether the owner was found by the stream's source."""
        self.undescribed: list[Stream] = []
        """Streams that no description of where they are sent to was known of, since the last description."""
        self.waiting: dict[int, list[Stream]] = {}
        """Endpoint → those of them that began before, and are sent to it or from it."""
        self.static = Formats((number, Format(*known, "")) for number, known in STATIC.items())
        self.malformed = 0
        self.undecoded = 0

    def run(self, piece: bytes) -> None:
        """Take the next piece of the capture.

        Raises:
            CaptureError: it is no capture file.
        """
        self.loop.run(piece)

    def finish(self) -> str:
        """Take what of the last piece waited for more; say what is wrong with the capture's end, "" when nothing.

        Raises:
            CaptureError: it is no capture file.
        """
        self.loop.reader.close()
        self.loop.run(b"")
        for (source, destination, source_port, destination_port), at_us, message in self.connections.finish():
            self.take_sip(message, source << 16 | source_port, destination << 16 | destination_port, at_us)
        return self.loop.reader.finish()

    def forget(self) -> None:
        """Let go of what was noted of calls and streams, once it is in the results."""
        self.book.calls.clear()
        self.book.media.clear()
        self.reports.far_ends.clear()
        self.owners.clear()
        self.undescribed.clear()
        self.waiting.clear()

    def make_stream(self, source: int, destination: int, ports: int, ssrc: int) -> Stream:
        """Make the state of a stream that begins, knowing what the session descriptions say of its endpoints."""
        medium, sent_from = self.find_medium(source, destination, ports)
        formats = self.static if medium is None else medium.formats
        stream = Stream(
            source, destination, ports, ssrc, formats, self.loop.holes, self.buffer.low_us, self.buffer.high_us
        )
        self.owners.append(medium)
        self.sent_from.append(sent_from)
        if medium is not None:
            medium.streams[len(self.owners) - 1] = stream
        if medium is None or sent_from:
            self.undescribed.append(stream)
        return stream

    def describe_streams(self) -> None:
        """Let streams that began before their description know it: early media, or messages captured late.

        One that was found by its source gets the endpoint it is sent to, if the same call describes that.
        """
        for stream in self.undescribed:
            for endpoint in _ends(stream):
                self.waiting.setdefault(endpoint, []).append(stream)
        self.undescribed.clear()
        for endpoint in self.book.described:
            for stream in self.waiting.pop(endpoint, []):
                owner = self.owners[stream.index]
                medium, sent_from = self.find_medium(stream.source, stream.destination, stream.ports)
                if medium is None or not _may_move(stream, owner, medium):
                    continue
                if owner is not None:
                    del owner.streams[stream.index]
                self.owners[stream.index], self.sent_from[stream.index] = medium, sent_from
                medium.streams[stream.index] = stream
                stream.describe(medium.formats)
        self.book.described.clear()

    def find_medium(self, source: int, destination: int, ports: int) -> tuple[Medium | None, bool]:
        """Find the endpoint a stream is sent to; failing that (address translation) the one it is sent from."""
        media = self.book.media
        if not media:
            return None, False
        medium = media.get(destination << 16 | ports & 0xFFFF)
        if medium is not None:
            return medium, False
        medium = media.get(source << 16 | ports >> 16)
        return medium, medium is not None

    def take_datagram(self, frame: Frame) -> None:
        """Take a UDP datagram that is not RTP."""
        data = frame.data[frame.start : frame.end]
        first = data[0] if data else 0
        if 0x41 <= first <= 0x7A or first in (0x0D, 0x0A):
            if sip.begins(data):
                self.take_sip(data, *_endpoints(frame), frame.time_us)
            elif data.strip(b"\r\n\x00"):  # else it keeps a binding alive
                self.undecoded += 1
        elif first >> 6 == 2 and len(data) >= 8:
            self.take_rtcp(data, frame)
        elif not (20 <= first <= 63 or data[4:8] == STUN_COOKIE or not data.strip(b"\x00")):  # DTLS, STUN, keep-alive
            self.undecoded += 1

    def take_rtcp(self, data: bytes, frame: Frame) -> None:
        """Take a datagram of RTCP; one that the capture cut is read as far as it goes."""
        if self.reports.take_plain(data, frame.source, frame.destination, frame.time_us):
            return
        packets, problems = rtcp.parse_compound(data)
        if problems and frame.end - frame.start == frame.length:
            self.malformed += 1
        self.reports.take(packets, frame.source, frame.destination, frame.time_us)

    def take_sip(self, data: bytes, source: int, destination: int, at_us: int) -> None:
        """Take a SIP message that one endpoint sent to another."""
        try:
            self.book.take(sip.parse(data), source, destination, at_us)
        except sip.SipError:
            self.malformed += 1
        for medium in self.book.replaced:  # another call uses the endpoint now: its packets begin new streams
            for stream in medium.streams.values():
                self.loop.close(stream)
            medium.streams.clear()
        self.book.replaced.clear()
        if self.book.described:
            self.describe_streams()

    def take_segment(self, frame: Frame) -> None:
        """Take a TCP segment."""
        key = (frame.source, frame.destination, frame.source_port, frame.destination_port)
        data = frame.data[frame.start : frame.end]
        for at_us, message in self.connections.take(key, frame.sequence, frame.flags, data, frame.time_us):
            self.take_sip(message, *_endpoints(frame), at_us)


def _may_move(stream: Stream, owner: Medium | None, medium: Medium) -> bool:
    """Tell whether an endpoint may have a stream: nobody else has it, or another endpoint of the call that goes on."""
    return owner is None or (owner.call is medium.call and stream.index in owner.streams)


def _endpoints(frame: Frame) -> tuple[int, int]:
    """Give the endpoints that a frame was sent from and to."""
    return frame.source << 16 | frame.source_port, frame.destination << 16 | frame.destination_port


def _ends(stream: Stream) -> tuple[int, int]:
    """Give the endpoints that a stream is sent to and from."""
    return stream.destination << 16 | stream.ports & 0xFFFF, stream.source << 16 | stream.ports >> 16
