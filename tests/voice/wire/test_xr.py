import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.voice.wire.xr import (
    MAX_BLOCKS,
    LastReference,
    LastReferences,
    OtherBlock,
    ReceiptTimes,
    ReferenceTime,
    RunLengths,
    Statistics,
    VoipMetrics,
    read_blocks,
)


def block(block_type: int, specific: int, body: bytes) -> bytes:
    return struct.pack("!BBH", block_type, specific, len(body) // 4) + body


def voip(**fields: int) -> bytes:
    """Write a VoIP metrics block (RFC 3611 section 4.7) with every value known unless told."""
    values = {
        "ssrc": 0x0A0B0C0D, "loss": 26, "discard": 13, "burst_density": 85, "gap_density": 10, "burst": 120, "gap": 520,
        "round_trip": 80, "end_system": 60, "signal": -15, "noise": -70, "echo": 55, "gmin": 16, "r": 82,
        "external": 90, "mos_lq": 41, "mos_cq": 40, "receiver": 0b11_11_0101, "nominal": 60, "maximum": 120,
        "absolute": 200,
    } | fields  # fmt: skip
    return block(7, 0, struct.pack("!I4B4H2b7Bx3H", *values.values()))


def test_voip_metrics_are_read_field_by_field() -> None:
    # The loss figures are those of the example in RFC 3611 section 4.7.2.
    (metrics,), problems = read_blocks(voip())
    assert metrics == VoipMetrics(
        ssrc=0x0A0B0C0D,
        loss_256=26,
        discard_256=13,
        burst_density_256=85,
        gap_density_256=10,
        burst_ms=120,
        gap_ms=520,
        round_trip_ms=80,
        end_system_ms=60,
        signal_dbm=-15,
        noise_dbm=-70,
        echo_return_loss_db=55,
        gmin=16,
        r=82,
        external_r=90,
        mos_lq_x10=41,
        mos_cq_x10=40,
        concealment="standard",
        buffer_kind="adaptive",
        buffer_rate=5,
        buffer_nominal_ms=60,
        buffer_max_ms=120,
        buffer_absolute_max_ms=200,
    )
    assert problems == ()


@pytest.mark.parametrize(
    ("field", "sent", "attribute"),
    [
        ("burst", 65535, "burst_ms"),
        ("gap", 65535, "gap_ms"),
        ("round_trip", 0, "round_trip_ms"),
        ("round_trip", 65535, "round_trip_ms"),
        ("end_system", 0, "end_system_ms"),
        ("end_system", 65535, "end_system_ms"),
        ("signal", 127, "signal_dbm"),
        ("noise", 127, "noise_dbm"),
        ("echo", 127, "echo_return_loss_db"),
        ("r", 127, "r"),
        ("external", 127, "external_r"),
        ("mos_lq", 127, "mos_lq_x10"),
        ("mos_cq", 127, "mos_cq_x10"),
        ("nominal", 65535, "buffer_nominal_ms"),
        ("maximum", 65535, "buffer_max_ms"),
        ("absolute", 65535, "buffer_absolute_max_ms"),
    ],
)
def test_a_value_the_sender_does_not_know_is_none(field: str, sent: int, attribute: str) -> None:
    (metrics,), _ = read_blocks(voip(**{field: sent}))
    assert getattr(metrics, attribute) is None


@pytest.mark.parametrize(
    ("receiver", "concealment", "buffer_kind"),
    [(0x00, "unspecified", "unknown"), (0x50, "disabled", "reserved"), (0xA0, "enhanced", "fixed")],
)
def test_the_receivers_configuration_is_told_in_words(receiver: int, concealment: str, buffer_kind: str) -> None:
    (metrics,), _ = read_blocks(voip(receiver=receiver))
    assert isinstance(metrics, VoipMetrics)
    assert (metrics.concealment, metrics.buffer_kind) == (concealment, buffer_kind)


def test_a_loss_map_names_the_lost_packets() -> None:
    # 12 received, 2 lost, then a vector whose third and last of 15 packets are lost.
    chunks = (0x4000 | 12, 2, 0x8000 | 0b110111111111110, 0)
    (run_lengths,), problems = read_blocks(block(1, 0, struct.pack("!IHH4H", 5, 65530, 65530 + 29 - 65536, *chunks)))
    assert isinstance(run_lengths, RunLengths)
    assert run_lengths.chunks == chunks[:-1]
    assert run_lengths.kind == "loss"
    assert run_lengths.marked() == (6, 7, 10, 22)
    assert problems == ()


def test_a_thinned_map_counts_every_second_power() -> None:
    # Thinning 2: numbers divisible by 4 from 101 on are 104, 108, 112; only the second came twice.
    (run_lengths,), _ = read_blocks(block(2, 2, struct.pack("!IHH2H", 5, 101, 116, 0x8000 | 0b101 << 12, 0)))
    assert isinstance(run_lengths, RunLengths)
    assert (run_lengths.kind, run_lengths.thinning, run_lengths.marked()) == ("duplicates", 2, (108,))


@given(st.integers(0, 0xFFFF), st.integers(0, 15), st.lists(st.booleans(), max_size=60))
def test_a_loss_map_of_any_packets_is_read_back(begin: int, thinning: int, received: list[bool]) -> None:
    step = 1 << thinning
    first = begin + -begin % step
    received = received[: max(0, 0xFFFF - (first - begin)) // step]
    end = (first + step * len(received)) & 0xFFFF if received else begin
    vectors = [received[at : at + 15] for at in range(0, len(received), 15)]
    chunks = tuple(0x8000 | sum(bit << 14 - place for place, bit in enumerate(vector)) for vector in vectors)
    run_lengths = RunLengths("loss", thinning, 1, begin, end, chunks)
    lost = tuple((first + place * step) & 0xFFFF for place, bit in enumerate(received) if not bit)
    assert run_lengths.marked() == lost


def test_a_map_that_promises_more_than_its_range_is_cut_to_the_range() -> None:
    assert RunLengths("loss", 0, 1, 10, 13, (0x3FFF,)).marked() == (10, 11, 12)


def test_a_map_shorter_than_its_range_tells_of_what_it_covers() -> None:
    assert RunLengths("loss", 0, 1, 10, 20, (2,)).marked() == (10, 11)


def test_a_map_without_a_null_chunk_keeps_its_last_chunk() -> None:
    (run_lengths,), _ = read_blocks(block(1, 0, struct.pack("!IHH2H", 5, 0, 4, 2, 0x4002)))
    assert run_lengths == RunLengths("loss", 0, 5, 0, 4, (2, 0x4002))


def test_receipt_times_and_references_are_read() -> None:
    data = (
        block(3, 1, struct.pack("!IHHII", 5, 10, 14, 1000, 1320))
        + block(4, 0, struct.pack("!Q", 0xEEADD00F1C28F5C2))
        + block(5, 0, struct.pack("!6I", 1, 2, 3, 4, 5, 6))
        + block(1, 0, struct.pack("!IHH", 5, 0, 0))
        + block(42, 7, b"abcd")
    )
    assert read_blocks(data) == (
        (
            ReceiptTimes(1, 5, 10, 14, (1000, 1320)),
            ReferenceTime(0xEEADD00F1C28F5C2),
            LastReferences((LastReference(1, 2, 3), LastReference(4, 5, 6))),
            RunLengths("loss", 0, 5, 0, 0, ()),
            OtherBlock(42, b"abcd"),
        ),
        (),
    )


@pytest.mark.parametrize(
    ("flags", "known"),
    [
        (0b111_01_000, Statistics(5, 10, 20, 1, 2, 3, 4, 5, 6, "ttl", 61, 64, 62, 1)),
        (0b111_10_000, Statistics(5, 10, 20, 1, 2, 3, 4, 5, 6, "hop limit", 61, 64, 62, 1)),
        (0b100_00_000, Statistics(5, 10, 20, 1, None, None, None, None, None, None, None, None, None, None)),
        (0b011_00_000, Statistics(5, 10, 20, None, 2, 3, 4, 5, 6, None, None, None, None, None)),
    ],
)
def test_statistics_hold_what_their_flags_announce(flags: int, known: Statistics) -> None:
    body = struct.pack("!IHH6I4B", 5, 10, 20, 1, 2, 3, 4, 5, 6, 61, 64, 62, 1)
    assert read_blocks(block(6, flags, body)) == ((known,), ())


@pytest.mark.parametrize(
    ("bad", "phrase"),
    [
        (block(7, 0, bytes(28)), "the XR block VoIP metrics has 28 bytes of content"),
        (block(6, 0, bytes(8)), "the XR block statistics summary has 8 bytes of content"),
        (block(5, 0, bytes(8)), "the XR block DLRR has 8 bytes of content"),
        (block(1, 0, bytes(4)), "the XR block loss RLE has 4 bytes of content"),
    ],
)
def test_a_block_of_an_impossible_length_is_told_and_the_next_is_read(bad: bytes, phrase: str) -> None:
    assert read_blocks(bad + block(42, 0, b"")) == ((OtherBlock(42, b""),), ((0, phrase),))


@pytest.mark.parametrize("cut", [block(4, 0, bytes(8))[:-1], b"\x04\x00", b"\x04\x00\x00"])
def test_a_block_that_is_cut_off_ends_the_reading(cut: bytes) -> None:
    good = block(42, 0, b"abcd")
    assert read_blocks(good + cut) == ((OtherBlock(42, b"abcd"),), ((8, "the XR block of type 4 is cut off"),))


def test_blocks_without_end_are_read_up_to_the_limit() -> None:
    blocks, problems = read_blocks(block(42, 0, b"") * (MAX_BLOCKS + 5))
    assert len(blocks) == MAX_BLOCKS
    assert problems == ((4 * MAX_BLOCKS, f"more than {MAX_BLOCKS} XR blocks in one packet"),)


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_answered(data: bytes) -> None:
    blocks, problems = read_blocks(data)
    assert bool(blocks or problems) == bool(data)
