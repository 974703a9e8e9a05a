import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.voice.wire import hep
from clearline.voice.wire.rtcp import (
    NTP_EPOCH_S,
    Description,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    SourceDescription,
)
from clearline.voice.wire.rtcp_json import MAX_BYTES, MAX_REPORTS, RtcpJsonError, parse
from clearline.voice.wire.xr import ExtendedReport, VoipMetrics

DATA = Path(__file__).parents[1] / "data"

BLOCK = {
    "source_ssrc": 7, "fraction_lost": 3, "packets_lost": 4, "highest_seq_no": 70_000, "ia_jitter": 5, "lsr": 6,
    "dlsr": 8,
}  # fmt: skip
READ_BLOCK = ReportBlock(7, 3, 4, 70_000, 5, 6, 8)
SENDER = {"ntp_timestamp_sec": 4004359799, "ntp_timestamp_usec": 9, "octets": 160, "rtp_timestamp": 10, "packets": 1}


def read(**document: object) -> tuple[object, ...]:
    return parse(json.dumps(document).encode())


def lost(value: object) -> int:
    (report,) = read(ssrc=1, type=201, report_blocks=[BLOCK | {"packets_lost": value}])
    assert isinstance(report, ReceiverReport)
    return report.reports[0].lost


def test_what_rtpengine_sends_is_read() -> None:
    first, second = (parse(hep.decode((DATA / f"hep_rtcp_json_{n}.bin").read_bytes()).payload) for n in (1, 2))
    assert first == (
        SenderReport(
            282216140,
            4004359799 << 32 | 2191554307,
            102874,
            250,
            40000,
            (ReportBlock(1930923112, 0, 0, 11856, 7, 0, 0),),
        ),
        SourceDescription((Description(282216140, ((1, "sip:bob@voip.test;transport=udp"),)),)),
    )
    assert isinstance(second[0], SenderReport)
    assert (second[0].reports[0].lsr, second[0].reports[0].dlsr) == (2927067808, 2752)


@pytest.mark.parametrize(
    ("sent", "meant"),
    [(5, 5), (-2, -2), (16777214, -2), (4294967294, -2), ("12", 12), (None, 0), ("many", 0), (3.0, 3)],
)
def test_loss_is_negative_however_its_sender_wraps_it(sent: object, meant: int) -> None:
    assert lost(sent) == meant


def test_two_reports_in_one_object_are_two() -> None:
    sender, block = json.dumps(SENDER), json.dumps([BLOCK])
    both = (
        f'{{"sender_information":{sender},"ssrc":1,"type":200,"report_count":1,"report_blocks":{block},'
        f'"ssrc":2,"type":201,"report_count":1,"report_blocks":{block}}}'
    )
    assert parse(both.encode()) == (
        SenderReport(1, 4004359799 << 32 | 9, 10, 1, 160, (READ_BLOCK,)),
        ReceiverReport(2, (READ_BLOCK,)),
    )


def test_a_report_repeated_without_end_is_read_up_to_the_limit() -> None:
    many = ",".join('"ssrc":1,"type":201' for _ in range(1000))
    assert len(parse(f"{{{many}}}".encode())) == MAX_REPORTS
    assert len(read(ssrc=1, report_blocks=[BLOCK] * 1000)[0].reports) == MAX_REPORTS  # type: ignore[attr-defined]  # a report


def test_asterisks_text_and_its_seconds_of_1970_are_read() -> None:
    sender = SENDER | {"ntp_timestamp_sec": "1790000000", "ntp_timestamp_usec": "500000"}
    (report,) = read(
        sender_information=sender, ssrc=1, type=200, report_blocks=[BLOCK | {"lsr": "0x1"}, BLOCK | {"lsr": "77"}]
    )
    assert isinstance(report, SenderReport)
    assert report.ntp == (1_790_000_000 + NTP_EPOCH_S) << 32 | 0x80000000
    assert [block.lsr for block in report.reports] == [0, 77]


@pytest.mark.parametrize("information", [None, dict.fromkeys(SENDER, 0), "none", []])
def test_a_report_that_tells_nothing_of_sending_is_a_receivers_whatever_its_type(information: object) -> None:
    assert read(sender_information=information, ssrc=1, type=200, report_blocks=None) == (ReceiverReport(1, ()),)


