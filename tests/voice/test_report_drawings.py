import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.voice.analyses import (
    ANALYSIS,
    CALL,
    COUNTS,
    INTERVAL,
    LADDER,
    REGULARITY,
    SECOND,
    START,
    STREAM,
    UNSCORED,
    A,
    Page,
    intervals,
)

from clearline.voice.report import report
from clearline.voice.report.ladder import MAX_COLUMNS, PAUSE_US, draw_ladder, left_out
from clearline.voice.report.ladder import MAX_ROWS as MAX_ARROWS
from clearline.voice.report.page import MAX_ROWS
from clearline.voice.report.plots import MAX_SLOTS, draw_plots, slots
from clearline.voice.report.words import UNKNOWN, duration, grade, percent, rating_words
from clearline.voice.results import Interval


def test_a_ladder_has_an_arrow_for_each_message_from_sender_to_receiver() -> None:
    drawn = draw_ladder(CALL)
    assert drawn.count("<polygon") == 4
    assert [
        words for words in ("INVITE · SDP", "180 Ringing", "200 OK · SDP", "ACK · again") if words not in drawn
    ] == []
    first = re.search(r'<line class="arrow" x1="(\d+)" x2="(\d+)"', drawn)
    assert first is not None
    assert int(first[1]) < int(first[2])
    assert drawn.count('class="arrow again"') == 1
    assert left_out(CALL) == 0


def test_a_long_silence_in_a_ladder_is_written_between_the_arrows() -> None:
    assert "2.9 s later" in draw_ladder(CALL)
    quick = tuple(each._replace(at_us=START + place * PAUSE_US) for place, each in enumerate(LADDER))
    assert "later" not in draw_ladder(replace(CALL, ladder=quick))


def test_messages_are_classed_by_what_they_say() -> None:
    for text, kind in (
        ("INVITE", "request"),
        ("100 Trying", "provisional"),
        ("200 OK", "success"),
        ("302 Moved", "failure"),
        ("603 Decline", "failure"),
    ):
        assert f'<g class="{kind}">' in draw_ladder(replace(CALL, ladder=(LADDER[0]._replace(text=text),)))


def test_a_message_to_its_own_sender_is_drawn_as_a_loop() -> None:
    drawn = draw_ladder(replace(CALL, ladder=(LADDER[0]._replace(destination=A),)))
    assert "h26v10h-20" in drawn


def test_what_a_ladder_leaves_out_is_counted() -> None:
    many = tuple(LADDER[0]._replace(source=f"10.0.0.{number}:5060") for number in range(1, MAX_COLUMNS + 3))
    assert left_out(replace(CALL, ladder=many, message_count=len(many))) == 2
    long = LADDER * MAX_ARROWS
    assert draw_ladder(replace(CALL, ladder=long)).count("<polygon") == MAX_ARROWS
    crowded = replace(CALL, ladder=long, message_count=500)
    assert left_out(crowded) == 500 - MAX_ARROWS
    text = Page(report(replace(ANALYSIS, calls=(replace(crowded, streams=()),)))).text
    assert f"{500 - MAX_ARROWS} further messages are not drawn." in text


def test_a_short_streams_slots_are_its_intervals() -> None:
    assert [each.start_us for each in slots(intervals(MAX_SLOTS))] == [each.start_us for each in intervals(MAX_SLOTS)]


@given(st.lists(st.builds(
    Interval,
    start_us=st.just(START),
    duration_us=st.just(10 * SECOND),
    received=st.integers(0, 500),
    lost=st.integers(0, 500),
    discarded=st.integers(0, 500),
    jitter_mean_us=st.none() | st.floats(0, 1e6),
    jitter_max_us=st.none() | st.floats(0, 1e6),
    max_gap_us=st.integers(0, 10_000_000),
    mos_lq=st.none() | st.floats(1, 4.5),
    mos_cq=st.none(),
), min_size=1, max_size=3 * MAX_SLOTS))  # fmt: skip
def test_drawing_neighbours_together_loses_no_packet_and_hides_no_worst(given_intervals: list[Interval]) -> None:
    made = slots(given_intervals)
    assert len(made) <= MAX_SLOTS
    for name in ("received", "lost", "discarded", "duration_us"):
        assert sum(getattr(each, name) for each in made) == sum(getattr(each, name) for each in given_intervals)
    worst = [each.mos_lq for each in given_intervals if each.mos_lq is not None]
    assert min((each.mos_lq for each in made if each.mos_lq is not None), default=None) == min(worst, default=None)
    drawn = draw_plots(replace(STREAM, intervals=tuple(given_intervals), end_us=START + 10 * SECOND))
    Page(drawn)
    numbers = [float(found) for found in re.findall(r'(?:x|y|width|height)="(-?[\d.]+)"', drawn)]
    assert all(-0.01 <= number <= 1000.01 for number in numbers)


