"""Telephone events (RFC 4733), pauses, comfort noise and changes of the payload type."""

import struct
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.voice import captures as c
from tests.voice import media
from tests.voice.test_redundancy import red

from clearline.voice.results import Digit, Stream
from clearline.voice.results.findings import findings

EVENTS = ("a=rtpmap:101 telephone-event/8000",)


def event(code: int, duration: int, *, end: bool = False, volume: int = 10) -> bytes:
    return struct.pack("!BBH", code, (0x80 if end else 0) | volume, duration)


Sent = tuple[int, int, bytes]
"""RTP timestamp, marker, payload of an event's packet."""


def pressed(code: int, timestamp: int, packets: int, ends: int = 3) -> list[Sent]:
    """A key's packets: each 20 ms the duration so far, and the end three times (RFC 4733 section 2.5.1.4)."""
    told = [(timestamp, int(n == 1), event(code, 160 * n)) for n in range(1, packets + 1)]
    return told + [(timestamp, 0, event(code, 160 * (packets + 1), end=True))] * ends


def found(sent: Iterable[Sent], *, lost: Iterable[int] = (), lines: tuple[str, ...] = EVENTS, payload_type: int = 101,
          secure: bool = False, cut: int = 0) -> Stream:  # fmt: skip
    """Speech, then the events' packets 20 ms apart, then speech."""
    packets = [c.rtp(n, 160 * n) for n in range(50)]
    packets += [
        c.rtp(50 + n, stamp, payload_type=payload_type, marker=bool(marker), payload=payload)[
            : None if not cut else -cut
        ]
        for n, (stamp, marker, payload) in enumerate(sent)
    ]
    packets += [c.rtp(len(packets) + n, 160 * (len(packets) + n)) for n in range(10)]
    gone = set(lost)
    records = [
        (1_010_000 + 20_000 * n, c.udp(c.ALICE_AUDIO, c.BOB_AUDIO, packet))
        for n, packet in enumerate(packets)
        if n - 50 not in gone
    ]
    formats = "0 101" if lines else "0"
    ends_us = records[-1][0] + 100_000
    return media.analysed(media.announced(formats, lines, secure=secure, ends_us=ends_us) + records).streams[0]


def keys(stream: Stream) -> list[tuple[str, float]]:
    return [(digit.name, digit.duration_us / 1000) for digit in stream.digits]


def test_each_key_is_told_once_with_its_duration_however_often_its_end_is_sent() -> None:
    stream = found([*pressed(1, 8000, 5), *pressed(1, 9600, 3), *pressed(11, 11_200, 2)])
    assert keys(stream) == [("1", 120.0), ("1", 80.0), ("#", 60.0)]
    assert stream.digit_count == 3
    assert stream.digits[0] == Digit(1, c.START_US + 2_010_000, 120_000, -10, ended=True)
    assert stream.counts.events == 19
    assert stream.quality.mos_lq is not None
    assert stream.level is None  # fewer than three seconds
    assert "telephone events: 1 (120 ms), 1 (80 ms), # (60 ms)" in findings(stream)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 15), st.integers(1, 6)), min_size=1, max_size=6),
    st.sets(st.integers(0, 60), max_size=12),
)
def test_losses_never_double_or_lengthen_a_key(sent: list[tuple[int, int]], lost: set[int]) -> None:
    packets: list[Sent] = []
    truth = []
    for n, (code, count) in enumerate(sent):
        told = pressed(code, 8000 + 100_000 * n, count)
        arrived = [payload for place, (_, _, payload) in enumerate(told, len(packets)) if place not in lost]
        if arrived:
            truth.append(("0123456789*#ABCD"[code], max(struct.unpack("!BBH", each)[2] for each in arrived) / 8))
        packets += told
    assert keys(found(packets, lost=lost)) == truth


def test_a_key_held_longer_than_16_bits_tell_is_one() -> None:
    first = [(8000, 1, event(5, 160)), (8000, 0, event(5, 0xFFFF))]
    second = [(8000 + 0xFFFF, 0, event(5, 160)), (8000 + 0xFFFF, 0, event(5, 8001, end=True))]
    late = [(8000, 0, event(5, 0xFFFF))]
    assert keys(found(first + second + late)) == [("5", (0xFFFF + 8001) / 8)]
    again = [(8000 + 0xFFFF + 9000, 0, event(5, 160, end=True))]
    assert len(keys(found(first + second + again))) == 2


def test_the_duration_is_counted_over_the_wrap_of_the_timestamp() -> None:
    first = [(0xFFFFFFFF - 99, 1, event(5, 0xFFFF))]
    second = [(0xFFFF - 100, 0, event(5, 800, end=True))]
    assert keys(found(first + second)) == [("5", (0xFFFF + 800) / 8)]


def test_several_events_of_one_packet_follow_each_other() -> None:
    stream = found([(8000, 1, event(1, 800, end=True) + event(2, 400, end=True))] * 2)
    assert keys(stream) == [("1", 100.0), ("2", 50.0)]


