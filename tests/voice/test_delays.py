"""Delay and conversational score by interval, from round trips that change during a call."""

import pytest
from tests.voice import captures as c
from tests.voice.test_analysis import NTP, S, receiver_report, report_block, rtcp, sender_report

from clearline.voice import reports
from clearline.voice.analysis import Analysis, analyze
from clearline.voice.report import report
from clearline.voice.scores import mouth_to_ear_ms, score

BEGIN_US = 1_010_000


def trip(at_us: int, ssrc: int, other: int, trip_us: int, *, by_caller: bool) -> list[c.Record]:
    """A sender report and, half a second of waiting and the trip later, the answer to it."""
    ntp = NTP + (at_us // 100_000 << 32)
    lsr = ntp >> 16 & 0xFFFFFFFF
    answer = receiver_report(other, report_block(ssrc, lsr=lsr, dlsr_s=0.5))
    return [
        rtcp(at_us, sender_report(ssrc, ntp), by_caller=by_caller),
        rtcp(at_us + 500_000 + trip_us, answer, by_caller=not by_caller),
    ]


def to_callee(at_us: int, trip_us: int) -> list[c.Record]:
    return trip(at_us, 0x1234, 0x5678, trip_us, by_caller=True)


def to_caller(at_us: int, trip_us: int) -> list[c.Record]:
    return trip(at_us, 0x5678, 0x1234, trip_us, by_caller=False)


def analysed(records: list[c.Record], packets: int = 2_000) -> Analysis:
    call = c.call(ends_us=BEGIN_US + 20_000 * packets + 100_000)
    return analyze([c.pcap(c.in_time(call + c.both_ways(packets) + records))], "test.pcap")


TRIPS = [
    *to_callee(2 * S, 60_000),
    *to_callee(5 * S, 100_000),
    *to_caller(3 * S, 20_000),
    *to_callee(22 * S, 400_000),  # the second interval told nothing
    *to_caller(23 * S, 40_000),
    *to_callee(33 * S, 80_000),
]


def test_each_interval_has_the_delay_of_its_own_round_trips() -> None:
    stream = analysed(TRIPS).streams[0]
    delays = [interval.delay_us for interval in stream.intervals]
    # both ends: (80 + 20) / 2, none, (400 + 40) / 2; of the last only one end told: (80 + its mean of 30) / 2
    assert delays[1] is None
    assert [delay for delay in delays if delay is not None] == pytest.approx([50_000, 220_000, 55_000], abs=60)
    assert stream.delay is not None
    assert stream.delay.one_way_us == pytest.approx((160_000 + 30_000) / 2, abs=60)
    written = stream.intervals[2].to_json()
    assert written["delay_ms"] == pytest.approx(220, abs=0.1)


def test_the_conversational_score_of_an_interval_uses_its_delay() -> None:
    stream = analysed(TRIPS).streams[0]

    def scored(one_way_ms: float) -> float | None:
        ta_ms = mouth_to_ear_ms("G.711", round_trip_ms=2 * one_way_ms, buffer_ms=60, packet_ms=20)
        return score("G.711", ta_ms=round(ta_ms)).mos_cq

    found = [interval.mos_cq for interval in stream.intervals]
    assert found == [pytest.approx(scored(ms), abs=0.002) for ms in (50, 95, 220, 55)]
    assert found[2] is not None
    assert found[0] is not None
    assert found[2] < found[0] - 0.3


def test_one_ends_round_trips_give_its_part() -> None:
    stream = analysed(to_callee(2 * S, 60_000)).streams[0]
    assert [interval.delay_us for interval in stream.intervals] == [pytest.approx(30_000, abs=60), None, None, None]


def test_without_round_trips_no_interval_has_a_delay() -> None:
    stream = analysed([]).streams[0]
    assert {(interval.delay_us, interval.mos_cq) for interval in stream.intervals} == {(None, None)}


def test_the_report_draws_the_delay_as_it_changed() -> None:
    page = report(analysed(TRIPS))
    assert "95.0 ms one way, mean; up to 220.0 ms" in page
    assert ", delay 50.0 ms" in page
    assert '<th scope="col" class="n">Delay</th>' in page


def test_the_round_trips_that_are_kept_by_their_time_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "MAX_TRIPS", 1)
    stream = analysed([*to_callee(2 * S, 60_000), *to_callee(33 * S, 80_000)]).streams[0]
    assert [interval.delay_us is None for interval in stream.intervals] == [False, True, True, True]
    assert stream.delay is not None
    assert stream.delay.one_way_us == pytest.approx(35_000, abs=60)
