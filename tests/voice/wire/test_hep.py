import contextlib
import gzip
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.voice.wire import hep, sip
from clearline.voice.wire.hep import MAX_PAYLOAD_BYTES, RTCP_JSON, SIP, HepError, HepPacket, decode, frame

DATA = Path(__file__).parents[1] / "data"
"""Frames as Kamailio (2001) and rtpengine (2002) sent them."""


def chunk(kind: int, content: bytes, vendor: int = 0) -> bytes:
    return struct.pack("!HHH", vendor, kind, 6 + len(content)) + content


def packet(*chunks: bytes) -> bytes:
    body = b"".join(chunks)
    return b"HEP3" + struct.pack("!H", 6 + len(body)) + body


def test_what_kamailio_sends_is_read() -> None:
    read = decode((DATA / "hep_invite.bin").read_bytes())
    assert (read.version, read.kind, read.protocol, read.agent) == (3, SIP, 17, 2001)
    assert (read.source, read.source_port, read.destination, read.destination_port) == (
        "127.0.0.1",
        5070,
        "127.0.0.1",
        5060,
    )
    assert read.at_us == 0x6B032F36 * 1_000_000 + 0x5FD97
    assert read.correlation is None
    message = sip.parse(read.payload)
    assert (message.method, message.call_id) == ("INVITE", "1-19719@127.0.0.1")


def test_what_rtpengine_sends_is_read_though_its_chunks_come_in_another_order() -> None:
    read = decode((DATA / "hep_rtcp_json_1.bin").read_bytes())
    assert (read.kind, read.agent, read.correlation) == (RTCP_JSON, 2002, "dc80fd514c58d947")
    assert (read.source, read.source_port, read.destination, read.destination_port) == (
        "127.0.0.1",
        23067,
        "127.0.0.1",
        30031,
    )
    assert read.payload.startswith(b'{ "sender_information"')


@pytest.mark.parametrize("name", ["hep_answer.bin", "hep_publish.bin"])
def test_the_payload_is_the_message_whole(name: str) -> None:
    message = sip.parse(decode((DATA / name).read_bytes()).payload)
    assert str(len(message.body)) == message.header("content-length")


def test_every_chunk_of_use_is_told() -> None:
    read = decode(
        packet(
            chunk(0x0F, b"payload"),
            chunk(0x21, struct.pack("!H", 82)),
            chunk(0x20, struct.pack("!H", 410)),
            chunk(0x13, b"edge-1"),
            chunk(0x12, struct.pack("!H", 7)),
            chunk(0x11, b"call@x\0"),
            chunk(0x0E, b"secret"),
            chunk(0x02, b"\x16"),
            chunk(0x05, bytes(15) + b"\x01"),
            chunk(0x06, b"\x20\x01\x0d\xb8" + bytes(11) + b"\x02"),
            chunk(0x26, b"tags"),
            chunk(0x01, b"a vendor's own", vendor=9),
        )
    )
    assert read == HepPacket(
        version=3,
        kind=0,
        protocol=22,
        source="::1",
        source_port=None,
        destination="2001:db8::2",
        destination_port=None,
        at_us=None,
        agent=None,
        key=b"secret",
        correlation="call@x",
        node="edge-1",
        vlan=7,
        mos_x100=410,
        r=82,
        payload=b"payload",
    )


def test_a_packet_without_chunks_says_nothing() -> None:
    read = decode(packet())
    assert (read.kind, read.source, read.at_us, read.payload) == (0, None, None, b"")


def test_a_compressed_payload_is_inflated() -> None:
    assert decode(packet(chunk(0x10, zlib.compress(b"INVITE " * 1000)))).payload == b"INVITE " * 1000


def test_a_frame_compressed_whole_is_inflated() -> None:
    data = (DATA / "hep_invite.bin").read_bytes()
    assert decode(gzip.compress(data)) == decode(data)


def test_what_inflates_without_end_is_refused() -> None:
    bomb = zlib.compress(bytes(MAX_PAYLOAD_BYTES + 1))
    with pytest.raises(HepError, match=f"longer than {MAX_PAYLOAD_BYTES} bytes"):
        decode(packet(chunk(0x10, bomb)))