def test_tones_that_are_no_key_are_named_by_their_number() -> None:
    stream = found(pressed(32, 8000, 2))
    assert keys(stream) == [("event 32", 60.0)]
    written = stream.to_json()["digits"]
    assert isinstance(written, list)
    assert written[0] == {
        "event": "event 32",
        "at": "2026-09-21T14:13:22.010000Z",
        "ms": 60.0,
        "volume_dbm0": -10,
        "ended": True,
    }


def test_the_clock_rate_is_that_of_the_event_format() -> None:
    stream = found([(8000, 1, event(3, 4800, end=True))], lines=("a=rtpmap:101 telephone-event/48000",))
    assert keys(stream) == [("3", 100.0)]


def test_events_beside_speech_need_no_description() -> None:
    assert keys(found(pressed(7, 8000, 2), lines=())) == [("7", 60.0)]
    assert keys(found([(8000, 0, b"12345")], lines=())) == []
    assert keys(found(pressed(7, 8000, 2), lines=(), payload_type=34)) == []


def test_encrypted_cut_and_malformed_events_are_not_read() -> None:
    assert keys(found(pressed(7, 8000, 2), secure=True)) == []
    broken = found([(8000, 0, b"123"), (8000, 0, b"")])
    assert (keys(broken), broken.malformed_payloads) == ([], 2)
    records = media.announced("0 101", EVENTS) + media.stream([c.TONE] * 20, payload_type=0)
    packet = c.udp(c.ALICE_AUDIO, c.BOB_AUDIO, c.rtp(20, 8000, payload_type=101, payload=event(1, 8)))
    cut = media.analysed([*records, (1_500_000, packet[:56])]).streams[0]
    assert (keys(cut), cut.counts.events, cut.malformed_payloads) == ([], 1, 0)


def test_a_key_whose_packets_were_lost_is_told_by_redundancy() -> None:
    lines = ("a=rtpmap:96 red/8000", "a=fmtp:96 0/0", *EVENTS)
    payloads = [red() for _ in range(20)]
    payloads += [red((101, 160, event(9, 160 * n)), primary=101, payload=event(9, 160 * (n + 1))) for n in range(1, 4)]
    payloads += [red((101, 320, event(9, 800, end=True))) for _ in range(2)]
    records = media.announced("96 0 101", lines) + media.stream(payloads, payload_type=96)
    stream = media.analysed(records).streams[0]
    assert stream.digit_count >= 1
    assert {digit.name for digit in stream.digits} == {"9"}


def test_the_events_that_are_kept_are_limited() -> None:
    stream = found([(8000 + 1000 * n, 1, event(n % 10, 400, end=True)) for n in range(250)])
    assert (len(stream.digits), stream.digit_count) == (200, 250)
    assert any(sentence.endswith("and 218 more") for sentence in findings(stream))


def test_pauses_comfort_noise_and_changes_of_the_payload_type_are_said() -> None:
    packets = [c.rtp(n, 160 * n) for n in range(50)]
    packets += [c.rtp(50, 160 * 50, payload_type=13, payload=b"\x40")]
    packets += [c.rtp(51 + n, 160 * (150 + n)) for n in range(50)]
    packets += [c.rtp(101 + n, 160 * (200 + n), payload_type=8) for n in range(50)]
    times = [*range(51), *range(150, 250)]
    records = [
        (1_010_000 + 20_000 * time, c.udp(c.ALICE_AUDIO, c.BOB_AUDIO, packet))
        for time, packet in zip(times, packets, strict=True)
    ]
    stream = media.analysed(media.announced("0 8 13", (), ends_us=6_100_000) + records).streams[0]
    assert (stream.counts.noises, stream.counts.payload_changes, stream.counts.pauses) == (1, 1, 1)
    assert "pauses of the sender (DTX): 1, packets of comfort noise: 1" in findings(stream)
    assert "the payload type changed once" in findings(stream)
    assert "codec_changed" in stream.flags
    back = [
        (at + 6_000_000, frame)
        for at, frame in [
            (at, c.udp(c.ALICE_AUDIO, c.BOB_AUDIO, c.rtp(151 + n, 160 * (250 + n))))
            for n, at in enumerate(range(0, 200_000, 20_000))
        ]
    ]
    twice = media.analysed(media.announced("0 8 13", (), ends_us=6_300_000) + records + back).streams[0]
    assert "the payload type changed 2 times" in findings(twice)


def test_a_stream_of_nothing_but_comfort_noise_is_told_as_such() -> None:
    records = media.announced("0 13", ()) + media.stream([b"\x40"] * 20, payload_type=13)
    (stream,) = media.analysed(records).streams
    assert (stream.payload_type, stream.codec, stream.counts.noises) == (13, "CN", 20)
    assert stream.quality.unscored == "it is comfort noise only"
    assert "no_audio" not in stream.flags
