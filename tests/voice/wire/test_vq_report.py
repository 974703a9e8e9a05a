from dataclasses import fields
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.voice.wire import sip
from clearline.voice.wire.vq_report import MAX_BODY_BYTES, MAX_LINES, Endpoint, Metrics, VqError, VqReport, parse

DATA = Path(__file__).parents[1] / "data"
"""PUBLISH requests as linphonec 5.1 sent them."""

STANDARD = """VQSessionReport: CallTerm
CallID: 6dg37f1890463
LocalID: Alice <sip:alice@example.org>
RemoteID: Bill <sip:bill@example.net>
OrigID: Alice <sip:alice@example.org>
LocalGroup: example-phone-55671
LocalAddr: IP=10.10.1.100 PORT=5000 SSRC=1a3b5c7d
LocalMAC: 00:1f:5b:cc:21:0f
RemoteAddr: IP=11.1.1.150 PORT=5002 SSRC=0x2468abcd
LocalMetrics:
Timestamps: START=2004-10-10T18:23:43Z STOP=2004-10-01T18:26:02.25Z
SessionDesc: PT=18 PD=G729 SR=8000 FD=20 FO=20 FPP=2 PPS=50 FMTP="annexb=no" PLC=3 SSUP=on
JitterBuffer: JBA=3 JBR=2 JBN=40 JBM=80 JBX=120
PacketLoss: NLR=5.0 JDR=2.0
BurstGapLoss: BLD=0 BD=0 GLD=2.0 GD=500 GMIN=16
Delay: RTD=200 ESD=140 SOWD=200 IAJ=2 MAJ=10
Signal: SL=-18 NL=-50 RERL=55
QualityEst: RLQ=90 RCQ=85 EXTRI=90 MOSLQ=4.2 MOSCQ=4.3 QoEEstAlg=P.564
RemoteMetrics:
SessionDesc: PT=18 PD=G729
QualityEst: RLQ=127 RCQ=127 MOSLQ=127
DialogID: 1890463548@alice.chicago.com;to-tag=8472761;from-tag=9123dh31111
"""
"""The shape of the example in RFC 6035 section 4.7.1."""


def local(body: str, first: str = "VQSessionReport: CallTerm") -> Metrics:
    metrics = parse(f"{first}\r\nLocalMetrics:\r\n{body}\r\n".encode()).local_metrics
    assert metrics is not None
    return metrics


def body_of(name: str) -> VqReport:
    return parse(sip.parse((DATA / name).read_bytes()).body)


def test_a_report_by_the_standard_is_read_measure_by_measure() -> None:
    read = parse(STANDARD.encode())
    assert (read.kind, read.final, read.call_id) == ("session", True, "6dg37f1890463")
    assert (read.local_id, read.origin_id) == ("Alice <sip:alice@example.org>", "Alice <sip:alice@example.org>")
    assert read.dialog_id == "1890463548@alice.chicago.com;to-tag=8472761;from-tag=9123dh31111"
    assert read.local == Endpoint("10.10.1.100", 5000, 0x1A3B5C7D)
    assert read.remote == Endpoint("11.1.1.150", 5002, 0x2468ABCD)
    assert read.problems == ()
    assert read.local_metrics == Metrics(
        start_us=1_097_432_623_000_000,
        stop_us=1_096_655_162_250_000,
        payload_type=18,
        codec="G729",
        clock_rate=8000,
        frame_ms=Decimal(20),
        frames_per_packet=2,
        packets_per_second=50,
        concealment=3,
        buffer_kind=3,
        buffer_rate=2,
        buffer_nominal_ms=Decimal(40),
        buffer_max_ms=Decimal(80),
        buffer_absolute_max_ms=Decimal(120),
        loss_pct=Decimal("5.0"),
        discard_pct=Decimal("2.0"),
        burst_density_pct=Decimal(0),
        burst_ms=Decimal(0),
        gap_density_pct=Decimal("2.0"),
        gap_ms=Decimal(500),
        gmin=16,
        round_trip_ms=Decimal(200),
        end_system_ms=Decimal(140),
        one_way_ms=Decimal(200),
        jitter_ms=Decimal(2),
        jitter_absolute_ms=Decimal(10),
        signal_dbm=Decimal(-18),
        noise_dbm=Decimal(-50),
        echo_return_loss_db=Decimal(55),
        r_lq=Decimal(90),
        r_cq=Decimal(85),
        r_external_in=Decimal(90),
        r_external_out=None,
        mos_lq=Decimal("4.2"),
        mos_cq=Decimal("4.3"),
    )
    assert read.remote_metrics is not None
    assert (read.remote_metrics.codec, read.remote_metrics.r_lq, read.remote_metrics.mos_lq) == ("G729", None, None)


