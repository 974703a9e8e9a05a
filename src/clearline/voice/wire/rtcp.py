"""RTCP: what the ends of a call tell each other about it (RFC 3550 section 6, 3611, 4585, 5104, 5506, 3711).

A datagram carries several packets. Each is read for itself: one that contradicts its lengths yields a sentence that
says where and what, and takes nothing from those beside it.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from clearline.voice.wire.xr import Block, ExtendedReport, read_blocks

MAX_PACKETS = 64
"""Packets read of one datagram; compounds have two to five."""

NTP_EPOCH_S: Final = 2_208_988_800
"""Seconds from 1900, where NTP counts from, to 1970."""

MAX_SRTCP_INDEX = 1 << 20
"""A higher index of an encrypted packet isn't believed: at one a second it takes 12 days to reach."""

_SRTCP_TAGS = (10, 0, 4)
"""Octets of authentication after the index: HMAC-SHA1-80 (RFC 3711), AES-GCM (RFC 7714), and 4 as some wrongly send."""

_REPORT = struct.Struct("!IB3sIIII")
_SENDER = struct.Struct("!QIII")


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What a receiver says of one source (RFC 3550 section 6.4.1)."""

    ssrc: int
    """The source reported on."""
    fraction_lost: int
    """Share lost since the last report, in 1/256."""
    lost: int
    """Expected less received since the beginning; negative when duplicates came."""
    highest: int
    """Extended highest sequence number received."""
    jitter: int
    """In timestamp units."""
    lsr: int
    """Middle 32 bits of the NTP timestamp of the source's last report, 0 when none came."""
    dlsr: int
    """From the arrival of that to this report, in 1/65536 s."""


@dataclass(frozen=True, slots=True)
class SenderReport:
    """SR (RFC 3550 section 6.4.1)."""

    ssrc: int
    ntp: int
    """64 bits, seconds since 1900 in the upper 32; 0 when the sender has no clock."""
    rtp_timestamp: int
    packets: int
    octets: int
    reports: tuple[ReportBlock, ...]


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """RR (RFC 3550 section 6.4.2)."""

    ssrc: int
    reports: tuple[ReportBlock, ...]


@dataclass(frozen=True, slots=True)
class Description:
    """What a source says of itself (RFC 3550 section 6.5): item type and text. Type 1 is the canonical name."""

    ssrc: int
    items: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """SDES (RFC 3550 section 6.5)."""

    sources: tuple[Description, ...]