def test_a_damaged_or_cut_compressed_part_is_told() -> None:
    good = zlib.compress(b"INVITE " * 1000)
    with pytest.raises(HepError, match="HEP chunk 0x10: the compressed part is cut off"):
        decode(packet(chunk(0x10, good[:-5])))
    with pytest.raises(HepError, match="HEP chunk 0x10: the compressed part is damaged"):
        decode(packet(chunk(0x10, b"\xff" + good)))
    with pytest.raises(HepError, match="HEP byte 0: the compressed part is damaged"):
        decode(b"\x1f\x8b\x08\xff" + bytes(20))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "HEP byte 0: .* begins no HEP packet"),
        (b"INVITE sip:bob@x SIP/2.0\r\n\r\n", "HEP byte 0: 49 4e 56 49 begins no HEP packet"),
        (b"HEP3\x00", "HEP byte 4: 0 bytes are announced, 5 are there"),
        (b"HEP3\x00\x05", "HEP byte 4: 5 bytes are announced, 6 are there"),
        (b"HEP3\x00\x09abc"[:8], "HEP byte 4: 9 bytes are announced, 8 are there"),
        (packet(b"abc"), "HEP byte 6: 3 bytes are too few for a chunk"),
        (packet(struct.pack("!HHH", 0, 15, 5)), "HEP byte 6: chunk 0x0f announces 5 bytes, 6 are there"),
        (packet(struct.pack("!HHH", 0, 15, 9)), "HEP byte 6: chunk 0x0f announces 9 bytes, 6 are there"),
        (packet(chunk(9, b"abc")), "HEP byte 6: chunk 0x09 has 3 bytes of content, not 4"),
        (packet(chunk(3, bytes(16))), "HEP byte 6: chunk 0x03 has 16 bytes of content, not 4"),
    ],
)
def test_a_packet_that_contradicts_itself_is_refused_with_its_place(data: bytes, words: str) -> None:
    with pytest.raises(HepError, match=words):
        decode(data)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for start in (b"", b"HEP3", b"\x01\x10\x02\x11", b"\x02\x1c\x02\x11"):
        with contextlib.suppress(HepError):
            assert decode(start + data).version in (1, 2, 3)


@given(st.lists(st.binary(max_size=40), max_size=5), st.integers(1, 9))
def test_a_stream_is_cut_into_its_packets_however_it_arrives(payloads: list[bytes], step: int) -> None:
    packets = [packet(chunk(0x0F, payload)) for payload in payloads]
    stream = b"".join(packets)
    found, buffer = [], b""
    for at in range(0, len(stream), step):
        buffer += stream[at : at + step]
        while (cut := frame(buffer))[0] is not None:
            found.append(cut[0])
            buffer = cut[1]
    assert found == packets
    assert buffer == b""


@pytest.mark.parametrize("data", [b"HEPX", b"X", b"HEP3\x00\x05", b"HEP3\x00\x00rest"])
def test_a_stream_that_cannot_be_followed_is_refused(data: bytes) -> None:
    with pytest.raises(HepError, match="HEP byte 0"):
        frame(data)


def test_version_1_is_read() -> None:
    data = struct.pack("!BBBBHH", 1, 16, 2, 17, 5060, 5080) + bytes([10, 0, 0, 1, 10, 0, 0, 2]) + b"OPTIONS"
    read = decode(data)
    assert (read.version, read.kind, read.source, read.destination) == (1, SIP, "10.0.0.1", "10.0.0.2")
    assert (read.source_port, read.destination_port, read.at_us, read.agent) == (5060, 5080, None, None)
    assert read.payload == b"OPTIONS"


@pytest.mark.parametrize("order", ["<", ">"])
def test_version_2_is_read_in_either_order_of_its_time(order: str) -> None:
    head = struct.pack("!BBBBHH", 2, 52, 10, 6, 5060, 5080) + bytes(15) + b"\x01" + bytes(15) + b"\x02"
    read = decode(head + struct.pack(f"{order}IIHxx", 1_790_000_000, 250_000, 2001) + b"OPTIONS")
    assert (read.version, read.protocol, read.source, read.destination) == (2, 6, "::1", "::2")
    assert (read.at_us, read.agent, read.payload) == (1_790_000_000_250_000, 2001, b"OPTIONS")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x01\x10\x02", "HEP byte 0: 3 bytes are too few for version 1"),
        (struct.pack("!BBBBHH", 1, 15, 2, 17, 1, 2) + bytes(20), "HEP byte 1: a header of 15 bytes"),
        (struct.pack("!BBBBHH", 1, 16, 2, 17, 1, 2) + bytes(7), "HEP byte 1: a header of 16 bytes"),
        (struct.pack("!BBBBHH", 2, 16, 2, 17, 1, 2) + bytes(20), "HEP byte 1: a header of 16 bytes"),
        (struct.pack("!BBBBHH", 1, 16, 10, 17, 1, 2) + bytes(20), "cannot hold family 10 in version 1"),
    ],
)
def test_an_old_header_that_cannot_hold_its_addresses_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(HepError, match=words):
        decode(data)


def test_the_kinds_have_the_numbers_senders_use() -> None:
    assert (hep.SIP, hep.RTCP_JSON, hep.VQ_REPORT, hep.LOG) == (1, 5, 35, 100)
