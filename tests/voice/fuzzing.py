"""What hostile bytes are given to: one function a target, which raises when a promise is broken.

`tools/fuzz` runs them under a fuzzer; test_hostile_captures.py over the seeds and over seeded damage.
"""

import contextlib
import json
import struct
from collections.abc import Callable

from tests.voice import captures, media

from clearline.voice.analysis import Analysis, CaptureError, analyze
from clearline.voice.report import report
from clearline.voice.wire import hep, rtcp, rtcp_json, sdp, sip, vq_report, websocket, xr

_EVENTS = "a=rtpmap:101 telephone-event/8000"

PAYLOADS = (
    ("audio", ("a=rtpmap:96 red/8000", "a=fmtp:96 0/0", "a=rtpmap:97 L16/16000", _EVENTS)),
    ("audio", ("a=rtpmap:96 opus/48000/2", "a=rtpmap:97 red/48000", "a=fmtp:97 96/96", _EVENTS)),
    ("audio", ("a=rtpmap:96 G722/8000", "a=rtpmap:97 PCMA/8000", _EVENTS)),
    *(
        ("video", (f"a=rtpmap:96 {name}/90000", "a=rtpmap:97 red/90000", _EVENTS))
        for name in ("H264", "H265", "VP8", "VP9", "AV1", "H263")
    ),
)
"""Kind and formats of a stream whose payloads are looked into."""

MAX_PAYLOADS = 300

LINKS = (1, 113, 276, 101, 0)
"""Ethernet, Linux cooked v1 and v2, raw IP, loopback."""


def capture(data: bytes) -> None:
    """Analyse a capture file."""
    with contextlib.suppress(CaptureError):
        check(analyze([data], "fuzz.pcap"))


def capture_in_pieces(data: bytes) -> None:
    """Analyse a file that arrives in small pieces: the analysis must be that of the whole."""
    pieces = [data[at : at + 7] for at in range(0, len(data), 7)]
    outcomes = []
    for chunks in ([data], pieces):
        try:
            outcomes.append(analyze(chunks, "fuzz.pcap").to_json())
        except CaptureError:
            outcomes.append({})
    assert outcomes[0] == outcomes[1]


def frames(data: bytes) -> None:
    """Analyse packets: a link type, then packets of two octets of length and their content."""
    link = LINKS[data[0] % len(LINKS)] if data else 1
    records = []
    at = 1
    while at + 2 <= len(data):
        size = int.from_bytes(data[at : at + 2])
        records.append((20_000 * len(records), data[at + 2 : at + 2 + size]))
        at += 2 + size
    check(analyze([captures.pcap(records, link=link)], "fuzz.pcap"))