def test_freeswitchs_hexadecimal_sources_are_read() -> None:
    (report,) = read(ssrc="1a2b3c4d", type=200, report_count=83211, report_blocks=[BLOCK | {"source_ssrc": "00000010"}])
    assert isinstance(report, ReceiverReport)
    assert (report.ssrc, report.reports[0].ssrc) == (0x1A2B3C4D, 16)


def test_a_generators_impossible_clock_is_unknown_and_its_negative_lsr_unsigned() -> None:
    sender = SENDER | {"ntp_timestamp_usec": 13217348104192}
    (report,) = read(sender_information=sender, ssrc="1234567", report_count=0, report_blocks=[BLOCK | {"lsr": -1}])
    assert isinstance(report, SenderReport)
    assert (report.ssrc, report.ntp, report.reports[0].lsr) == (1234567, 0, 0xFFFFFFFF)


def test_descriptions_are_of_the_source_that_the_item_or_the_object_names() -> None:
    items = [{"type": 1, "text": "a@x", "sdes_chunk_ssrc": 5}, {"type": "6", "text": None}]
    assert read(sdes_ssrc=9, sdes_information=items) == (
        SourceDescription((Description(5, ((1, "a@x"),)), Description(9, ((6, ""),)))),
    )


@pytest.mark.parametrize("name", ["Extended_report_information", "extended_report_information"])
def test_captagents_extended_report_is_read(name: str) -> None:
    metrics = {
        "identifier": 7, "loss_rate": 1, "discard_rate": 2, "burst_rate": 3, "gap_rate": 4, "burst_duration": 5,
        "gap_duration": 6, "round_trip_delay": 7, "end_sys_delay": 8, "signal_lev": 241, "noise_lev": 127, "RERL": 55,
        "Gmin": 16, "R_fact": 127, "ext_R_fact": 127, "MOS_LQ": 41, "MOS_CQ": 127,
        "RX_conf": [{"PLC": 3, "JB_adapt": 2, "JB_rate": 4}], "JB_nom": 40, "JB_max": 80, "JB_abs_max": 65535,
    }  # fmt: skip
    (report,) = read(**{name: metrics})
    assert report == ExtendedReport(
        0,
        (
            VoipMetrics(
                ssrc=7, loss_256=1, discard_256=2, burst_density_256=3, gap_density_256=4, burst_ms=5, gap_ms=6,
                round_trip_ms=7, end_system_ms=8, signal_dbm=-15, noise_dbm=None, echo_return_loss_db=55, gmin=16,
                r=None,
                external_r=None, mos_lq_x10=41, mos_cq_x10=None, concealment="standard", buffer_kind="fixed",
                buffer_rate=4, buffer_nominal_ms=40, buffer_max_ms=80, buffer_absolute_max_ms=None,
            ),
        ),
    )  # fmt: skip


def test_an_extended_report_without_its_receivers_configuration_is_read() -> None:
    (report,) = read(Extended_report_information={"identifier": 7})
    assert isinstance(report, ExtendedReport)
    assert isinstance(report.blocks[0], VoipMetrics)
    assert report.blocks[0].concealment == "unspecified"


def test_an_object_of_something_else_holds_no_report() -> None:
    assert read(MOS=4.2, CODEC_NAME="PCMU") == ()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"\xff\xfe\xff", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"1" * 5000, "no JSON"),
        (b"[]", "the JSON is no object, but list"),
        (b" " * (MAX_BYTES + 1), f"more than {MAX_BYTES}"),
    ],
)
def test_what_is_no_object_is_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(RtcpJsonError, match=words):
        parse(data)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["ssrc", "report_blocks", "sender_information", "lsr", *BLOCK, *SENDER]), inner
        )
    ),
    max_leaves=20,
)


@given(
    st.dictionaries(
        st.sampled_from(["ssrc", "report_blocks", "sender_information", "sdes_information", "type"]), values
    )
)
def test_any_values_under_the_known_names_are_read(document: dict[str, object]) -> None:
    for report in parse(json.dumps(document).encode()):
        if isinstance(report, SenderReport | ReceiverReport):
            assert 0 <= report.ssrc <= 0xFFFFFFFF
            assert all(-0x800000 <= block.lost < 0x800000 for block in report.reports)
