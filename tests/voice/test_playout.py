import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.voice.playout import DEFAULT, MARGIN_US, RESTART_AFTER, PlayoutBuffer, play_out, playout_buffer


def stream(*late_ms: float, every_ms: int = 20) -> list[tuple[int, int]]:
    """(arrival, media) of a packet every 20 ms, each as late as told."""
    return [
        (1_000_000 + number * every_ms * 1000 + int(late * 1000), number * every_ms * 1000)
        for number, late in enumerate(late_ms)
    ]


def test_a_fixed_buffer_plays_what_comes_within_its_delay() -> None:
    assert play_out(stream(0, 60, 61, 0), "fixed-60/1") == [True, True, False, True]


def test_a_late_first_packet_is_corrected_by_the_first_prompt_one() -> None:
    # Judged by the second packet's transit, the third is 50 ms late; by the first's it would be 20 ms.
    assert play_out(stream(30, 0, 50), "fixed-40/1") == [True, True, False]


def test_packets_that_arrive_in_another_order_are_played_while_there_is_time() -> None:
    first, second, third = stream(0, 45, 0)
    assert play_out([first, third, second], "fixed-60/1") == [True, True, True]
    assert play_out([first, third, second], "fixed-20/1") == [True, True, False]


def test_the_tenth_discard_in_a_row_starts_the_buffer_anew() -> None:
    played = play_out(stream(0, 0, *[500] * 15), "fixed-60/1")
    assert played == [True, True, *[False] * (RESTART_AFTER - 1), *[True] * 6]


def test_a_slow_clock_of_the_sender_costs_nothing_in_an_hour() -> None:
    drifting = [(number * 20_010, number * 20_000) for number in range(180_000)]  # 500 ppm: 1.8 s in the hour
    assert all(play_out(drifting, "fixed-20/1"))


def test_a_step_back_of_the_capture_clock_moves_no_deadline() -> None:
    buffer = playout_buffer("fixed-20/1")
    assert buffer.accept(5_000_000, 0)
    assert buffer.accept(4_000_000, 20_000)
    assert buffer.base_us == 3_980_000


def test_an_adaptive_buffer_grows_at_once_and_shrinks_slowly() -> None:
    buffer = playout_buffer("adaptive-20-200/1")
    packets = stream(0, 70, 70, *[0] * 100)
    assert [buffer.accept(*packet) for packet in packets[:3]] == [True, False, True]
    # The third packet: 70 ms over a base that rose by 90 µs with the second and 20 µs with the third; and the margin.
    assert buffer.delay_us == 70_000 - 90 - 20 + MARGIN_US
    grown_us = buffer.delay_us
    for packet in packets[3:]:
        assert buffer.accept(*packet)
    # 1 % of the time since: 100 packets of 20 ms, less the 70 ms by which the clock stepped back.
    assert grown_us - buffer.delay_us == pytest.approx(20_000, abs=1000)


def test_an_adaptive_buffer_keeps_within_its_limits() -> None:
    buffer = playout_buffer("adaptive-20-50/1")
    for packet in stream(0, 400, *[0] * 1000):
        buffer.accept(*packet)
        assert 20_000 <= buffer.delay_us <= 50_000
    assert buffer.delay_us == 20_000


def test_the_mean_delay_is_that_of_every_packet() -> None:
    buffer = playout_buffer(DEFAULT)
    assert buffer.mean_delay_us() == 60_000
    for packet in stream(0, 5, 100):
        buffer.accept(*packet)
    assert buffer.mean_delay_us() == 60_000
    assert (buffer.played, buffer.discarded, buffer.restarts) == (2, 1, 0)


@pytest.mark.parametrize(
    "name",
    ["fixed-60", "fixed-60/2", "fixed-60-80/1", "adaptive-60/1", "adaptive-80-60/1", "fixed-9999/1", "", "fixed-٦٠/1"],
)
def test_a_buffer_of_another_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="buffer: "):
        playout_buffer(name)


@given(st.lists(st.floats(0, 300), min_size=1, max_size=60))
def test_a_deeper_buffer_discards_no_more_before_the_first_restart(late_ms: list[float]) -> None:
    shallow, deep = playout_buffer("fixed-40/1"), playout_buffer("fixed-120/1")
    for packet in stream(*late_ms):
        shallow_plays, deep_plays = shallow.accept(*packet), deep.accept(*packet)
        if shallow.restarts:
            break
        assert deep_plays >= shallow_plays


@given(st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 10**12)), max_size=60))
def test_whatever_arrives_every_packet_is_counted_once(packets: list[tuple[int, int]]) -> None:
    buffer = PlayoutBuffer(low_us=20_000, high_us=200_000, delay_us=20_000)
    played = [buffer.accept(*packet) for packet in packets]
    assert (buffer.played, buffer.discarded) == (played.count(True), played.count(False))
    assert not played or played[0]
