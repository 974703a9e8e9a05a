"""What RTCP tells of streams, read where it stands and by way of the parser: both must say the same."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.voice.reports import MAX_PLAIN_BYTES, FarEnd, ReportBook
from clearline.voice.wire.rtcp import parse_compound

words = st.integers(0, 0xFFFFFFFF)
sources = st.sampled_from([1, 2, 0xFFFFFFFF])


def header(kind: int, count: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


@st.composite
def report(draw: st.DrawFn) -> bytes:
    """An SR or RR with up to three blocks, whose LSR may be that of an SR before."""
    lsr = st.sampled_from([0, 0x10002])
    blocks = b"".join(
        struct.pack("!6I", draw(sources), draw(words), draw(words), draw(words), draw(lsr), draw(words))
        for _ in range(draw(st.integers(0, 3)))
    )
    count = len(blocks) // 24
    if draw(st.booleans()):
        ntp = draw(st.sampled_from([0, 0x1_0001_0002_0000, 0x2_0001_0002_0000]))
        return header(200, count, struct.pack("!IQIII", draw(sources), ntp, 0, 0, 0) + blocks)
    return header(201, count, struct.pack("!I", draw(sources)) + blocks)


@st.composite
def description(draw: st.DrawFn) -> bytes:
    """An SDES of up to two sources, ended as it should be."""
    chunks = b""
    names = draw(st.lists(st.binary(max_size=9), max_size=2))
    for name in names:
        chunk = struct.pack("!IBB", draw(sources), 1, len(name)) + name + b"\0"
        chunks += chunk + bytes(-len(chunk) % 4)
    return header(202, len(names), chunks)


@st.composite
def datagrams(draw: st.DrawFn) -> list[bytes]:
    """Compounds, some with octets changed or cut off."""
    others = st.sampled_from([header(203, 1, bytes(4)), header(205, 1, bytes(12)), b"\x80", bytes(8)])
    found = []
    for _ in range(draw(st.integers(1, 4))):
        data = bytearray(b"".join(draw(st.lists(report() | description() | others, min_size=1, max_size=4))))
        if draw(st.integers(0, 3)) == 0:
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
        found.append(bytes(data[: draw(st.sampled_from([len(data), draw(st.integers(0, len(data)))]))]))
    return found


def state(book: ReportBook) -> object:
    names = ("reports", "lost", "fraction_max", "jitter", "trips", "trip_sum_us")
    lists = ("sent_middles", "sent_us", "trip_times_us", "trips_us")
    ends = {
        key: [getattr(end, name) for name in names] + [list(getattr(end, name)) for name in lists]
        for key, end in book.far_ends.items()
    }
    return book.packets, ends


@given(datagrams())
def test_reports_read_where_they_stand_say_what_the_parser_says(given_datagrams: list[bytes]) -> None:
    direct, parsed = ReportBook(), ReportBook()
    for number, data in enumerate(given_datagrams):
        ends = (1, 2) if number % 2 else (2, 1)
        packets, problems = parse_compound(data)
        if direct.take_plain(data, *ends, 1_000_000 * number):
            assert not problems
        else:
            direct.take(packets, *ends, 1_000_000 * number)
        parsed.take(packets, *ends, 1_000_000 * number)
        assert state(direct) == state(parsed)


@given(st.lists(report(), min_size=1, max_size=3).map(b"".join), description())
def test_whole_reports_with_a_description_need_no_parser(data: bytes, names: bytes) -> None:
    assert ReportBook().take_plain(data + names, 1, 2, 0) == (len(names) > 4)


def test_a_datagram_of_too_many_packets_is_left_to_the_parser() -> None:
    assert not ReportBook().take_plain(header(201, 0, bytes(4)) * (MAX_PLAIN_BYTES // 8 + 1), 1, 2, 0)


@pytest.mark.parametrize(
    ("count", "chunks"),
    [
        (1, b""),  # a source is announced and none is there
        (2, struct.pack("!I4x", 1)),  # two are announced and one is there
        (1, struct.pack("!IBB", 1, 1, 9) + b"ab"),  # the item runs over the end
        (1, struct.pack("!I3sB", 1, b"\x01\x01a", 1)),  # an item's length lies beyond the end
    ],
)
def test_a_damaged_description_is_left_to_the_parser(count: int, chunks: bytes) -> None:
    data = header(201, 0, bytes(4)) + header(202, count, chunks)
    assert parse_compound(data)[1]
    assert not ReportBook().take_plain(data, 1, 2, 0)


def test_a_sender_report_that_was_captured_twice_passed_when_it_did_first() -> None:
    far_end = FarEnd()
    far_end.send(5, 1_000)
    far_end.send(5, 2_000)
    assert far_end.sent_at_us(5) == 1_000
    assert len(far_end.sent_us) == 1
