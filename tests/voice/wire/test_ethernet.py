"""From frame to datagram, through every layer that may lie between."""

import struct
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.voice.captures import ip, ip_packet, tcp, udp

from clearline.voice.wire import ethernet as e
from clearline.voice.wire.fragments import Fragments

V4 = ip_packet("192.0.2.1:4000", "198.51.100.2:5004", b"payload", identification=77)
V6 = ip_packet("[2001:db8::1]:4000", "[2001:db8:0:1::2]:5004", b"payload")
MAC = bytes(12)
FRAME = MAC + b"\x08\x00" + V4


def decode(data: bytes, link: int = 1) -> tuple[int, e.Frame]:
    frame = e.Frame(e.Addresses(), Fragments())
    return frame.decode(data, 0, len(data), link, 0), frame


def check(data: bytes, link: int = 1, *, version: int = 4) -> None:
    kind, frame = decode(data, link)
    assert kind == e.UDP
    assert frame.data[frame.start : frame.end] == b"payload"
    assert frame.length == 7
    ends = (
        frame.addresses.endpoint(frame.source, frame.source_port),
        frame.addresses.endpoint(frame.destination, frame.destination_port),
    )
    assert ends == (
        ("192.0.2.1:4000", "198.51.100.2:5004") if version == 4 else ("[2001:db8::1]:4000", "[2001:db8:0:1::2]:5004")
    )


def ethertype(kind: int) -> bytes:
    return kind.to_bytes(2, "big")


VLAN = ethertype(0x8100) + b"\x00\x07"
MPLS = b"\x00\x01\x00\x40" + b"\x00\x02\x01\x40"
PPPOE = b"\x11\x00\x00\x01" + ethertype(len(V4) + 2)


@pytest.mark.parametrize(
    ("data", "link"),
    [
        (FRAME, 1),
        (FRAME + bytes(9), 1),
        (MAC + VLAN + ethertype(0x0800) + V4, 1),
        (MAC + ethertype(0x88A8) + b"\x00\x01" + VLAN + ethertype(0x0800) + V4, 1),
        (MAC + ethertype(0x8847) + MPLS + V4, 1),
        (MAC + ethertype(0x8847) + MPLS + bytes(4) + FRAME, 1),
        (MAC + ethertype(0x8864) + PPPOE + ethertype(0x21) + V4, 1),
        (MAC + ethertype(0x6558) + FRAME, 1),
        (PPPOE + ethertype(0x21) + V4, 51),
        (b"\xff\x03" + ethertype(0x21) + V4, 9),
        (ethertype(0x21) + V4, 9),
        (bytes(14) + ethertype(0x0800) + V4, 113),
        (ethertype(0x0800) + bytes(18) + V4, 276),
        (V4, 101),
        (V4, 228),
        (V4, 12),
        (b"\x02\0\0\0" + V4, 0),
        (b"\0\0\0\x02" + V4, 108),
    ],
)
def test_link_types_and_tags(data: bytes, link: int) -> None:
    check(data, link)


IP_IN_IP = ip("10.9.9.1", "10.9.9.2", 4, V4)
GRE = struct.pack("!HH", 0, 0x0800) + V4
GRE_FULL = struct.pack("!HHIII", 0xB000, 0x0800, 1, 2, 3) + V4
ERSPAN_1 = struct.pack("!HH", 0, 0x88BE) + FRAME
ERSPAN_2 = struct.pack("!HHI", 0x1000, 0x88BE, 1) + bytes(8) + FRAME
ERSPAN_3 = struct.pack("!HHI", 0x1000, 0x22EB, 1) + bytes(12) + FRAME
ERSPAN_3_MORE = struct.pack("!HHI", 0x1000, 0x22EB, 1) + bytes(11) + b"\x01" + bytes(8) + FRAME
VXLAN = struct.pack("!HHHHII", 5555, 4789, 16 + len(FRAME), 0, 0x08000000, 42 << 8) + FRAME


@pytest.mark.parametrize(
    "protocol_and_payload",
    [
        (4, V4),
        (47, GRE),
        (47, GRE_FULL),
        (47, ERSPAN_1),
        (47, ERSPAN_2),
        (47, ERSPAN_3),
        (47, ERSPAN_3_MORE),
        (17, VXLAN),
    ],
)
def test_tunnels(protocol_and_payload: tuple[int, bytes]) -> None:
    check(MAC + ethertype(0x0800) + ip("10.9.9.1", "10.9.9.2", *protocol_and_payload))
    check(MAC + ethertype(0x86DD) + ip("2001:db8::8", "2001:db8::9", *protocol_and_payload))