def test_what_linphone_sends_is_read() -> None:
    session = body_of("publish_linphone_session.txt")
    assert (session.kind, session.final, session.call_id) == ("session", True, "jCslDgW39p")
    assert session.local == Endpoint("127.0.0.1", 24000, 2430252559)
    assert session.local_metrics is not None
    assert (session.local_metrics.codec, session.local_metrics.mos_lq) == ("PCMA", Decimal("5.0"))
    assert session.local_metrics.round_trip_ms == 3
    assert session.local_metrics.stop_us == 1_795_372_282_000_000
    assert session.remote_metrics is not None
    assert session.remote_metrics.mos_lq is None
    assert session.problems == ()
    interval = body_of("publish_linphone_interval.txt")
    assert (interval.kind, interval.final, interval.problems) == ("interval", False, ())
    opus = body_of("publish_linphone_opus.txt").local_metrics
    assert opus is not None
    assert (opus.codec, opus.clock_rate, opus.mos_lq, opus.round_trip_ms) == ("opus", 48000, Decimal("4.3"), 18)


# Each of the following is the oddity of a sender in the field.
def test_a_blank_after_the_equals_sign_and_one_inside_a_value_are_read() -> None:
    read = parse(
        b"VQSessionReport: CallTerm\r\nLocalAddr:IP= 10.0.0.139 PORT=2222 SSRC=1404366600\r\nLocalMetrics:\r\n"
        b"TimeStamps:START=2026-08-12T10:00:00Z STOP=2026-08-12T10:01:00Z\r\n"
        b"SessionDesc:PT=8 PD=G.711 A-Law FD=20 FPP=1 PPS=50 PLC=2 SSUP=off\r\nSignal:SL=-20 NL=-70 RERL=127\r\n"
    )
    assert read.local == Endpoint("10.0.0.139", 2222, 1404366600)
    assert read.local_metrics is not None
    assert (read.local_metrics.codec, read.local_metrics.packets_per_second) == ("G.711 A-Law", 50)
    assert read.local_metrics.echo_return_loss_db is None
    assert read.local_metrics.start_us == 1_786_528_800_000_000


def test_two_parameters_run_together_are_two() -> None:
    read = local("JitterBuffer:JBA=3 JBR=2 JBN=20 JBM=20JBX=240")
    assert (read.buffer_max_ms, read.buffer_absolute_max_ms) == (20, 240)
    assert local("JitterBuffer:JBX=65535").buffer_absolute_max_ms is None


def test_the_draft_with_its_own_names_is_read() -> None:
    read = parse(
        b"VQAlertReport\r\nType=OWD Severity=Critical Dir=local\r\nCallID: a@x\r\n"
        b"FromID: <sip:a@x>\r\nToID: <sip:b@x>\r\n"
        b"Metrics:\r\nDelay:RTD=10 ESD=239 OWD=130 SOWD=5\r\nBurstGapLoss:GD=65535\r\n"
    )
    assert (read.kind, read.alert) == ("alert", ("OWD", "Critical", "local"))
    assert (read.local_id, read.remote_id) == ("<sip:a@x>", "<sip:b@x>")
    assert read.local_metrics is not None
    assert (read.local_metrics.one_way_ms, read.local_metrics.gap_ms) == (130, None)


def test_an_alert_by_the_standard_is_read() -> None:
    read = parse(b"VQAlertReport: Type=NLR Severity=Critical Dir=local\nCallID: a@x\nLocalMetrics:\n")
    assert (read.alert, read.call_id) == (("NLR", "Critical", "local"), "a@x")


def test_an_interval_report_may_say_that_the_call_ended_and_name_the_call_late() -> None:
    read = parse(
        b"VQIntervalReport: CallTerm\nRemoteAddr: IP=10.0.0.2 PORT=11800 SSRC=0x00000000\nLocalMetrics:\n"
        b"SessionDesc: PT=9 PD=G722 SR=16000\nCallID: late@x\nSignal: SL=127 NL=-60\n"
    )
    assert (read.kind, read.final, read.call_id) == ("interval", True, "late@x")
    assert read.remote == Endpoint("10.0.0.2", 11800, None)
    assert read.local_metrics is not None
    assert (read.local_metrics.signal_dbm, read.local_metrics.noise_dbm) == (None, -60)


