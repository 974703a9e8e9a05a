import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.voice.wire import tcp
from clearline.voice.wire.tcp import FIN, GIVE_UP_US, RST, SYN, Connections

KEY = (1, 2, 5060, 5060)


def message(n: int) -> bytes:
    return b"OPTIONS sip:x SIP/2.0\r\nCall-ID: %d\r\nContent-Length: 3\r\n\r\nabc" % n


def feed(connections: Connections, *segments: tuple[int, bytes]) -> list[bytes]:
    return [m for sequence, data in segments for _, m in connections.take(KEY, sequence, 0x10, data, 0)]


def test_several_messages_in_one_segment() -> None:
    assert feed(Connections(), (0, message(1) + b"\r\n\r\n" + message(2))) == [message(1), message(2)]


def test_retransmitted_and_overlapping_segments_add_nothing_twice() -> None:
    m = message(1)
    assert feed(Connections(), (0, m[:30]), (0, m[:30]), (10, m[10:40]), (40, m[40:])) == [m]


def test_sequence_numbers_wrap() -> None:
    m = message(1)
    start = 0xFFFFFFFF - 9
    assert feed(Connections(), (start, m[:10]), (0, m[10:])) == [m]


def test_a_syn_begins_anew_and_a_fin_ends() -> None:
    connections = Connections()
    assert connections.take(KEY, 99, SYN, b"", 0) == []
    assert connections.take(KEY, 100, 0x10, message(1)[:20], 0) == []
    assert connections.take(KEY, 499, SYN, b"", 0) == []
    assert connections.take(KEY, 500, FIN, message(2), 0) == [(0, message(2))]
    assert connections.directions == {}
    assert connections.take(KEY, 600, RST, b"", 0) == []


def test_other_protocols_are_left_alone() -> None:
    connections = Connections()
    assert feed(connections, (0, b"GET / HTTP/1.1\r\n\r\n"), (18, b"more")) == []
    assert connections.directions == {}


def test_a_segment_that_was_not_captured_is_passed_over_at_the_next_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "MAX_WAITING_SEGMENTS", 2)
    connections = Connections()
    lost = len(message(1)) + 10
    segments = [
        (0, message(1)),
        (lost, b"tail of something"),
        (lost + 17, message(2)),
        (lost + 17 + len(message(2)), message(3)),
    ]
    assert feed(connections, *segments) == [message(1), message(2), message(3)]
    assert connections.missing == 1


def test_what_begins_no_message_is_passed_over_after_a_segment_that_was_not_captured() -> None:
    connections = Connections()
    lost = len(message(1)) + 10
    assert feed(connections, (0, message(1)), (lost, b"tail of one"), (lost + 50, b"middle of another")) == [message(1)]
    assert connections.take(KEY, lost + 500, 0x10, message(2), GIVE_UP_US) == []
    assert connections.missing == 0
    after = lost + 500 + len(message(2))
    assert connections.take(KEY, after, 0x10, message(3), GIVE_UP_US + 1) == []
    assert connections.missing == 1
    assert list(connections.finish()) == [(KEY, GIVE_UP_US, message(2)), (KEY, GIVE_UP_US + 1, message(3))]
    assert (connections.missing, connections.malformed) == (3, 0)


def test_a_connection_that_ends_gives_what_waits_for_segments_that_were_not_captured() -> None:
    connections = Connections()
    assert feed(connections, (0, message(1)), (500, message(2))) == [message(1)]
    assert connections.take(KEY, 900, FIN | 0x10, message(3), 7) == [(0, message(2)), (7, message(3))]
    assert (connections.missing, connections.directions) == (2, {})


@given(st.data())
def test_segments_cut_repeated_and_out_of_order_anyhow_make_the_same_messages(data: st.DataObject) -> None:
    whole = b"".join(message(n) for n in range(5))
    start = data.draw(st.sampled_from([0, 0xFFFFFFFF - 100]))
    cuts = sorted(data.draw(st.sets(st.integers(20, len(whole) - 1), max_size=8)) | {0, len(whole)})
    pieces = [(low, whole[low:high]) for low, high in pairwise(cuts)]
    longer = [(low, whole[low : low + data.draw(st.integers(0, 200))]) for low, _ in pieces[1:]]
    order = pieces[:1] + data.draw(st.permutations(pieces[1:] + longer))
    segments = [((start + low) & 0xFFFFFFFF, octets) for low, octets in order]
    connections = Connections()
    assert feed(connections, *segments) == [message(n) for n in range(5)]
    assert (connections.missing, connections.malformed) == (0, 0)


