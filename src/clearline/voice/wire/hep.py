"""HEP, the protocol by which SIP servers and media relays send copies of what they see (HEP 3, revisions 11 to 37).

Senders differ in the order of chunks and in what they leave out; unknown chunks are passed over. Versions 1 and 2 are
read too: old Kamailio and Asterisk configurations still send them.
"""

import struct
import zlib
from dataclasses import dataclass
from ipaddress import ip_address

MAX_PAYLOAD_BYTES = 262_144
"""The longest payload or frame a compressed one may inflate to: four times what a frame can carry plainly."""

SIP, RTCP_JSON, VQ_REPORT, LOG = 1, 5, 35, 100
"""Kinds of payload that senders in the field use and Clearline reads or skips knowingly."""

_MAGIC = b"HEP3"
_GZIP = b"\x1f\x8b"
_SIZES = {
    0x01: 1, 0x02: 1, 0x03: 4, 0x04: 4, 0x05: 16, 0x06: 16, 0x07: 2, 0x08: 2, 0x09: 4, 0x0A: 4, 0x0B: 1, 0x0C: 4,
    0x12: 2, 0x20: 2, 0x21: 2,
}  # fmt: skip
"""Chunk types with a fixed length, and that length."""


class HepError(ValueError):
    """The sender's fault: bytes that are no HEP packet; the message says where and why."""


@dataclass(frozen=True, slots=True)
class HepPacket:
    """One message that a capture agent saw, and what it says about it. None: it doesn't say."""

    version: int
    kind: int
    """What the payload is, such as `SIP` or `RTCP_JSON`."""
    protocol: int | None
    """Of IP: 6 TCP, 17 UDP, 132 SCTP; Kamailio writes 22 for TLS and WebSocket, rtpengine 17 for everything."""
    source: str | None
    """Address, without port."""
    source_port: int | None
    destination: str | None
    destination_port: int | None
    at_us: int | None
    """When the agent saw it, or (Kamailio, Asterisk) sent the copy."""
    agent: int | None
    """The number the agent goes by."""
    key: bytes
    """What the agent authenticates with; empty when nothing."""
    correlation: str | None
    """Call-ID of the call it belongs to; some Asterisk set-ups send a channel's name."""
    node: str | None
    """The agent's name; group by VoIPmonitor and the specification."""
    vlan: int | None
    mos_x100: int | None
    """A score the agent claims; heplify sends steps by loss alone, which is no measurement."""
    r: int | None
    payload: bytes


def decode(data: bytes) -> HepPacket:
    """Read one packet: a datagram, or what `frame` cut out of a stream.

    Args:
        data: the packet; compressed as a whole by some heplify settings.

    Returns:
        The packet, its payload inflated.

    Raises:
        HepError: it is none, a length in it cannot be, or it inflates beyond the limit.
    """
    if data.startswith(_GZIP):
        data = _inflate(data, 31, "byte 0")
    if data.startswith(_MAGIC):
        return _version_3(data)
    if data[:1] in (b"\x01", b"\x02"):
        return _version_1_or_2(data)
    raise HepError(f"HEP byte 0: {data[:4].hex(' ')} begins no HEP packet")


def frame(buffer: bytes) -> tuple[bytes | None, bytes]:
    """Cut the first whole packet of version 3 off a stream.

    Args:
        buffer: what has arrived and was not consumed yet.

    Returns:
        The packet, or None when more must arrive; and the rest.

    Raises:
        HepError: the stream cannot be followed any more.
    """
    if not _MAGIC.startswith(buffer[:4]) or (len(buffer) >= 6 and int.from_bytes(buffer[4:6]) < 6):
        raise HepError(f"HEP byte 0: {buffer[:6].hex(' ')} begins no HEP packet")
    total = int.from_bytes(buffer[4:6]) if len(buffer) >= 6 else 6
    if len(buffer) < total or len(buffer) < 6:
        return None, buffer
    return buffer[:total], buffer[total:]


