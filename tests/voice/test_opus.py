"""What Opus packets say undecoded, held against libopus.

data/opus_packets.json was made with libopus 1.3.1 from a synthetic voice (pulses through three resonances, switched on
and off). A packet is marked redundant where its decoder, asked for the lost packet before it (`decode_fec`), gave other
samples than its plain concealment from the same state: that is so only if it found redundancy.
"""

import json

import pytest
from tests.voice import media

from clearline.voice.inspection import opus
from clearline.voice.results import Stream

RUNS = [run["name"] for run in json.loads((media.DATA / "opus_packets.json").read_text())]


def redundant(packet: bytes) -> bool:
    return opus.has_redundancy(packet, 0, len(packet))


@pytest.mark.parametrize("name", RUNS)
def test_redundancy_is_seen_where_the_decoder_of_libopus_finds_it(name: str) -> None:
    packets, truth = media.opus_packets(name)
    assert [redundant(packet) for packet in packets][1:] == truth[1:]  # before the first there is nothing to bring back


def test_the_bandwidth_is_that_of_table_2_of_rfc_6716() -> None:
    bands = [opus.BANDS[opus.band(configuration << 3)] for configuration in range(32)]
    assert (
        bands
        == ["NB"] * 4
        + ["MB"] * 4
        + ["WB"] * 4
        + ["SWB"] * 2
        + ["FB"] * 2
        + ["NB"] * 4
        + ["WB"] * 4
        + ["SWB"] * 4
        + ["FB"] * 4
    )


SILK = 9 << 3  # wideband, 20 ms
LBRR = 0x40


@pytest.mark.parametrize(
    ("packet", "carries"),
    [
        (bytes([SILK, LBRR]), True),
        (bytes([SILK]), False),
        (bytes([SILK | 1, LBRR, 0]), True),
        (bytes([SILK | 2, 1, LBRR, 0]), True),
        (bytes([SILK | 2, 252, 1, LBRR]), True),
        (bytes([SILK | 2, 0, LBRR]), False),  # the first frame is empty
        (bytes([SILK | 2]), False),
        (bytes([SILK | 3, 2, LBRR, 0]), True),  # two frames, constant rate
        (bytes([SILK | 3, 0x42, 255, 3, LBRR, 0]), True),  # padding of 254 + 3 octets
        (bytes([SILK | 3, 0x42, 255, 255]), False),  # breaks off in the padding's length
        (bytes([SILK | 3, 0x83, 1, 253, 2, LBRR]), True),  # three frames, the first two lengths given
        (bytes([SILK | 3, 0x83, 1]), False),
        (bytes([SILK | 3, 0x83, 0, 1, LBRR]), False),
        (bytes([SILK | 3, 0x83, 1, 0, LBRR]), True),
        (bytes([SILK | 3, 0, LBRR]), False),  # no frame at all
        (bytes([SILK | 3]), False),
        (bytes([16 << 3, LBRR]), False),  # CELT only
    ],
)
def test_the_first_frame_is_found_in_every_packing(packet: bytes, *, carries: bool) -> None:
    assert redundant(packet) is carries


def opus_stream(packets: list[bytes], *, lost: tuple[int, ...] = (), secure: bool = False, profile: str = "calibrated",
                ticks: int = 960, packet_us: int = 20_000) -> Stream:  # fmt: skip
    records = media.announced("111", media.OPUS, secure=secure)
    records += media.stream(packets, payload_type=111, ticks=ticks, packet_us=packet_us, lost=lost)
    return media.analysed(records, profile=profile).streams[0]


def test_a_lost_packet_is_put_back_by_the_redundancy_of_the_next_and_scored_so() -> None:
    packets, truth = media.opus_packets("wideband, 20 ms, FEC")
    covered = [n - 1 for n in range(5, 60) if truth[n]]
    bare = [n - 1 for n in range(5, 60) if not truth[n]]
    lost = (*covered[0:9:3], bare[0])
    found = opus_stream(packets, lost=lost)
    assert found.counts.lost == 4
    redundancy = found.redundancy
    assert redundancy is not None
    assert (redundancy.kinds, redundancy.repaired, redundancy.residual) == (("Opus FEC",), 3, 1)
    assert redundancy.packets == sum(flag for n, flag in enumerate(truth) if n not in lost)
    assert redundancy.residual_percent == pytest.approx(100 / 70)
    assert found.quality.impairment == (20.797, 8.5, found.quality.impairment[2] if found.quality.impairment else "")
    plain, _ = media.opus_packets("wideband, 20 ms, no FEC")
    assert opus_stream(plain * 3).quality.impairment is not None
    assert opus_stream(plain * 3).redundancy is None


def test_two_losses_in_a_row_leave_the_first_lost() -> None:
    packets, truth = media.opus_packets("wideband, 20 ms, FEC")
    last = next(n for n in range(10, 60) if truth[n])
    found = opus_stream(packets, lost=(last - 2, last - 1)).redundancy
    assert found is not None
    assert (found.repaired, found.residual) == (1, 1)


def test_a_packet_of_several_frames_does_not_bring_back_the_packet_before() -> None:
    several = [bytes([SILK | 1, LBRR, 0])] * 20
    found = opus_stream(several, lost=(7,), ticks=1920, packet_us=40_000).redundancy
    assert found is not None
    assert (found.packets, found.repaired, found.residual) == (19, 0, 1)


def test_encrypted_opus_is_neither_inspected_nor_guessed() -> None:
    packets, _ = media.opus_packets("wideband, 20 ms, FEC")
    found = opus_stream(packets, secure=True, lost=(9,))
    assert found.redundancy is None
    assert found.quality.impairment is not None
    assert found.quality.impairment[:2] == (6.359, 7.812)  # as without FEC


def test_the_band_seen_in_the_packets_names_the_codec() -> None:
    narrow, _ = media.opus_packets("narrowband, 20 ms, FEC")
    found = opus_stream(narrow, profile="measured")
    assert found.quality.model == "G.107"
    wide, _ = media.opus_packets("wideband, 20 ms, no FEC")
    assert opus_stream(wide, profile="measured").quality.model == "G.107.1"


def test_an_opus_packet_whose_payload_the_capture_cut_whole_is_not_looked_into() -> None:
    found = opus_stream([b""] * 20)
    assert found.redundancy is None


def test_redundancy_is_believed_to_be_in_time_before_the_clock_rate_is_known() -> None:
    records = media.announced("111", ("a=rtpmap:111 opus",))
    records += media.stream([bytes([SILK, LBRR])] * 30, payload_type=111, ticks=960, lost=(4,))
    (stream,) = media.analysed(records).streams
    assert stream.clock_guessed
    assert stream.redundancy is not None
    assert stream.redundancy.repaired == 1
