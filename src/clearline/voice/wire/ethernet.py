"""From a captured frame to its UDP datagram or TCP segment, through whatever lies between.

Link types (tcpdump.org/linktypes): Ethernet with VLAN, QinQ, MPLS and PPPoE; Linux cooked 1 and 2; raw IP; BSD
loopback; PPP. IPv4 and IPv6 with extension headers and fragments. Tunnels: IP in IP, GRE, ERSPAN I to III, VXLAN, up to
`MAX_DEPTH` layers.

Compiled by tools/compile; the same file runs interpreted.
"""

from ipaddress import IPv6Address
from typing import Final, final

from mypy_extensions import i64

from clearline.voice.wire.fragments import Fragments
from clearline.voice.wire.octets import u16, u32, word

MAX_DEPTH: Final = 8
"""Layers of tags and tunnels followed: deeper is a loop or an attack."""

MAX_EXTENSION_HEADERS: Final = 8
MAX_IPV6_ADDRESSES: Final = 1_000_000
"""IPv6 addresses told apart; packets of later ones are not decoded."""

ETHERNET: Final = 1
"""LINKTYPE_ETHERNET."""

UDP: Final = 17
TCP: Final = 6
NOT_DECODED: Final = 0
"""Not UDP or TCP, or of a kind that is not known here."""
MALFORMED: Final = -1
"""Lengths that contradict each other, or headers cut off."""
HELD: Final = -2
"""A fragment whose datagram is not whole yet."""

_IPV6_BASE: Final = 4_294_967_296
_DECIMAL: Final = {str(number): number for number in range(256)}


@final
class Addresses:
    """A number for each address: an IPv4 address is its own, IPv6 addresses are numbered above them as they appear."""

    def __init__(self) -> None:
        self.numbers: dict[bytes, int] = {}
        self.octets: list[bytes] = []

    def number(self, octets: bytes) -> i64:
        """Number the 16 octets of an IPv6 address; 0 when there are too many."""
        found = self.numbers.get(octets)
        if found is None:
            if len(self.octets) >= MAX_IPV6_ADDRESSES:
                return 0
            found = _IPV6_BASE + len(self.octets)
            self.numbers[octets] = found
            self.octets.append(octets)
        return found

    def read(self, text: str) -> i64:
        """Number an address that is written out; 0 when it is none, such as a host's name, or there are too many."""
        if ":" in text:
            try:
                octets = IPv6Address(text).packed
            except ValueError:
                return 0
            return self.number(octets) if any(octets) else 0
        number: i64 = 0
        parts = text.split(".")
        if len(parts) != 4:
            return 0
        for part in parts:
            if part not in _DECIMAL:
                return 0
            number = number << 8 | i64(_DECIMAL[part])
        return number

    def text(self, number: int) -> str:
        """Write an address as people do (RFC 5952 for IPv6)."""
        if number < _IPV6_BASE:
            return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        return ipv6_text(self.octets[number - _IPV6_BASE])

    def endpoint(self, number: int, port: int) -> str:
        """Write address and port: `192.0.2.1:5060`, `[2001:db8::1]:5060`."""
        text = self.text(number)
        return f"[{text}]:{port}" if ":" in text else f"{text}:{port}"


def ipv6_text(octets: bytes) -> str:
    """Write an IPv6 address by RFC 5952: lower case, the first longest run of zero groups shortened."""
    groups = [octets[i] << 8 | octets[i + 1] for i in range(0, 16, 2)]
    best, length, run = 0, 1, 0
    for i, group in enumerate(groups):
        run = run + 1 if group == 0 else 0
        if run > length:
            best, length = i - run + 1, run
    words = [f"{group:x}" for group in groups]
    if length < 2:
        return ":".join(words)
    return ":".join(words[:best]) + "::" + ":".join(words[best + length :])


