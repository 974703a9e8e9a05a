"""A whole capture's figures."""

from dataclasses import dataclass

from clearline.voice.results.call import Call
from clearline.voice.results.stream import Stream
from clearline.voice.results.text import Json, moment


@dataclass(slots=True)
class CaptureHealth:
    """What is known of the capture's own losses and faults; none of it is charged to a call."""

    dropped: int
    """Packets the capturing side says it lost."""
    holes: int
    """Times in which nothing at all was captured and most streams lost packets together."""
    lost_in_holes: int
    missing_segments: int
    """Places in TCP connections where segments were not captured."""
    encrypted: int
    """TLS connections to the SIP port, whose messages cannot be read."""
    backwards: int
    """Records with a time before that of the record before them."""
    fragments_given_up: int
    """Datagrams of which fragments are missing."""
    not_followed: int
    """Packets of streams and calls beyond the limits."""
    end: str
    """What is wrong with the file's end; "" when nothing."""
    unread: int = 0
    """Compressed WebSocket messages that refer to what was not captured, or are too long."""

    def to_json(self) -> Json:
        """Write the findings."""
        return {
            "dropped": self.dropped,
            "holes": self.holes,
            "lost_in_holes": self.lost_in_holes,
            "missing_tcp_segments": self.missing_segments,
            "encrypted_sip_connections": self.encrypted,
            "unread_websocket_messages": self.unread,
            "time_went_backwards": self.backwards,
            "fragments_given_up": self.fragments_given_up,
            "not_followed": self.not_followed,
            "end": self.end or None,
        }


@dataclass(slots=True)
class Analysis:
    """All that a capture tells."""

    source: str
    packets: int
    undecoded: int
    """Packets that are none of SIP, RTP, RTCP, STUN and DTLS."""
    malformed: int
    """Packets and messages that contradict their own lengths or grammar."""
    first_us: int
    last_us: int
    profile: str
    """Whose impairments the scores use."""
    playout: str
    """The de-jitter buffer."""
    calls: tuple[Call, ...]
    streams: tuple[Stream, ...]
    sip: dict[str, float | int | None]
    """The measures of RFC 6076, see `sipmeasures`."""
    sip_messages: int
    rtcp_packets: int
    capture: CaptureHealth

    def to_json(self) -> Json:
        """Write the analysis."""
        return {
            "schema": "clearline/analysis/1",
            "source": self.source,
            "packets": self.packets,
            "undecoded": self.undecoded,
            "malformed": self.malformed,
            "start": moment(self.first_us) if self.packets else None,
            "end": moment(self.last_us) if self.packets else None,
            "profile": self.profile,
            "playout": self.playout,
            "sip_messages": self.sip_messages,
            "rtcp_packets": self.rtcp_packets,
            "sip": self.sip,
            "capture": self.capture.to_json(),
            "calls": [call.to_json() for call in self.calls],
            "streams": [stream.to_json() for stream in self.streams],
        }