def test_a_stream_that_cannot_be_framed_is_counted() -> None:
    connections = Connections()
    assert feed(connections, (0, b"INVITE sip:x SIP/2.0\r\nCall-ID: 1\r\n\r\n")) == []
    assert connections.malformed == 1


def test_what_waits_for_its_end_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "MAX_BUFFERED_BYTES", 50)
    connections = Connections()
    assert feed(connections, (0, b"INVITE sip:x SIP/2.0\r\n" + b"A" * 60)) == []
    assert (connections.malformed, connections.directions[KEY].buffer) == (1, b"")


def test_the_number_of_connections_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "MAX_CONNECTIONS", 2)
    connections = Connections()
    for n in range(4):
        connections.take((n, 2, 3, 4), 0, 0x10, b"INVITE sip:x", 0)
    assert [key[0] for key in connections.directions] == [2, 3]


def test_the_messages_of_a_websocket_are_read_from_either_side() -> None:
    connections = Connections()
    sent = masked(0x81, message(1)) + masked(0x89, b"ping") + masked(0x81, message(2))
    assert feed(connections, (0, sent[:200]), (200, sent[200:])) == [message(1), message(2)]
    back = (2, 1, 5060, 5060)
    plain = bytes([0x81, 126]) + len(message(3)).to_bytes(2, "big") + message(3)
    assert connections.take(back, 7, 0x10, b"HTTP/1.1 101 Switching Protocols\r\n\r\n", 0) == []
    assert connections.take(back, 44, 0x10, plain, 0) == [(0, message(3))]
    assert connections.take((3, 1, 80, 80), 44, 0x10, bytes([0x81, 5]) + b"hello", 0) == []


def test_compressed_messages_are_read_and_those_that_refer_to_what_is_missing_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tcp, "MAX_WAITING_SEGMENTS", 1)
    connections = Connections()
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    sent = [deflated(message(n), deflater) for n in range(6)]
    ends = [sum(map(len, sent[: n + 1])) for n in range(6)]
    assert feed(connections, (0, sent[0] + sent[1])) == [message(0), message(1)]
    assert feed(connections, (ends[2], sent[3]), (ends[3], sent[4])) == []  # the third was not captured
    assert (connections.missing, connections.unread) == (1, 2)
    at = ends[4] + 9_000
    anew = zlib.compressobj(9, zlib.DEFLATED, -15)  # a sender may begin anew with any message
    first, second = deflated(message(7), anew), deflated(message(8), anew)
    assert feed(connections, (at, sent[5]), (at + len(sent[5]), first)) == [message(7)]
    assert feed(connections, (at + len(sent[5] + first), second)) == [message(8)]
    assert (connections.missing, connections.unread, connections.malformed) == (2, 3, 0)
    assert connections.take((9, 1, 80, 80), 0, 0x10, sent[5], 0) == []
    assert connections.unread == 4


def test_messages_that_are_not_compressed_are_read_between_those_that_cannot_be() -> None:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    missed, unreadable = deflated(message(0), deflater), deflated(message(1), deflater)
    plain = [masked(0x81, message(n)) for n in (2, 3)]
    connections = Connections()
    assert feed(connections, (len(missed), plain[0] + unreadable + plain[1])) == [message(2), message(3)]
    assert (connections.unread, connections.malformed) == (1, 0)


def deflated(text: bytes, deflater: "zlib._Compress") -> bytes:
    return masked(0xC1, (deflater.compress(text) + deflater.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff"))


def masked(first: int, payload: bytes) -> bytes:
    key = b"\x37\xfa\x21\x3d"
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return bytes([first]) + length + key + bytes(octet ^ key[i % 4] for i, octet in enumerate(payload))


def test_connections_that_are_encrypted_are_counted_once_from_wherever_the_capture_began() -> None:
    connections = Connections()
    hello, data = bytes.fromhex("16030100c8010000c40303") + bytes(100), bytes.fromhex("170303001001")
    for sequence, segment in ((0, hello), (500, data), (506, b"rest of a record")):
        assert connections.take((1, 2, 40000, 5061), sequence, 0x10, segment, 0) == []
    assert connections.take((2, 1, 5061, 40000), 0, 0x10, data, 0) == []
    assert len(connections.encrypted) == 1
    assert connections.take((2, 1, 5061, 40001), 0, 0x10, data, 0) == []
    assert connections.take((1, 2, 40000, 443), 0, 0x10, hello, 0) == []
    assert len(connections.encrypted) == 2
