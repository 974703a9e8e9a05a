"""Redundant audio data (RFC 2198): what it puts back, against a plain second opinion, and by hand at its corners."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.voice import captures as c
from tests.voice import media

from clearline.voice.results import Stream

SPEECH = c.TONE


def red(*blocks: tuple[int, int, bytes], primary: int = 0, payload: bytes = SPEECH) -> bytes:
    """A payload: of each redundant block its payload type, timestamp offset and data; then the primary block."""
    heads = b"".join(
        struct.pack("!I", 1 << 31 | kind << 24 | offset << 10 | len(data)) for kind, offset, data in blocks
    )
    return heads + bytes([primary]) + b"".join(data for _, _, data in blocks) + payload


def copies(*distances: int) -> bytes:
    return red(*((0, 160 * distance, SPEECH) for distance in sorted(distances, reverse=True)))


def found(payloads: list[bytes], *, lost: list[int] | None = None, secure: bool = False, profile: str = "planning",
          delays_us: dict[int, int] | None = None, buffer: str = "fixed-60/1") -> Stream:  # fmt: skip
    records = media.announced("96 0", media.RED, secure=secure)
    records += media.stream(payloads, payload_type=96, lost=lost or [], delays_us=delays_us)
    return media.analysed(records, profile=profile, buffer=buffer).streams[0]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.booleans(), min_size=40, max_size=120), st.sets(st.integers(1, 3), min_size=1, max_size=2))
def test_what_is_put_back_equals_a_plain_second_opinion(fates: list[bool], distances: set[int]) -> None:
    fates[:8] = [True] * 8
    fates[-1] = True
    lost = [n for n, arrived in enumerate(fates) if not arrived]
    stream = found([copies(*distances)] * len(fates), lost=lost)
    put_back = {n for n in lost if any(n + d < len(fates) and fates[n + d] for d in distances)}
    assert stream.redundancy is not None
    assert stream.counts.lost == len(lost)
    assert (stream.redundancy.repaired, stream.redundancy.residual) == (len(put_back), len(lost) - len(put_back))
    left = sorted(set(lost) - put_back)
    runs = sum(n - 1 not in left for n in left)
    expected = len(fates)
    if len(left) >= 10:
        assert stream.burst.burst_ratio == pytest.approx(
            max(1.0, len(left) / runs * (1 - len(left) / expected)), rel=1e-9
        )
    for interval in stream.intervals:
        assert interval.mos_lq is not None


def test_the_score_is_that_of_the_residual_loss() -> None:
    repaired = found([copies(1)] * 200, lost=[20, 50, 80])
    assert repaired.codec == "PCMU"
    assert repaired.counts.lost == 3
    assert repaired.quality.mos_lq == pytest.approx(4.409, abs=0.001)
    assert repaired.intervals[0].mos_lq == pytest.approx(4.409, abs=0.001)
    plain = found([red()] * 200, lost=[20, 50, 80])
    assert plain.redundancy is None
    assert plain.quality.mos_lq is not None
    assert plain.quality.mos_lq < 4.3


def test_a_copy_that_comes_after_its_turn_to_be_played_puts_nothing_back() -> None:
    for delay_us, repaired in ((30_000, 1), (45_000, 0)):  # the buffer holds 60 ms, the packet before is 20 ms older
        stream = found([copies(1)] * 60, lost=[30], delays_us={31: delay_us})
        assert stream.redundancy is not None
        assert stream.redundancy.repaired == repaired
        assert stream.counts.discarded == 0


def test_a_packet_too_late_to_be_played_is_put_back_by_one_that_was_not() -> None:
    stream = found([copies(1)] * 60, delays_us={30: 90_000})
    assert stream.redundancy is not None
    assert (stream.counts.discarded, stream.redundancy.repaired, stream.redundancy.residual) == (1, 1, 0)


def test_a_packet_that_comes_after_its_copy_is_not_counted_as_put_back() -> None:
    stream = found([copies(1)] * 60, delays_us={30: 25_000})
    assert stream.redundancy is not None
    assert (stream.counts.lost, stream.counts.reordered, stream.redundancy.repaired) == (0, 1, 0)


def test_copies_of_many_late_packets_are_forgotten() -> None:
    count = 2_500
    delays = dict.fromkeys(range(10, count, 2), 25_000)
    stream = found([copies(1)] * count, delays_us=delays, lost=[2_491])
    assert stream.redundancy is not None
    assert stream.redundancy.repaired == 1


def test_after_a_long_outage_one_run_stays_lost() -> None:
    payloads = [copies(1)] * 9_000
    records = media.announced("96 0", media.RED, ends_us=181_000_000)
    records += media.stream(payloads, payload_type=96, lost=range(500, 8_500))
    stream = media.analysed(records).streams[0]
    assert stream.redundancy is not None
    assert (stream.counts.lost, stream.redundancy.repaired, stream.redundancy.residual) == (8_000, 0, 8_000)
    assert stream.burst.burst_ratio == pytest.approx(8_000 * (1 - 8_000 / 9_000))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        bytes([0x80]),
        bytes([0x80, 0x02, 0x80]),
        struct.pack("!I", 1 << 31 | 160 << 10 | 500) + bytes([0]) + SPEECH,  # a block longer than the payload
        struct.pack("!I", 1 << 31 | 160 << 10) * 33 + bytes([0]) + SPEECH,  # more blocks than anybody sends
        struct.pack("!I", 1 << 31 | 160 << 10) * 3,  # no primary block
    ],
)
def test_malformed_headers_are_counted_and_what_is_beside_them_still_counts(payload: bytes) -> None:
    stream = found([copies(1)] * 20 + [payload] + [copies(1)] * 20, lost=[30])
    assert stream.malformed_payloads == 1
    assert stream.redundancy is not None
    assert (stream.redundancy.packets, stream.redundancy.repaired) == (39, 1)


@pytest.mark.parametrize("block", [(0, 160, b""), (0, 0, SPEECH), (0, 161, SPEECH)])
def test_an_empty_or_a_wrongly_timed_copy_puts_nothing_back(block: tuple[int, int, bytes]) -> None:
    stream = found([red(block)] * 40, lost=[30])
    assert stream.redundancy is None or stream.redundancy.repaired == 0
    assert stream.malformed_payloads == 0


def test_encrypted_redundancy_is_neither_inspected_nor_guessed() -> None:
    stream = found([copies(1)] * 60, lost=[30], secure=True)
    assert (stream.redundancy, stream.malformed_payloads, stream.codec) == (None, 0, "PCMU")


def test_headers_in_a_payload_that_the_capture_cut_are_read_as_far_as_they_go() -> None:
    records = media.stream([copies(1)] * 40, payload_type=96, lost=[30])
    for octets, packets in ((20, 39), (14, 0)):
        cut = [(at_us, frame[: 42 + octets]) for at_us, frame in records]
        stream = media.analysed(media.announced("96 0", media.RED) + cut).streams[0]
        assert stream.malformed_payloads == 0
        assert (stream.redundancy.packets if stream.redundancy else 0) == packets


def test_the_codec_inside_is_the_one_seen_and_else_the_first_one_described() -> None:
    lines = ("a=rtpmap:96 red/8000", "a=fmtp:96 0/8")
    records = media.announced("96 0 8", lines) + media.stream([red(primary=8)] * 20, payload_type=96)
    assert media.analysed(records).streams[0].codec == "PCMA"
    for named, codec in (("0/8", "PCMU"), ("x", "red"), ("99", "red")):
        lines = ("a=rtpmap:96 red/8000", f"a=fmtp:96 {named}")
        records = media.announced("96 0 8", lines, secure=True) + media.stream([red()] * 20, payload_type=96)
        assert media.analysed(records).streams[0].codec == codec


def test_redundancy_is_written_with_both_losses() -> None:
    stream = found([copies(1)] * 100, lost=[30, 31])
    written = stream.to_json()
    assert (written["lost"], written["loss_percent"]) == (2, "2.0000")
    assert written["redundancy"] == {
        "kinds": ["RFC 2198"],
        "packets": 98,
        "repaired": 1,
        "residual": 1,
        "residual_percent": "1.0000",
    }
