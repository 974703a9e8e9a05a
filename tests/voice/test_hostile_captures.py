"""Damage of every kind, seeded, so that a failure can be had again; and all that a fuzzer ever found."""

import gzip
import random
import struct
from dataclasses import replace
from pathlib import Path

import pytest
from tests.voice import captures as c
from tests.voice.fuzzing import TARGETS, check

from clearline.voice.analysis import CaptureError, analyze
from clearline.voice.wire.pcap import CaptureReader

SEEDS = Path(__file__).parent / "seeds"
FOUND = sorted(path for path in SEEDS.rglob("*") if path.is_file())
CAPTURES = sorted((SEEDS / "capture").iterdir())
MUTANTS = 40
"""Damaged files made of each seed."""

INTERESTING = (b"\0", b"\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\0\0\0\0\0")


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_seed_keeps_every_promise(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


def damaged(data: bytes, source: random.Random) -> bytes:
    """Damage a file as disks, cut transfers and attackers do."""
    spoiled = bytearray(data)
    for _ in range(source.randint(1, 6)):
        at = source.randrange(len(spoiled) or 1)
        length = min(source.choice((1, 2, 4, 16, 200)), len(spoiled) - at)
        match source.randrange(6):
            case 0:
                spoiled[at : at + 1] = bytes([source.randrange(256)])
            case 1:
                value = source.choice(INTERESTING)
                spoiled[at : at + len(value)] = value
            case 2:
                del spoiled[at : at + length]
            case 3:
                spoiled[at:at] = spoiled[at : at + length]
            case 4:
                other = source.randrange(len(spoiled) or 1)
                spoiled[at : at + length] = spoiled[other : other + length]
            case _:
                spoiled[at:] = b"" if source.random() < 0.2 else spoiled[at:]
    return bytes(spoiled)


@pytest.mark.parametrize("seed", range(MUTANTS))
@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_a_damaged_capture_is_analysed_or_refused(path: Path, seed: int) -> None:
    data = damaged(path.read_bytes(), random.Random(seed))
    TARGETS["capture"](data)
    TARGETS["capture_in_pieces"](data)


@pytest.mark.parametrize("name", sorted({path.parent.name for path in FOUND} - {"capture"}))
def test_damaged_messages_and_packets_are_read_or_refused(name: str) -> None:
    source = random.Random(name)
    for path in sorted((SEEDS / name).iterdir()):
        for _ in range(MUTANTS):
            TARGETS[name](damaged(path.read_bytes(), source))


@pytest.mark.parametrize("link", [0, 1, 101, 113, 276, 50, 65_000])
def test_packets_of_noise_are_counted_and_take_nothing_from_the_call_beside_them(link: int) -> None:
    source = random.Random(link)
    noise = [(20_000 * place + 1, source.randbytes(source.randrange(200))) for place in range(200)]
    analysis = analyze([c.pcap(noise, link=link)], "noise.pcap")
    check(analysis)
    assert analysis.packets == 200
    beside = analyze([c.pcap(c.in_time(c.call() + c.both_ways() + noise))], "beside.pcap")
    alone = analyze([c.pcap(c.in_time(c.call() + c.both_ways()))], "beside.pcap")
    assert beside.calls == alone.calls
    assert beside.streams == alone.streams


@pytest.mark.parametrize("first", range(0, 256, 5))
def test_a_datagram_beginning_with_any_octet_takes_nothing_from_the_call_beside_it(first: int) -> None:
    odd = [
        (500_000 + place, c.udp("10.0.9.1:7000", "10.0.9.2:7002", bytes([first, second]) + bytes(size)))
        for place, (second, size) in enumerate((second, size) for second in range(0, 256, 15) for size in (0, 10, 30))
    ]
    alone = analyze([c.pcap(c.in_time(c.call() + c.both_ways()))], "x.pcap")
    beside = analyze([c.pcap(c.in_time(c.call() + c.both_ways() + odd))], "x.pcap")
    check(beside)
    assert beside.calls == alone.calls
    assert [replace(stream, index=0) for stream in beside.streams if stream.call_id] == [
        replace(stream, index=0) for stream in alone.streams
    ]


@pytest.mark.parametrize("header", [b"\x8f", b"\xaf", b"\xbf", b"\x9f"])
def test_an_rtp_packet_shorter_than_it_says_begins_no_stream(header: bytes) -> None:
    short = (500_000, c.udp("10.0.9.1:7000", "10.0.9.2:7002", header + bytes(11) + b"\xff"))
    analysis = analyze([c.pcap([short])], "short.pcap")
    assert analysis.streams == ()
    assert analysis.malformed == 1


def test_a_capture_whose_clock_steps_back_has_no_stream_that_ends_before_it_begins() -> None:
    stepped = [(at_us - 3_600_000_000 * (at_us > 3_000_000), frame) for at_us, frame in c.speech()]
    analysis = analyze([c.pcap(stepped)], "stepped.pcap")
    check(analysis)
    assert analysis.capture.backwards == 1
    assert analysis.streams[0].counts.received == 500


def test_a_header_that_promises_a_huge_record_costs_no_memory() -> None:
    data = c.pcap(c.in_time(c.both_ways(20)))
    huge = data + struct.pack("<IIII", 1, 1, 0xFFFFFFFF, 0xFFFFFFFF) + bytes(100)
    analysis = analyze([huge], "huge.pcap")
    assert [stream.counts.received for stream in analysis.streams] == [20, 20]
    assert analysis.capture.end or analysis.malformed


def test_a_clock_set_right_within_a_capture_costs_no_interval_for_the_years_between() -> None:
    stepped = [(at_us + 50 * 31_557_600_000_000 * (at_us > 3_000_000), frame) for at_us, frame in c.speech()]
    analysis = analyze([c.pcap([(at_us - 50 * 31_557_600_000_000, frame) for at_us, frame in stepped])], "set.pcap")
    (stream,) = analysis.streams
    assert stream.counts.received == 500
    assert len(stream.intervals) == 2
    assert sum(interval.received for interval in stream.intervals) == 500


def test_what_comes_after_a_place_where_the_reading_was_given_up_is_not_kept() -> None:
    reader = CaptureReader()
    reader.feed(
        SEEDS.joinpath("capture", "call.pcapng").read_bytes() + struct.pack("<II", 6, 0xFFFFFFF0) + bytes(1_100_000)
    )
    while reader.next():
        pass
    left = len(reader.data)
    for _ in range(100):
        reader.feed(bytes(10_000))
        assert not reader.next()
    assert len(reader.data) == left
    assert reader.finish() == "a damaged record, and no good one after it within a megabyte"


def test_a_search_for_the_next_record_gives_up_after_a_megabyte_and_says_so() -> None:
    good = c.pcap(c.in_time(c.both_ways(20)))
    analysis = analyze([good, b"\xff" * 700_000, b"\xff" * 700_000, good[24:]], "lost.pcap")
    assert [stream.counts.received for stream in analysis.streams] == [20, 20]
    assert analysis.capture.end == "a damaged record, and no good one after it within a megabyte"


def test_of_a_damaged_gzip_file_all_that_stands_before_the_damage_is_read() -> None:
    records = c.in_time(c.both_ways(100))
    whole = gzip.compress(c.pcap(records), mtime=0)
    damaged_at = len(whole) // 2
    spoiled = whole[:damaged_at] + b"\xff" * 8 + whole[damaged_at + 8 :]
    analysis = analyze([spoiled], "damaged.pcap.gz")
    assert 50 < analysis.packets < 200


@pytest.mark.parametrize("data", [b"", b"\0", b"GET / HTTP/1.1\r\n\r\n", b"\x1f\x8b", b"\x1f\x8b\x08\0", b"\xff" * 100])
def test_what_is_no_capture_is_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(CaptureError, match=r"\w+ \w+"):
        analyze([data], "x")