def payloads(data: bytes) -> None:
    """Analyse streams of any payloads: what formats are described, then packets of two octets of length and content.

    The first octet chooses the formats, each packet's first whether it is marked, lost or a new frame.
    """
    kind, lines = PAYLOADS[data[0] % len(PAYLOADS)] if data else PAYLOADS[0]
    records = media.announced("96 97 101 0", lines, kind=kind, ends_us=10_000_000)
    at, sequence, timestamp = 1, 0, 0
    while at + 3 <= len(data) and sequence < MAX_PAYLOADS:
        size, steering = int.from_bytes(data[at : at + 2]) & 0x7FF, data[at + 2]
        sequence += 1 + (steering >> 6 == 3)
        timestamp += (0, 160, 960, 3000)[steering & 3]
        payload_type = (96, 96, 97, 101)[steering >> 2 & 3]
        packet = captures.rtp(
            sequence,
            timestamp,
            payload_type=payload_type,
            marker=bool(steering & 16),
            payload=data[at + 3 : at + 3 + size],
        )
        frame = captures.udp(captures.ALICE_AUDIO, captures.BOB_AUDIO, packet)
        cut = len(frame) - (steering >> 5 & 1) * min(size // 2, 100)
        records.append((1_010_000 + 20_000 * sequence, frame[:cut]))
        at += 3 + size
    check(analyze([captures.pcap(captures.in_time(records))], "fuzz.pcap"))


def check(analysis: Analysis) -> None:
    """See that an analysis can be written and that its counts agree with each other."""
    json.dumps(analysis.to_json(), allow_nan=False)
    for stream in analysis.streams:
        counts = stream.counts
        assert counts.lost == max(0, counts.expected - counts.received), counts
        assert min(counts.received, counts.discarded, counts.duplicates, counts.reordered, counts.capture_lost) >= 0
        assert sum(interval.received for interval in stream.intervals) == counts.received
        assert stream.start_us <= stream.end_us
        for score in (stream.quality.mos_lq, stream.quality.mos_cq):
            assert score is None or 1 <= score <= 5
    for call in analysis.calls:
        assert all(0 <= index < len(analysis.streams) for index in call.streams)
    report(analysis).encode()


def sip_message(data: bytes) -> None:
    """Read a datagram as SIP, and what its headers say."""
    with contextlib.suppress(sip.SipError):
        message = sip.parse(data)
        for name, value in message.headers:
            for read in (sip.address, sip.uri, sip.via, sip.split_list, sip.parameters):
                with contextlib.suppress(sip.SipError):
                    read(value)
            message.values(name)
        with contextlib.suppress(sip.SipError):
            _ = message.cseq
        _ = message.call_id


def sip_stream(data: bytes) -> None:
    """Cut a stream into SIP messages: every byte is used once, and it ends."""
    _cut(data, sip.frame)


def websocket_stream(data: bytes) -> None:
    """The same of a stream of WebSocket frames, compressed ones too."""
    websocket.begins(data)
    websocket.is_compressed(data)
    _cut(data, websocket.Frames().frame)


def _cut(data: bytes, framer: Callable[[bytes], tuple[bytes | None, bytes]]) -> None:
    rest = data
    with contextlib.suppress(sip.SipError):
        while True:
            message: bytes | None = b""
            try:
                message, after = framer(rest)
            except websocket.UnreadError as unread:
                after = unread.rest
            assert message is None or len(message) <= websocket.MAX_MESSAGE_BYTES
            assert len(after) < len(rest) or message is None
            if message is None:
                return
            rest = after


def description(data: bytes) -> None:
    """Read a session description."""
    sdp.parse(data.decode("utf-8", "replace"))


def rtcp_datagram(data: bytes) -> None:
    """Read a datagram as RTCP."""
    packets, problems = rtcp.parse_compound(data)
    assert packets or problems
    for packet in packets:
        if isinstance(packet, xr.ExtendedReport):
            for block in packet.blocks:
                if isinstance(block, xr.RunLengths):
                    assert len(block.marked()) <= 65_535


def hep_packet(data: bytes) -> None:
    """Read a copy that a capture agent sent, and cut it off a stream."""
    with contextlib.suppress(hep.HepError):
        hep.decode(data)
    with contextlib.suppress(hep.HepError):
        packet, rest = hep.frame(data)
        assert (packet or b"") + rest == data


def telephone_report(data: bytes) -> None:
    """Read a telephone's report."""
    with contextlib.suppress(vq_report.VqError):
        vq_report.parse(data)


def agent_json(data: bytes) -> None:
    """Read what a capture agent wrote of RTCP."""
    with contextlib.suppress(rtcp_json.RtcpJsonError):
        rtcp_json.parse(data)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "capture": capture,
    "capture_in_pieces": capture_in_pieces,
    "frames": frames,
    "payloads": payloads,
    "sip_message": sip_message,
    "sip_stream": sip_stream,
    "websocket_stream": websocket_stream,
    "description": description,
    "rtcp_datagram": rtcp_datagram,
    "hep_packet": hep_packet,
    "agent_json": agent_json,
    "telephone_report": telephone_report,
}


def as_frames(link: int, packets: list[bytes]) -> bytes:
    """Write packets as the target `frames` reads them."""
    return bytes([LINKS.index(link)]) + b"".join(struct.pack("!H", len(packet)) + packet for packet in packets)
