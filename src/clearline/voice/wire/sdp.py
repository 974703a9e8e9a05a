"""Session descriptions: which endpoint receives which payload types (RFC 8866, used as in RFC 3264)."""

import sys
from dataclasses import dataclass, field

from clearline.voice.wire.rtp import STATIC

MAX_LINES = 2000
"""Lines of one description that are read: a video conference with many candidates has some hundreds."""

DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")

MAX_MEDIA = 64
"""Media sections of one description."""

MAX_CANDIDATES = 64
"""Transport candidates of one section that are kept."""


@dataclass(frozen=True, slots=True)
class Format:
    """One payload type of a media section."""

    encoding: str
    """As in `a=rtpmap`, or of RFC 3551's table; "" when neither names it."""
    clock: int
    """Hz; 0 when not known."""
    parameters: str
    """Of its `a=fmtp` line."""


@dataclass(slots=True)
class Media:
    """One `m=` section, with what it inherits from the session."""

    kind: str
    """audio, video, image, application …"""
    port: int
    protocol: str
    address: str
    """Where its sender wants to receive; "" when no connection line said so."""
    direction: str = "sendrecv"
    """sendrecv, sendonly, recvonly or inactive: as its sender sees it."""
    formats: dict[int, Format] = field(default_factory=dict)
    rtcp_port: int = 0
    """Where its RTCP goes: the next port, what `a=rtcp` says (RFC 3605), or the same (RFC 5761)."""
    packet_ms: int = 0
    """`a=ptime`; 0 when not given."""
    mid: str = ""
    candidates: list[tuple[str, int]] = field(default_factory=list)
    """Addresses and ports that media may be sent to instead (RFC 8839): UDP, component 1, no names."""
    ssrcs: list[int] = field(default_factory=list)
    bundles: list[list[str]] = field(default_factory=list)
    """Of the session's attributes."""

    @property
    def secure(self) -> bool:
        """Whether payloads are encrypted (SDES, RFC 4568, or DTLS-SRTP, RFC 5764); headers are in clear."""
        return "SAVP" in self.protocol.upper()

    @property
    def fax(self) -> bool:
        """Whether this is T.38 over UDPTL: no RTP."""
        return self.kind == "image" and "udptl" in self.protocol.lower()


@dataclass(frozen=True, slots=True)
class Description:
    """A whole session description."""

    media: list[Media]
    origin: str
    """The `o=` line's value: the same for one session wherever it passes."""
    bundles: list[list[str]]
    """Groups of `a=mid` names that share one transport (RFC 9143)."""


def parse(text: str) -> Description:
    """Read a session description, passing over lines that cannot be read.

    Args:
        text: the description.
    """
    session = Media("", 0, "", "")
    media: list[Media] = []
    origin = ""
    for line in text.splitlines()[:MAX_LINES]:
        kind, equals, value = line.strip().partition("=")
        if not equals:
            continue
        if kind == "m":
            if len(media) == MAX_MEDIA:
                break
            media.append(_media(value, session))
        elif kind == "c":
            words = value.split()
            (media[-1] if media else session).address = words[2].partition("/")[0] if len(words) >= 3 else ""
        elif kind == "a":
            name, _, detail = value.partition(":")
            _attribute(media[-1] if media else session, name, detail.strip())
        elif kind == "o":
            origin = value
    return Description([section for section in media if section.protocol], origin, session.bundles)


def _media(value: str, session: Media) -> Media:
    """Read an `m=` line; one that cannot be read yields a section without a protocol."""
    words = value.split()
    port = words[1].partition("/")[0] if len(words) >= 3 else ""
    if not port.isdecimal() or int(port[:6]) > 65_535:
        return Media("", 0, "", "")
    media = Media(sys.intern(words[0]), int(port), sys.intern(words[2]), session.address, session.direction)
    media.rtcp_port = media.port + 1
    if "RTP/" in media.protocol.upper():
        for word in words[3:]:
            if word.isdecimal() and len(word) <= 3 and int(word) < 128:
                encoding, clock = STATIC.get(int(word), ("", 0))
                media.formats[int(word)] = Format(encoding, clock, "")
    return media


def _attribute(media: Media, name: str, detail: str) -> None:
    """Read an attribute of a media section or of the session."""
    if name in DIRECTIONS:
        media.direction = name
    elif name == "mid":
        media.mid = detail
    elif name == "rtcp-mux":
        media.rtcp_port = media.port
    elif name == "candidate":
        _candidate(media, detail.split())
    elif name == "group" and detail.startswith("BUNDLE"):
        media.bundles.append(detail.split()[1:])
    else:
        _number_attribute(media, name, detail)


def _candidate(media: Media, words: list[str]) -> None:
    """Read foundation, component, transport, priority, address and port of a candidate (RFC 8839 section 5.1)."""
    if len(words) < 6 or words[1] != "1" or words[2].lower() != "udp" or len(media.candidates) == MAX_CANDIDATES:
        return
    address, port = words[4].lower(), words[5]
    if port.isdecimal() and 0 < int(port[:6]) < 65_536 and not address.endswith(".local"):
        media.candidates.append((address, int(port)))


def _number_attribute(media: Media, name: str, detail: str) -> None:
    """Read an attribute that begins with a number."""
    first, _, rest = detail.partition(" ")
    number = int(first) if first.isdecimal() and len(first) <= 10 else -1
    if name == "rtpmap" and number >= 0:
        encoding, _, more = rest.strip().partition("/")
        clock = more.partition("/")[0]
        rate = int(clock) if clock.isdecimal() and len(clock) <= 6 else 0
        before = media.formats.get(number)
        media.formats[number] = Format(encoding, rate, before.parameters if before else "")
    elif name == "fmtp" and number in media.formats:
        before = media.formats[number]
        media.formats[number] = Format(before.encoding, before.clock, rest.strip())
    elif name == "rtcp" and 0 < number < 65_536:
        media.rtcp_port = number
    elif name == "ptime" and 0 < number <= 1000:
        media.packet_ms = number
    elif name == "ssrc" and number >= 0 and number not in media.ssrcs:
        media.ssrcs.append(number)
