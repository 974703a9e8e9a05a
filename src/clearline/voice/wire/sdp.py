"""Session descriptions: which endpoint receives which payload types (RFC 8866, used as in RFC 3264)."""

import sys
from functools import lru_cache
from typing import Final, final

from clearline.voice.formats import MAX_SHARED, MAX_SHARED_LENGTH, NO_FORMATS, Format, Formats
from clearline.voice.wire.rtp import STATIC

MAX_LINES: Final = 2000
"""Lines of one description that are read: a video conference with many candidates has some hundreds."""

DIRECTIONS: Final = ("sendrecv", "sendonly", "recvonly", "inactive")

MAX_MEDIA: Final = 64
"""Media sections of one description."""

PAYLOAD_TYPES: Final = 128

MAX_CANDIDATES: Final = 64
"""Transport candidates of one section that are kept."""


@final
class Media:
    """One `m=` section, with what it inherits from the session."""

    def __init__(self, kind: str, port: int, protocol: str, address: str, direction: str) -> None:
        self.kind = kind
        """audio, video, image, application …"""
        self.port = port
        self.protocol = protocol
        """"" for a section that could not be read."""
        self.address = address
        """Where its sender wants to receive; "" when no connection line said so."""
        self.direction = direction
        """sendrecv, sendonly, recvonly or inactive: as its sender sees it."""
        self.formats = NO_FORMATS
        """What its payload types are; sections that describe the same share one value."""
        self.mid = ""
        self.candidates: tuple[tuple[str, int], ...] = ()
        """Addresses and ports that media may be sent to instead (RFC 8839): UDP, component 1, no names."""

    @property
    def fax(self) -> bool:
        """Whether this is T.38 over UDPTL: no RTP."""
        return self.kind == "image" and "udptl" in self.protocol.lower()


@final
class Description:
    """A whole session description."""

    def __init__(self, media: list[Media], bundles: list[list[str]]) -> None:
        self.media = media
        self.bundles = bundles
        """Groups of `a=mid` names that share one transport (RFC 9143)."""


def parse(text: str) -> Description:
    """Read a session description, passing over lines that cannot be read.

    Args:
        text: the description.
    """
    session = section = Media("", 0, "", "", "sendrecv")
    media: list[Media] = []
    bundles: list[list[str]] = []
    types: list[str] = []
    for line in text.splitlines()[:MAX_LINES]:
        kind, equals, value = line.strip().partition("=")
        if not equals:
            continue
        if kind == "a":
            name, _, detail = value.partition(":")
            if name in ("rtpmap", "fmtp"):
                types.append(value)
            elif name == "group" and detail.startswith("BUNDLE"):
                bundles.append(detail.split()[1:])
            else:
                _attribute(section, name, detail.strip())
        elif kind == "c":
            words = value.split()
            section.address = words[2].partition("/")[0] if len(words) >= 3 else ""
        elif kind == "m":
            if len(media) == MAX_MEDIA:
                break
            section.formats = _formats_of(types)
            section, types = _media(value, session)
            media.append(section)
    section.formats = _formats_of(types)
    return Description([section for section in media if section.protocol], bundles)


def _media(value: str, session: Media) -> tuple[Media, list[str]]:
    """Read an `m=` line into its section, without a protocol when it cannot be read, and what names its formats."""
    words = value.split()
    port = words[1].partition("/")[0] if len(words) >= 3 else ""
    if not port.isdecimal() or int(port[:6]) > 65_535:
        return Media("", 0, "", "", ""), []
    media = Media(sys.intern(words[0]), int(port), sys.intern(words[2]), session.address, session.direction)
    return media, [" ".join(words[2:])]


def _attribute(media: Media, name: str, detail: str) -> None:
    """Read an attribute of a media section or of the session."""
    if name in DIRECTIONS:
        media.direction = sys.intern(name)
    elif name == "mid":
        media.mid = detail
    elif name == "candidate":
        _candidate(media, detail.split())


def _candidate(media: Media, words: list[str]) -> None:
    """Read foundation, component, transport, priority, address and port of a candidate (RFC 8839 section 5.1)."""
    if len(words) < 6 or words[1] != "1" or words[2].lower() != "udp" or len(media.candidates) == MAX_CANDIDATES:
        return
    address, port = words[4].lower(), words[5]
    if port.isdecimal() and 0 < int(port[:6]) < 65_536 and not address.endswith(".local"):
        media.candidates += ((address, int(port)),)


def _formats_of(lines: list[str]) -> Formats:
    """Give the formats that a section names: the end of its `m=` line, then its `rtpmap` and `fmtp` attributes."""
    text = "\n".join(lines)
    return _shared_formats(text) if len(text) <= MAX_SHARED_LENGTH else _formats(text)


def _formats(text: str) -> Formats:
    lines = text.split("\n")
    words = lines[0].split()
    protocol = words[0].upper() if words else ""
    formats: dict[int, Format] = {}
    if "RTP/" in protocol:
        for word in words[1:]:
            if word.isdecimal() and len(word) <= 3 and int(word) < PAYLOAD_TYPES:
                encoding, clock = STATIC.get(int(word), ("", 0))
                formats[int(word)] = Format(encoding, clock, "")
    for line in lines[1:]:
        name, _, detail = line.partition(":")
        first, _, rest = detail.strip().partition(" ")
        number = int(first) if first.isdecimal() and len(first) <= 3 else -1
        before = formats.get(number)
        if name == "rtpmap" and 0 <= number < PAYLOAD_TYPES:
            encoding, _, more = rest.strip().partition("/")
            rate = more.partition("/")[0]
            clock = int(rate) if rate.isdecimal() and len(rate) <= 6 else 0
            formats[number] = Format(encoding, clock, before.parameters if before else "")
        elif name == "fmtp" and before is not None:
            formats[number] = Format(before.encoding, before.clock, rest.strip())
    return Formats(formats.items(), secure="SAVP" in protocol)


_shared_formats = lru_cache(maxsize=MAX_SHARED)(_formats)