def test_an_equals_sign_for_a_colon_and_a_measure_on_its_own_line_are_read() -> None:
    read = parse(
        b"VQSessionReport: CallTerm\nCallID=1-2@x\nLocalGroup:\nLocalMetrics:\n"
        b"QualityEst: RLQ=88 MOSLQ=4.1\nMOSCQ=4.0\n"
    )
    assert read.call_id == "1-2@x"
    assert read.local_metrics is not None
    assert (read.local_metrics.mos_lq, read.local_metrics.mos_cq) == (Decimal("4.1"), Decimal("4.0"))


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("IP=1.2.3.4:49194 SSRC=0", Endpoint("1.2.3.4", 49194, None)),
        ("IP:192.168.1.55 PORT:30539 SSRC:0x55", Endpoint("192.168.1.55", 30539, 0x55)),
        ("IP=2001:db8::1 PORT=4000 SSRC=-1", Endpoint("2001:db8::1", 4000, 0xFFFFFFFF)),
        ("IP=2001:db8::1", Endpoint("2001:db8::1", None, None)),
        ("IP=1.2.3.4:http", Endpoint("1.2.3.4", None, None)),
        ("IP=1.2.3.4 SSRC=99999999999999999999999999", Endpoint("1.2.3.4", None, None)),
        ("PORT=4000", None),
    ],
)
def test_addresses_are_read_as_senders_write_them(text: str, endpoint: Endpoint | None) -> None:
    assert parse(f"VQSessionReport\nLocalAddr: {text}\n".encode()).local == endpoint


def test_zero_is_how_some_say_unknown() -> None:
    read = local("Timestamps: START=0 STOP=0\nSessionDesc: PD=opus SR=0\nQualityEst: MOSLQ=0 MOSCQ=0.0")
    assert (read.start_us, read.stop_us, read.clock_rate, read.mos_lq, read.mos_cq) == (None, None, None, None, None)


def test_a_rating_on_a_wideband_scale_is_kept() -> None:
    read = local("QualityEst: RLQ=176 RCQ=173 MOSLQ=4.19")
    assert (read.r_lq, read.r_cq, read.mos_lq) == (176, 173, Decimal("4.19"))


def test_a_negative_delay_is_unknown() -> None:
    assert local("Delay: RTD=-1 IAJ=3").round_trip_ms is None


def test_a_moment_without_a_zone_is_utc() -> None:
    assert local("Timestamps: START=1970-01-01T00:00:01").start_us == 1_000_000


def test_what_cannot_be_read_is_told_and_the_rest_is_kept() -> None:
    read = parse(
        b"VQSessionReport\nMOSLQ=4.0\n@@@\nx-UserAgent: snom\nLocalMetrics:\nPacketLoss: NLR=many JDR=1.5%\n"
        b"Delay: RTD=1e99 ESD=NaN\nTimestamps: START=yesterday STOP=0001-01-01T00:00:00+23:59\n"
    )
    assert read.local_metrics is not None
    assert read.local_metrics.discard_pct == Decimal("1.5")
    assert read.problems == (
        "line 2: measures before any LocalMetrics or RemoteMetrics",
        "line 3: '@@@' is neither a header nor a parameter",
        "local metrics: START is 'yesterday', no moment",
        "local metrics: STOP is '0001-01-01T00:00:00+23:59', no moment",
        "local metrics: NLR is 'many', no number",
        "local metrics: RTD is '1e99', no number",
        "local metrics: ESD is 'NaN', no number",
    )


@pytest.mark.parametrize("body", [b"", b"\r\n", b"v=0\r\n", b"VQOther: CallTerm\n"])
def test_a_body_that_names_no_report_is_refused(body: bytes) -> None:
    with pytest.raises(VqError, match="line 1 names no report"):
        parse(body)


def test_a_body_without_measures_or_end_is_read_or_refused_by_its_limit() -> None:
    assert parse(b"VQSessionReport").local_metrics is None
    with pytest.raises(VqError, match=f"more than {MAX_LINES}"):
        parse(b"VQSessionReport\n" + b"a: b\n" * MAX_LINES)
    with pytest.raises(VqError, match=f"more than {MAX_BODY_BYTES}"):
        parse(b"VQSessionReport\n" + b"a" * MAX_BODY_BYTES)


@given(
    st.lists(
        st.sampled_from([field.name for field in fields(Metrics)] + STANDARD.replace("=", " = ").split()), max_size=80
    )
)
def test_any_words_are_read(words: list[str]) -> None:
    parse(b"VQSessionReport: CallTerm\nLocalMetrics:\n" + " ".join(words).encode())


@pytest.mark.parametrize(
    "text", [" " * 60_000, "a" * 60_000, "A=" * 30_000, 'A="' * 20_000, "JBX" * 20_000, "A " * 30_000, "IP " * 20_000]
)
def test_a_long_line_of_anything_is_read_without_a_hang(text: str) -> None:
    for line in (f"JitterBuffer: X={text}x", f"LocalAddr: {text}", text):
        parse(f"VQSessionReport: {line[:1000]}\nLocalMetrics:\n{line}\n".encode())


@given(st.text(max_size=400))
def test_any_text_is_read_or_refused(text: str) -> None:
    parse(
        f"VQSessionReport: CallTerm\nLocalAddr: {text}\nLocalMetrics:\nSessionDesc: {text}".encode(errors="replace")[
            :MAX_BODY_BYTES
        ]
    )