def extended(*headers: tuple[int, bytes]) -> bytes:
    """IPv6 with extension headers: (the header's own number, what follows its first octet)."""
    kinds = [kind for kind, _ in headers] + [17]
    body = b"".join(bytes([kinds[i + 1]]) + rest for i, (_, rest) in enumerate(headers)) + V6[40:]
    return V6[:4] + struct.pack("!HB", len(body), kinds[0]) + V6[7:40] + body


@pytest.mark.parametrize(
    "packet",
    [
        V6,
        extended((0, bytes(7))),
        extended((0, bytes(7)), (43, b"\x01" + bytes(14)), (60, bytes(7))),
        extended((51, b"\x04" + bytes(22))),
        extended((44, bytes(7))),  # an atomic fragment (RFC 6946)
        V6[:4] + b"\0\0" + V6[6:],
    ],
)
def test_ipv6_and_its_extension_headers(packet: bytes) -> None:
    check(MAC + ethertype(0x86DD) + packet, version=6)
    check(packet, 229, version=6)
    check(MAC + ethertype(0x0800) + ip("10.9.9.1", "10.9.9.2", 41, packet), version=6)


def test_ipv4_options_and_an_unset_total_length() -> None:
    check(
        MAC
        + ethertype(0x0800)
        + bytes([0x46])
        + b"\0"
        + struct.pack("!H", len(V4) + 4)
        + V4[4:20]
        + b"\x01\x01\x01\x01"
        + V4[20:]
    )
    check(MAC + ethertype(0x0800) + V4[:2] + b"\0\0" + V4[4:])
    check(MAC + ethertype(0x0800) + V4[:24] + b"\0\0" + V4[26:])  # a UDP length of 0: as long as the packet


def pieces(packet: bytes, size: int) -> list[bytes]:
    payload = packet[20:]
    out = []
    for at in range(0, len(payload), size):
        part = payload[at : at + size]
        flags = (0x2000 if at + size < len(payload) else 0) | at >> 3
        out.append(
            packet[:2]
            + struct.pack("!H", 20 + len(part))
            + packet[4:6]
            + struct.pack("!H", flags)
            + packet[8:20]
            + part
        )
    return out


def test_fragments_are_put_together_in_any_order() -> None:
    big = ip_packet("192.0.2.1:5060", "198.51.100.2:5060", bytes(range(256)) * 12, identification=9)
    for order in (lambda x: x, reversed):
        frame = e.Frame(e.Addresses(), Fragments())
        verdicts = [frame.decode(part, 0, len(part), 101, 0) for part in order(pieces(big, 1000))]
        assert verdicts == [e.HELD] * 3 + [e.UDP]
        assert frame.data[frame.start : frame.end] == bytes(range(256)) * 12
        assert frame.source_port == 5060


def test_ipv6_fragments_are_put_together() -> None:
    body = V6[40:] + bytes(9)
    body = body[:4] + struct.pack("!H", len(body)) + body[6:]
    parts = []
    for at, more in ((0, 1), (16, 0)):
        part = body[at : at + 16] if more else body[at:]
        header = bytes([17, 0]) + struct.pack("!HI", at | more, 5) + part
        parts.append(V6[:4] + struct.pack("!HB", len(header), 44) + V6[7:40] + header)
    frame = e.Frame(e.Addresses(), Fragments())
    assert [frame.decode(part, 0, len(part), 101, 0) for part in parts] == [e.HELD, e.UDP]
    assert frame.length == 16


def test_a_tcp_segment_is_decoded_with_its_sequence_number_and_flags() -> None:
    kind, frame = decode(tcp("192.0.2.1:5060", "198.51.100.2:5060", 1234, b"INVITE"))
    assert kind == e.TCP
    assert (frame.sequence, frame.flags, frame.data[frame.start : frame.end], frame.length) == (
        1234,
        0x18,
        b"INVITE",
        6,
    )


def test_a_payload_cut_by_the_snap_length_keeps_its_length_on_the_wire() -> None:
    kind, frame = decode(FRAME[:-4])
    assert (kind, frame.end - frame.start, frame.length) == (e.UDP, 3, 7)


@pytest.mark.parametrize(
    ("data", "link"),
    [
        (MAC + ethertype(0x0806) + bytes(28), 1),
        (bytes(40), 147),
        (MAC + ethertype(0x0800) + ip("10.0.0.1", "10.0.0.2", 1, bytes(8)), 1),
        (ethertype(0xC021) + bytes(8), 9),
        (MAC + VLAN * 9 + ethertype(0x0800) + V4, 1),
    ],
)
def test_other_protocols_are_not_decoded(data: bytes, link: int) -> None:
    assert decode(data, link)[0] == e.NOT_DECODED


def test_tunnels_in_tunnels_are_followed_so_far() -> None:
    packet = V4
    for _ in range(e.MAX_DEPTH):
        packet = ip("10.9.9.1", "10.9.9.2", 4, packet)
    check(MAC + ethertype(0x0800) + packet)
    assert decode(MAC + ethertype(0x0800) + ip("10.9.9.1", "10.9.9.2", 4, packet))[0] == e.NOT_DECODED


