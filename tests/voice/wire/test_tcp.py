import pytest

from clearline.voice.wire import tcp
from clearline.voice.wire.tcp import FIN, RST, SYN, Connections

KEY = (1, 2, 5060, 5060)


def message(n: int) -> bytes:
    return b"OPTIONS sip:x SIP/2.0\r\nCall-ID: %d\r\nContent-Length: 3\r\n\r\nabc" % n


def feed(connections: Connections, *segments: tuple[int, bytes]) -> list[bytes]:
    return [m for sequence, data in segments for m in connections.take(KEY, sequence, 0x10, data)]


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
    assert connections.take(KEY, 99, SYN, b"") == []
    assert connections.take(KEY, 100, 0x10, message(1)[:20]) == []
    assert connections.take(KEY, 499, SYN, b"") == []
    assert connections.take(KEY, 500, FIN, message(2)) == [message(2)]
    assert connections.directions == {}
    assert connections.take(KEY, 600, RST, b"") == []


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


def test_when_nothing_that_waits_begins_a_message_the_rest_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "MAX_WAITING_SEGMENTS", 1)
    connections = Connections()
    assert feed(connections, (0, message(1)), (500, b"xx"), (600, b"yy")) == [message(1)]
    assert (connections.missing, connections.directions[KEY].waiting) == (1, {})


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
        connections.take((n, 2, 3, 4), 0, 0x10, b"INVITE sip:x")
    assert [key[0] for key in connections.directions] == [2, 3]


def test_the_messages_of_a_websocket_are_read_from_either_side() -> None:
    connections = Connections()
    sent = masked(0x81, message(1)) + masked(0x89, b"ping") + masked(0x81, message(2))
    assert feed(connections, (0, sent[:200]), (200, sent[200:])) == [message(1), message(2)]
    back = (2, 1, 5060, 5060)
    plain = bytes([0x81, 126]) + len(message(3)).to_bytes(2, "big") + message(3)
    assert connections.take(back, 7, 0x10, b"HTTP/1.1 101 Switching Protocols\r\n\r\n") == []
    assert connections.take(back, 44, 0x10, plain) == [message(3)]
    assert connections.take((3, 1, 80, 80), 44, 0x10, bytes([0x81, 5]) + b"hello") == []


def masked(first: int, payload: bytes) -> bytes:
    key = b"\x37\xfa\x21\x3d"
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return bytes([first]) + length + key + bytes(octet ^ key[i % 4] for i, octet in enumerate(payload))


def test_connections_that_are_encrypted_are_counted_once() -> None:
    connections = Connections()
    hello = bytes.fromhex("16030100c8010000c40303") + bytes(100)
    for sequence in (0, 500):
        assert connections.take((1, 2, 40000, 5061), sequence, 0x10, hello if not sequence else b"\x17\x03\x03") == []
    assert connections.take((1, 2, 40000, 443), 0, 0x10, hello) == []
    assert connections.encrypted == 1