class Frame:
    """One decoded packet: where its payload stands, and who sent it to whom."""

    def __init__(self, addresses: Addresses, fragments: Fragments) -> None:
        self.addresses: Addresses = addresses
        self.fragments: Fragments = fragments
        self.time_us: i64 = 0
        self.data: bytes = b""
        """The buffer the payload stands in: the capture's, or a reassembled datagram."""
        self.start: i64 = 0
        self.end: i64 = 0
        self.length: i64 = 0
        """The payload's length on the wire; more than `end - start` where the capture cut it."""
        self.source: i64 = 0
        self.destination: i64 = 0
        self.source_port: i64 = 0
        self.destination_port: i64 = 0
        self.identification: i64 = 0
        """Of IPv4: the same for a datagram and its copies, different for what is sent anew."""
        self.sequence: i64 = 0
        self.flags: i64 = 0

    def decode(self, data: bytes, start: i64, end: i64, link: i64, time_us: i64) -> i64:
        """Decode a captured frame into this object's fields.

        Args:
            data: the buffer it stands in.
            start: its first octet.
            end: after its last captured octet.
            link: the LINKTYPE of its interface.
            time_us: when it was captured.

        Returns:
            UDP, TCP, or one of NOT_DECODED, MALFORMED, HELD.
        """
        self.data = data
        self.time_us = time_us
        if link == ETHERNET:
            return self.ethernet(start, end, 0)
        return self.other_link(start, end, link)

    def other_link(self, start: i64, end: i64, link: i64) -> i64:
        """Decode the link types other than Ethernet."""
        if link in (101, 228, 229, 12, 14):  # raw IP
            return self.ip(start, end, 0)
        if link == 113:  # LINKTYPE_LINUX_SLL
            return MALFORMED if end - start < 16 else self.by_type(u16(self.data, start + 14), start + 16, end, 0)
        if link == 276:  # LINKTYPE_LINUX_SLL2
            return MALFORMED if end - start < 20 else self.by_type(u16(self.data, start), start + 20, end, 0)
        if link in (0, 108):  # LINKTYPE_NULL in the capturing host's order, LINKTYPE_LOOP: the address family
            return self.ip(start + 4, end, 0)
        if link == 51:  # LINKTYPE_PPP_ETHER
            return self.by_type(0x8864, start, end, 0)
        if link == 9:  # LINKTYPE_PPP, with or without address and control octets
            if end - start >= 2 and u16(self.data, start) == 0xFF03:
                start += 2
            return self.ppp(start, end, 0)
        return NOT_DECODED

    def ethernet(self, start: i64, end: i64, depth: i64) -> i64:
        """Decode an Ethernet II frame."""
        if end - start < 14:
            return MALFORMED
        kind = u16(self.data, start + 12)
        if kind == 0x0800:
            return self.ipv4(start + 14, end, depth)
        return self.by_type(kind, start + 14, end, depth)

    def by_type(self, kind: i64, at: i64, end: i64, depth: i64) -> i64:
        """Decode what an Ethertype announces."""
        if depth >= MAX_DEPTH:
            return NOT_DECODED
        if kind == 0x0800 or kind == 0x86DD:
            return self.ip(at, end, depth)
        if kind in (0x8100, 0x88A8, 0x9100):  # IEEE 802.1Q, 802.1ad and its older form
            return MALFORMED if end - at < 4 else self.by_type(u16(self.data, at + 2), at + 4, end, depth + 1)
        if kind in (0x8847, 0x8848):
            return self.mpls(at, end, depth)
        if kind == 0x8864:  # PPPoE session (RFC 2516)
            return MALFORMED if end - at < 8 else self.ppp(at + 6, end, depth)
        if kind == 0x6558:  # transparent Ethernet bridging
            return self.ethernet(at, end, depth + 1)
        return NOT_DECODED

    def mpls(self, at: i64, end: i64, depth: i64) -> i64:
        """Decode below an MPLS label stack (RFC 3032): IP, or a pseudowire's Ethernet (RFC 4448)."""
        while end - at >= 4:
            bottom: i64 = self.data[at + 2]
            at += 4
            if bottom & 1:
                if at >= end:
                    return MALFORMED
                version: i64 = self.data[at]
                if version >> 4 in (4, 6):
                    return self.ip(at, end, depth + 1)
                return self.ethernet(at + 4 if version >> 4 == 0 else at, end, depth + 1)
        return MALFORMED

    def ppp(self, at: i64, end: i64, depth: i64) -> i64:
        """Decode a PPP frame without its address and control octets (RFC 1661)."""
        if end - at < 2:
            return MALFORMED
        protocol = u16(self.data, at)
        return self.ip(at + 2, end, depth) if protocol in (0x0021, 0x0057) else NOT_DECODED

    def ip(self, at: i64, end: i64, depth: i64) -> i64:
        """Decode an IP packet of either version."""
        if at >= end:
            return MALFORMED
        version: i64 = self.data[at]
        if version >> 4 == 4:
            return self.ipv4(at, end, depth)
        return self.ipv6(at, end, depth) if version >> 4 == 6 else MALFORMED

    def ipv4(self, at: i64, end: i64, depth: i64) -> i64:
        """Decode an IPv4 packet (RFC 791)."""
        if end - at < 20:
            return MALFORMED
        data = self.data
        head = word(data, at)  # version, header's length, service, total length, identification, flags and offset
        version = head >> 60 & 15
        header = (head >> 56 & 15) << 2
        total = head >> 32 & 0xFFFF
        if version != 4 or header < 20 or (total < header and total != 0):
            return MALFORMED
        limit = at + total if total else end  # 0: the sender's network card cuts it into segments
        fragment = head & 0xFFFF
        self.identification = head >> 16 & 0xFFFF
        rest = word(data, at + 8)  # time to live, protocol, checksum, source
        protocol = rest >> 48 & 0xFF
        self.source = rest & 0xFFFFFFFF
        self.destination = u32(data, at + 16)
        at += header
        if fragment & 0x3FFF:
            return self.fragment(
                self.identification, protocol, (fragment & 0x1FFF) << 3, fragment & 0x2000 != 0, at, limit, end, depth
            )
        return self.transport(protocol, at, limit, end, depth)

    def ipv6(self, at: i64, end: i64, depth: i64) -> i64:
        """Decode an IPv6 packet with its extension headers (RFC 8200)."""
        if end - at < 40:
            return MALFORMED
        data = self.data
        payload = u16(data, at + 4)
        following: i64 = data[at + 6]
        self.source = self.addresses.number(data[at + 8 : at + 24])
        self.destination = self.addresses.number(data[at + 24 : at + 40])
        if self.source == 0 or self.destination == 0:
            return NOT_DECODED
        self.identification = 0
        at += 40
        limit = at + payload if payload else end
        headers: i64 = 0
        while following in (0, 43, 60, 135, 51):  # hop by hop, routing, destination options, mobility, authentication
            if end - at < 8 or headers >= MAX_EXTENSION_HEADERS:
                return MALFORMED
            size: i64 = data[at + 1]
            size = (size + 2) << 2 if following == 51 else (size + 1) << 3
            following = data[at]
            at += size
            headers += 1
        if following == 44:
            if end - at < 8:
                return MALFORMED
            fragment = u16(data, at + 2)
            following = data[at]
            if fragment & 0xFFF9:
                identification = u32(data, at + 4)
                return self.fragment(
                    identification, following, fragment & 0xFFF8, fragment & 1 != 0, at + 8, limit, end, depth
                )
            at += 8
        return self.transport(following, at, limit, end, depth)

    def fragment(
        self, identification: i64, protocol: i64, offset: i64, more: bool, at: i64, limit: i64, end: i64, depth: i64
    ) -> i64:
        """Keep a fragment; decode the datagram when this one makes it whole."""
        if limit > end or at >= limit:
            return MALFORMED  # cut by the capture: its datagram will never be whole
        key = (int(self.source), int(self.destination), int(identification), int(protocol))
        whole = self.fragments.add(key, offset, more, self.data[at:limit], self.time_us)
        if whole is None:
            return HELD
        self.data = whole
        return self.transport(protocol, 0, len(whole), len(whole), depth)

    def transport(self, protocol: i64, at: i64, limit: i64, end: i64, depth: i64) -> i64:
        """Decode the UDP or TCP header, or enter a tunnel.

        Args:
            protocol: the IP protocol number.
            at: where its header stands.
            limit: where the IP packet ends, by its length.
            end: where the capture of it ends; both may be less than the other.
            depth: layers passed so far.
        """
        end = min(end, limit)
        data = self.data
        if protocol == UDP:
            if end - at < 8:
                return MALFORMED
            head = word(data, at)  # ports, length, checksum
            size = head >> 16 & 0xFFFF
            if size == 0:
                size = limit - at
            if size < 8 or at + size > limit:
                return MALFORMED
            self.source_port = head >> 48 & 0xFFFF
            self.destination_port = head >> 32 & 0xFFFF
            self.start = at + 8
            self.length = size - 8
            self.end = min(end, at + size)
            if self.destination_port == 4789 and end - at >= 30 and depth < MAX_DEPTH:  # VXLAN (RFC 7348)
                return self.ethernet(at + 16, self.end, depth + 1)
            return UDP
        if protocol == TCP:
            return self.tcp(at, limit, end)
        if depth >= MAX_DEPTH:
            return NOT_DECODED
        if protocol == 4 or protocol == 41:  # IP in IP (RFC 2003, RFC 2473)
            return self.ip(at, end, depth + 1)
        return self.gre(at, end, depth) if protocol == 47 else NOT_DECODED

    def tcp(self, at: i64, limit: i64, end: i64) -> i64:
        """Decode a TCP header (RFC 9293)."""
        if end - at < 20:
            return MALFORMED
        data = self.data
        header: i64 = data[at + 12]
        header = (header >> 4) << 2
        if header < 20 or at + header > limit:
            return MALFORMED
        self.source_port = u16(data, at)
        self.destination_port = u16(data, at + 2)
        self.sequence = u32(data, at + 4)
        self.flags = data[at + 13]
        self.start = min(at + header, end)
        self.end = end
        self.length = limit - at - header
        return TCP

    def gre(self, at: i64, end: i64, depth: i64) -> i64:
        """Decode what GRE carries (RFC 2784, RFC 2890)."""
        if end - at < 4:
            return MALFORMED
        flags = u16(self.data, at)
        kind = u16(self.data, at + 2)
        at += 4
        for bit in (0x8000, 0x2000, 0x1000):  # checksum, key, sequence number
            if flags & bit:
                at += 4
        if at >= end:
            return MALFORMED
        if kind == 0x88BE or kind == 0x22EB:
            return self.erspan(kind, at, end, depth, flags & 0x1000 != 0)
        return self.by_type(kind, at, end, depth + 1)

    def erspan(self, kind: i64, at: i64, end: i64, depth: i64, numbered: bool) -> i64:
        """Decode a mirrored frame (draft-foschiano-erspan): type I has no header of its own, and no GRE number."""
        if kind == 0x22EB:
            if end - at < 12:
                return MALFORMED
            optional: i64 = self.data[at + 11]
            at += 20 if optional & 1 else 12
        elif numbered:
            at += 8
        return self.ethernet(at, end, depth + 1)