def _version_3(data: bytes) -> HepPacket:
    total = int.from_bytes(data[4:6])
    if not 6 <= total <= len(data):
        raise HepError(f"HEP byte 4: {total} bytes are announced, {len(data)} are there")
    chunks = _chunks(data[:total])
    number = {kind: int.from_bytes(value) for kind, value in chunks.items() if kind in _SIZES}
    payload = chunks.get(0x0F, b"")
    if 0x10 in chunks:
        payload = _inflate(chunks[0x10], 15, "chunk 0x10")
    return HepPacket(
        version=3,
        kind=number.get(0x0B, 0),
        protocol=number.get(0x02),
        source=_address(chunks, 0x03, 0x05),
        source_port=number.get(0x07),
        destination=_address(chunks, 0x04, 0x06),
        destination_port=number.get(0x08),
        at_us=number[0x09] * 1_000_000 + number.get(0x0A, 0) if 0x09 in number else None,
        agent=number.get(0x0C),
        key=chunks.get(0x0E, b""),
        correlation=_text(chunks.get(0x11)),
        node=_text(chunks.get(0x13)),
        vlan=number.get(0x12),
        mos_x100=number.get(0x20),
        r=number.get(0x21),
        payload=payload,
    )


def _chunks(data: bytes) -> dict[int, bytes]:
    """Cut the chunks apart: type → content, of those that are no vendor's own; the first of a type counts."""
    chunks: dict[int, bytes] = {}
    at = 6
    while at < len(data):
        if len(data) - at < 6:
            raise HepError(f"HEP byte {at}: {len(data) - at} bytes are too few for a chunk")
        vendor, kind, size = struct.unpack_from("!HHH", data, at)
        if size < 6 or at + size > len(data):
            raise HepError(f"HEP byte {at}: chunk {kind:#04x} announces {size} bytes, {len(data) - at} are there")
        value = data[at + 6 : at + size]
        if vendor == 0 and len(value) != _SIZES.get(kind, len(value)):
            raise HepError(f"HEP byte {at}: chunk {kind:#04x} has {len(value)} bytes of content, not {_SIZES[kind]}")
        if vendor == 0:
            chunks.setdefault(kind, value)
        at += size
    return chunks


def _address(chunks: dict[int, bytes], version_4: int, version_6: int) -> str | None:
    packed = chunks.get(version_4) or chunks.get(version_6)
    return None if packed is None else str(ip_address(packed))


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.rstrip(b"\0").decode("utf-8", "replace")


def _inflate(data: bytes, window: int, where: str) -> bytes:
    """Inflate zlib (window 15) or gzip (31) up to the limit."""
    inflater = zlib.decompressobj(wbits=window)
    try:
        plain = inflater.decompress(data, MAX_PAYLOAD_BYTES)
    except zlib.error as error:
        raise HepError(f"HEP {where}: the compressed part is damaged ({error})") from None
    if not inflater.eof:
        raise HepError(f"HEP {where}: the compressed part is cut off, or longer than {MAX_PAYLOAD_BYTES} bytes")
    return plain


def _version_1_or_2(data: bytes) -> HepPacket:
    """Read the fixed header of the old versions: addresses of 4 or 16 octets, and in version 2 the time and agent."""
    if len(data) < 8:
        raise HepError(f"HEP byte 0: {len(data)} bytes are too few for version {data[0]}")
    version, size, family, protocol, source_port, destination_port = struct.unpack_from("!BBBBHH", data)
    width = 4 if family == 2 else 16
    if size > len(data) or size < 8 + 2 * width + (10 if version == 2 else 0):
        raise HepError(f"HEP byte 1: a header of {size} bytes cannot hold family {family} in version {version}")
    at_us, agent = _time_and_agent(data, 8 + 2 * width) if version == 2 else (None, None)
    return HepPacket(
        version=version,
        kind=SIP,
        protocol=protocol,
        source=str(ip_address(data[8 : 8 + width])),
        source_port=source_port,
        destination=str(ip_address(data[8 + width : 8 + 2 * width])),
        destination_port=destination_port,
        at_us=at_us,
        agent=agent,
        key=b"",
        correlation=None,
        node=None,
        vlan=None,
        mos_x100=None,
        r=None,
        payload=data[size:],
    )


def _time_and_agent(data: bytes, at: int) -> tuple[int, int]:
    """Read version 2's time in the order in which its microseconds are fewer than a million; Kamailio's comes first."""
    seconds, fraction, agent = struct.unpack_from("<IIH", data, at)
    if fraction >= 1_000_000:
        seconds, fraction, agent = struct.unpack_from(">IIH", data, at)
    return seconds * 1_000_000 + fraction, agent