def test_loss_is_drawn_as_high_as_it_was() -> None:
    # 10 of 500 lost and 5 late are 2 % and 1 %: on a scale to 5 % they are 40 and 20 of 100 high.
    drawn = draw_plots(replace(STREAM, intervals=(replace(INTERVAL, received=490, lost=10, discarded=5),)))
    assert '<rect class="lost" x="0.0" y="60.00" width="166.67" height="40.00"/>' in drawn
    assert '<rect class="late" x="0.0" y="40.00" width="166.67" height="20.00"/>' in drawn


def test_a_tiny_loss_can_still_be_seen() -> None:
    assert 'height="1.50"' in draw_plots(replace(STREAM, intervals=(replace(INTERVAL, received=99_999, lost=1),)))


def test_the_score_is_drawn_on_the_scale_from_one_to_five() -> None:
    drawn = draw_plots(replace(STREAM, intervals=(replace(INTERVAL, mos_lq=3.0), *intervals(2)[1:])))
    # The second interval's 4.2 is 80 of 100 up; the line steps up to it.
    assert '<path class="trace" d="M0.0 50.0H166.67V20.0H333.33"/>' in drawn


def test_a_line_breaks_where_nothing_came_and_the_time_is_shaded() -> None:
    first, _, third = intervals(3)
    silent = replace(INTERVAL, start_us=START + 10 * SECOND, received=0, lost=0, mos_lq=None, jitter_max_us=None)
    drawn = draw_plots(replace(STREAM, end_us=START + 30 * SECOND, intervals=(first, silent, third)))
    assert '<path class="trace" d="M0.0 20.0H333.33M666.67 20.0H1000.0"/>' in drawn
    assert '<rect class="gap" x="333.33" y="0" width="333.34" height="100"/>' in drawn


def test_silence_after_the_last_packet_is_shaded_up_to_the_calls_end() -> None:
    outage = replace(REGULARITY, outage_us=30 * SECOND)
    drawn = draw_plots(replace(STREAM, end_us=START + 30 * SECOND, regularity=outage, intervals=intervals(3)))
    assert '<rect class="gap" x="500.0" y="0" width="500.00" height="100"/>' in drawn


def test_a_stream_too_short_for_anything_is_drawn_blank() -> None:
    bare = replace(INTERVAL, received=0, lost=0, jitter_mean_us=None, jitter_max_us=None, mos_lq=None, mos_cq=None)
    drawn = draw_plots(replace(STREAM, counts=replace(COUNTS, expected=0, lost=0), intervals=(bare,)))
    assert "Unknown: no packets with timestamps followed each other." in drawn
    assert "Not scored: no interval has enough packets." in drawn


def test_a_long_streams_steps_say_how_long_they_are() -> None:
    drawn = draw_plots(replace(STREAM, intervals=intervals(MAX_SLOTS + 1)))
    assert "One step is 20.0 s: the worst of its intervals." in drawn


def test_a_stream_of_a_day_lists_its_first_intervals() -> None:
    stream = replace(STREAM, intervals=intervals(MAX_ROWS + 1))
    assert f"the first {MAX_ROWS} are listed" in Page(report(replace(ANALYSIS, streams=(stream, UNSCORED)))).text


@pytest.mark.parametrize(
    ("length_us", "words"),
    [
        (None, UNKNOWN),
        (0, "0 ms"),
        (999_400, "999 ms"),
        (1_000_000, "1.0 s"),
        (61_000_000, "1 min 01 s"),
        (3_661_000_000, "1 h 01 min 01 s"),
    ],
)
def test_a_length_of_time_is_written_in_its_unit(length_us: int | None, words: str) -> None:
    assert duration(length_us) == words


def test_a_small_share_is_never_written_as_none() -> None:
    assert percent(0, 100) == "0\u00a0%"
    assert percent(1, 100_000) == "&lt;\u00a00.01\u00a0%"
    assert percent(1, 3) == "33.33\u00a0%"
    assert percent(0, 0) == UNKNOWN


@pytest.mark.parametrize(
    ("mos", "kind", "words"),
    [
        (4.41, "good", "users very satisfied"),
        (4.03, "good", "users satisfied"),
        (3.60, "fair", "some users dissatisfied"),
        (3.59, "poor", "many users dissatisfied"),
        (2.58, "poor", "nearly all users dissatisfied"),
        (2.57, "poor", "not recommended"),
    ],
)
def test_a_score_is_put_in_the_words_of_g107(mos: float, kind: str, words: str) -> None:
    # G.107 (06/2015) Table B.1: R 90, 80, 70, 60, 50 are MOS 4.34, 4.03, 3.60, 3.10, 2.58.
    assert (grade(mos), rating_words(mos)) == (kind, words)