def test_packets_of_too_many_ipv6_addresses_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = e.Frame(e.Addresses(), Fragments())
    frame.addresses.octets.extend([b""] * e.MAX_IPV6_ADDRESSES)
    assert frame.decode(V6, 0, len(V6), 101, 0) == e.NOT_DECODED


SHORT_LINKS = [
    (bytes(5), 1),
    (bytes(9), 113),
    (bytes(9), 276),
    (b"\x11", 51),
    (b"\x21", 9),
    (b"", 101),
    (b"\x70" + bytes(40), 101),
]
SHORT_INNER = [
    VLAN[:3],
    ethertype(0x8847) + b"\0\0\0",
    ethertype(0x8847) + b"\0\0\x01\0",
    ethertype(0x0800) + V4[:19],
    ethertype(0x86DD) + V6[:39],
    ethertype(0x0800) + b"\x41" + V4[1:],
    ethertype(0x0800) + V4[:2] + b"\0\x05" + V4[4:],
    ethertype(0x0800) + V4[:24] + b"\xff\xff" + V4[26:],
    ethertype(0x0800) + V4[:24] + b"\0\x03" + V4[26:],
    ethertype(0x0800) + V4[:25],
    ethertype(0x0800) + ip("10.0.0.1", "10.0.0.2", 6, bytes(19)),
    ethertype(0x0800) + ip("10.0.0.1", "10.0.0.2", 6, bytes(20)),
    ethertype(0x0800) + ip("10.0.0.1", "10.0.0.2", 47, bytes(3)),
    ethertype(0x0800) + ip("10.0.0.1", "10.0.0.2", 47, b"\0\0\x08\0"),
    ethertype(0x0800) + ip("10.0.0.1", "10.0.0.2", 47, b"\0\0\x22\xeb" + bytes(4)),
    ethertype(0x0800) + V4[:6] + b"\x20\0" + V4[8:22],
    ethertype(0x86DD) + extended((44, bytes(7)))[:42],
    ethertype(0x86DD) + extended(*[(0, bytes(7))] * 9),
    ethertype(0x86DD) + extended((0, bytes(7)))[:44],
    ethertype(0x8864) + b"\x11",
]


@pytest.mark.parametrize(("data", "link"), SHORT_LINKS + [(MAC + inner, 1) for inner in SHORT_INNER])
def test_headers_cut_off_or_contradicting_themselves_are_malformed(data: bytes, link: int) -> None:
    assert decode(data, link)[0] == e.MALFORMED


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        ("20010db8000000000000000000000001", "2001:db8::1"),
        ("00000000000000000000000000000000", "::"),
        ("20010db8000000010000000000000001", "2001:db8:0:1::1"),
        ("20010db8000100020003000400050006", "2001:db8:1:2:3:4:5:6"),
        ("00010000000200030004000500060007", "1:0:2:3:4:5:6:7"),
    ],
)
def test_ipv6_addresses_are_written_by_rfc_5952(octets: str, text: str) -> None:
    assert e.ipv6_text(bytes.fromhex(octets)) == text


@given(st.binary(max_size=120), st.sampled_from([0, 1, 9, 12, 51, 101, 108, 113, 228, 276]))
def test_no_octets_whatever_break_the_decoder(data: bytes, link: int) -> None:
    assert decode(data, link)[0] in (e.UDP, e.TCP, e.NOT_DECODED, e.MALFORMED, e.HELD)


@given(st.integers(0, 200), st.integers(0, 255))
def test_no_single_octet_changed_breaks_the_decoder(place: int, value: int) -> None:
    for data in (
        udp("192.0.2.1:1", "192.0.2.2:2", b"x"),
        MAC + ethertype(0x0800) + ip("10.9.9.1", "10.9.9.2", 17, VXLAN),
        MAC + ethertype(0x86DD) + V6,
    ):
        changed = bytearray(data)
        changed[place % len(changed)] = value
        decode(bytes(changed))


@given(st.ip_addresses().filter(int))
def test_an_address_that_is_written_out_is_read_as_the_number_packets_give_it(address: IPv4Address) -> None:
    addresses = e.Addresses()
    of_packets = int(address) if address.version == 4 else addresses.number(address.packed)
    assert addresses.read(str(address)) == addresses.read(str(address).upper()) == of_packets
    assert addresses.read(addresses.text(of_packets)) == of_packets


@pytest.mark.parametrize("text", ["", "host.example.org", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.04", "::x", "::"])
def test_what_is_no_address_of_an_endpoint_has_no_number(text: str) -> None:
    assert e.Addresses().read(text) == 0