@dataclass(frozen=True, slots=True)
class Goodbye:
    """BYE (RFC 3550 section 6.6)."""

    ssrcs: tuple[int, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Application:
    """APP (RFC 3550 section 6.7)."""

    ssrc: int
    subtype: int
    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Feedback:
    """RTPFB or PSFB (RFC 4585 section 6.1, RFC 5104 section 4)."""

    kind: str
    """Such as `NACK`, `PLI`, `FIR`, `REMB`; `RTPFB 31` where the format has no name."""
    sender: int
    media: int
    """The source that is meant; 0 where `targets` name them."""
    targets: tuple[int, ...]
    """Sources named in the entries of FIR, TMMBR, TMMBN, TSTR, TSTN and REMB."""
    data: bytes
    """The control information as sent."""


@dataclass(frozen=True, slots=True)
class Encrypted:
    """An SRTCP packet: all after the first SSRC is secret (RFC 3711 section 3.4)."""

    packet_type: int
    ssrc: int
    index: int


@dataclass(frozen=True, slots=True)
class OtherPacket:
    """A packet of a type that is none of the above."""

    packet_type: int
    data: bytes


Packet = (
    SenderReport
    | ReceiverReport
    | SourceDescription
    | Goodbye
    | Application
    | Feedback
    | ExtendedReport
    | Encrypted
    | OtherPacket
)

_FEEDBACK = {
    (205, 1): "NACK",
    (205, 3): "TMMBR",
    (205, 4): "TMMBN",
    (205, 5): "SR-REQ",
    (205, 6): "RAMS",
    (205, 7): "TLLEI",
    (205, 8): "ECN",
    (205, 9): "PAUSE-RESUME",
    (205, 11): "CCFB",
    (205, 15): "TRANSPORT-CC",
    (206, 1): "PLI",
    (206, 2): "SLI",
    (206, 3): "RPSI",
    (206, 4): "FIR",
    (206, 5): "TSTR",
    (206, 6): "TSTN",
    (206, 7): "VBCM",
    (206, 8): "PSLEI",
    (206, 9): "ROI",
    (206, 10): "LRR",
    (206, 15): "AFB",
}
"""Packet type and format → name, by IANA's registry of feedback message types; 205/15 is WebRTC's draft."""

_TARGETED = {"TMMBR", "TMMBN", "FIR", "TSTR", "TSTN"}
"""Feedback whose entries are of 8 octets and begin with a source."""


@dataclass(frozen=True, slots=True)
class _Part:
    """One packet of a datagram, its header read."""

    at: int
    """Where its header begins."""
    count: int
    """The five bits that count reports, sources, or name the format."""
    packet_type: int
    body: bytes
    """What follows the header, without padding."""


class _RtcpError(ValueError):
    """A packet that cannot be read at all."""


def parse_compound(data: bytes) -> tuple[tuple[Packet, ...], tuple[str, ...]]:
    """Read a datagram's RTCP packets.

    Packets may come in any order and number (RFC 5506). An encrypted datagram is told by what follows its packets, and
    yields one `Encrypted`.

    Args:
        data: the UDP payload.

    Returns:
        The packets that could be read, in order, and a sentence for each thing that could not, with its place.
    """
    parts, problem = _split(data)
    if problem and parts:
        encrypted = _encrypted(data)
        if encrypted is not None:
            return (encrypted,), ()
    packets: list[Packet] = []
    problems: list[str] = []
    for part in parts:
        try:
            packets.append(_READERS.get(part.packet_type, _other)(part, problems))
        except _RtcpError as error:
            problems.append(str(error))
    return tuple(packets), (*problems, *([problem] if problem else []))


def _split(data: bytes) -> tuple[list[_Part], str]:
    """Cut a datagram into packets, and say what stopped that before the end."""
    parts: list[_Part] = []
    at = 0
    while at < len(data):
        if len(parts) == MAX_PACKETS:
            return parts, f"RTCP byte {at}: more than {MAX_PACKETS} packets in one datagram"
        if len(data) - at < 4 or data[at] >> 6 != 2 or not 192 <= data[at + 1] <= 223:  # RFC 5761 section 4
            return parts, f"RTCP byte {at}: {data[at : at + 4].hex(' ')} begins no RTCP packet"
        end = at + 4 + 4 * int.from_bytes(data[at + 2 : at + 4])
        if end > len(data):
            return parts, f"RTCP byte {at}: a packet of {end - at} bytes is announced, {len(data) - at} are there"
        body = data[at + 4 : end]
        if data[at] & 0x20:
            if not body or not 0 < body[-1] <= len(body):
                return parts, f"RTCP byte {at}: the padding does not fit into the packet"
            body = body[: -body[-1]]
        parts.append(_Part(at, data[at] & 31, data[at + 1], body))
        at = end
    return parts, "" if data else "RTCP byte 0: the datagram is empty"


def _encrypted(data: bytes) -> Encrypted | None:
    """Recognise SRTCP by its trailer: the E flag and a low index, where the authentication tag would put them.

    The lengths in clear are the plain packet's, so a trailer is left over (AES-CM), or the next header is a cipher's
    noise. Plain data passes for this once in some thousand damaged datagrams.
    """
    for tag in _SRTCP_TAGS:
        end = len(data) - tag - 4
        if end < 8 or end % 4 or 4 + 4 * int.from_bytes(data[2:4]) > end:
            continue
        word = int.from_bytes(data[end : end + 4])
        if word >> 31 and word & 0x7FFFFFFF < MAX_SRTCP_INDEX:
            return Encrypted(data[1], int.from_bytes(data[4:8]), word & 0x7FFFFFFF)
    return None


def _words(part: _Part, count: int, name: str) -> tuple[int, ...]:
    """Take 32-bit numbers from the beginning of a packet's body."""
    if len(part.body) < 4 * count:
        raise _RtcpError(f"RTCP byte {part.at}: {name} has only {len(part.body)} bytes after its header")
    return struct.unpack_from(f"!{count}I", part.body)


def _sender_report(part: _Part, problems: list[str]) -> SenderReport:
    (ssrc, *_) = _words(part, 6, "a sender report")
    ntp, rtp_timestamp, packets, octets = _SENDER.unpack_from(part.body, 4)
    return SenderReport(ssrc, ntp, rtp_timestamp, packets, octets, _reports(part, 24, problems))


def _receiver_report(part: _Part, problems: list[str]) -> ReceiverReport:
    (ssrc,) = _words(part, 1, "a receiver report")
    return ReceiverReport(ssrc, _reports(part, 4, problems))


def _reports(part: _Part, start: int, problems: list[str]) -> tuple[ReportBlock, ...]:
    room = (len(part.body) - start) // _REPORT.size
    if room < part.count:
        problems.append(f"RTCP byte {part.at}: {part.count} report blocks are announced, {room} are there")
    reports = []
    for at in range(start, start + _REPORT.size * min(room, part.count), _REPORT.size):
        ssrc, fraction, lost, highest, jitter, lsr, dlsr = _REPORT.unpack_from(part.body, at)
        reports.append(ReportBlock(ssrc, fraction, int.from_bytes(lost, signed=True), highest, jitter, lsr, dlsr))
    return tuple(reports)


def _source_description(part: _Part, problems: list[str]) -> SourceDescription:
    sources: list[Description] = []
    at = 0
    for _ in range(part.count):
        if len(part.body) - at < 4:
            problems.append(f"RTCP byte {part.at}: {part.count} sources are described, {len(sources)} are there")
            break
        ssrc = int.from_bytes(part.body[at : at + 4])
        items, at = _items(part, at + 4, problems)
        sources.append(Description(ssrc, items))
    return SourceDescription(tuple(sources))


def _items(part: _Part, at: int, problems: list[str]) -> tuple[tuple[tuple[int, str], ...], int]:
    """Read the items of one source; return them and where the next source begins."""
    body = part.body
    items: list[tuple[int, str]] = []
    while at < len(body) and body[at]:
        text = body[at + 2 : at + 2 + body[at + 1]] if at + 1 < len(body) else b""
        if at + 2 > len(body) or len(text) < body[at + 1]:
            problems.append(f"RTCP byte {part.at + 4 + at}: a description's item runs over the end of its packet")
            return tuple(items), len(body)
        items.append((body[at], text.decode("utf-8", "replace")))
        at += 2 + len(text)
    return tuple(items), (at | 3) + 1  # at least one null octet, then up to the next word


def _goodbye(part: _Part, problems: list[str]) -> Goodbye:
    ssrcs = _words(part, part.count, "a goodbye")
    rest = part.body[4 * part.count :]
    reason = rest[1 : 1 + rest[0]] if rest else b""
    if rest and len(reason) < rest[0]:
        problems.append(f"RTCP byte {part.at}: the reason of a goodbye is cut off")
    return Goodbye(ssrcs, reason.decode("utf-8", "replace"))


def _application(part: _Part, _: list[str]) -> Application:
    (ssrc, _name) = _words(part, 2, "an application packet")
    return Application(ssrc, part.count, part.body[4:8].decode("ascii", "replace"), part.body[8:])


def _feedback(part: _Part, _: list[str]) -> Feedback:
    sender, media = _words(part, 2, "a feedback packet")
    data = part.body[8:]
    kind = _FEEDBACK.get((part.packet_type, part.count))
    if kind is None:
        kind = f"{'RTPFB' if part.packet_type == 205 else 'PSFB'} {part.count}"
    if kind == "AFB" and data.startswith(b"REMB"):  # draft-alvestrand-rmcat-remb
        kind = "REMB"
    return Feedback(kind, sender, media, _targets(kind, data), data)


def _targets(kind: str, data: bytes) -> tuple[int, ...]:
    if kind in _TARGETED:
        return tuple(word for (word,) in struct.iter_unpack("!I4x", data[: len(data) & ~7]))
    if kind == "REMB" and len(data) >= 8:
        count = min(data[4], (len(data) - 8) // 4)
        return struct.unpack_from(f"!{count}I", data, 8)
    return ()


def _extended_report(part: _Part, problems: list[str]) -> ExtendedReport:
    (ssrc,) = _words(part, 1, "an extended report")
    blocks: tuple[Block, ...]
    blocks, wrong = read_blocks(part.body[4:])
    problems.extend(f"RTCP byte {part.at + 8 + at}: {phrase}" for at, phrase in wrong)
    return ExtendedReport(ssrc, blocks)


def _other(part: _Part, _: list[str]) -> OtherPacket:
    return OtherPacket(part.packet_type, part.body)


_READERS: dict[int, Callable[[_Part, list[str]], Packet]] = {
    200: _sender_report,
    201: _receiver_report,
    202: _source_description,
    203: _goodbye,
    204: _application,
    205: _feedback,
    206: _feedback,
    207: _extended_report,
}


def ntp_middle(at_us: int) -> int:
    """Return the middle 32 bits of the NTP timestamp of a moment: 1/65536 s, modulo 18.2 hours.

    Args:
        at_us: microseconds since 1970.
    """
    seconds, rest_us = divmod(at_us, 1_000_000)
    return ((NTP_EPOCH_S + seconds << 16) + (rest_us * 65_536 + 500_000) // 1_000_000) & 0xFFFFFFFF


def round_trip_us(arrival: int, lsr: int, dlsr: int) -> int | None:
    """Return the round trip between two points of a path (RFC 3550 section 6.4.1; RFC 3611 section 4.5 for DLRR).

    `arrival` and `lsr` must be of one clock. A sender reads its own; an observer takes, in place of the reported LSR,
    `ntp_middle` of the moment at which the sender report with that LSR passed it, and gets the round trip from there.

    Args:
        arrival: when the report block came, middle 32 bits of NTP.
        lsr: the report's LSR, 0 when no sender report had come.
        dlsr: the report's DLSR.

    Returns:
        Microseconds, rounded half up; None when no report had come, or when the delay would be negative, because the
        clocks are not one or the other end reckons wrongly.
    """
    delay = (arrival - lsr - dlsr) & 0xFFFFFFFF
    if lsr == 0 or delay >= 0x80000000:
        return None
    return (delay * 1_000_000 + 32_768) >> 16
