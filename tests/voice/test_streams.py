"""One stream's counting, against a plain second opinion over generated arrivals, and by hand at its corners."""

import itertools
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearline.voice import burst, playout, timing
from clearline.voice.formats import Formats
from clearline.voice.holes import Holes
from clearline.voice.intervals import INTERVAL_US
from clearline.voice.streams import LATE_WINDOW, MAX_DROPOUT, Stream
from clearline.voice.variation import percentile_us

SPEECH = Formats()
SPEECH.clocks.update({0: 8000, 8: 8000, 9: 8000, 111: 48000})
SPEECH.events |= {101}


def stream(*, low_us: int = 60_000, high_us: int = 60_000, formats: Formats = SPEECH) -> Stream:
    return Stream(1, 2, 3, 4, formats, Holes(), low_us, high_us)


@dataclass(frozen=True)
class Arrival:
    number: int
    """Position in the sender's sequence."""
    at_us: int


def feed(to: Stream, arrivals: list[Arrival], *, first: int = 0, timestamp: int = 0) -> None:
    for arrival in arrivals:
        sequence = (first + arrival.number) & 0xFFFF
        stamp = (timestamp + 160 * arrival.number) & 0xFFFFFFFF
        to.receive(sequence, stamp, arrival.at_us, 0, 160, 0)


def regular(count: int, start: int = 0) -> list[Arrival]:
    return [Arrival(n, 20_000 * n) for n in range(start, start + count)]


@st.composite
def disordered(draw: st.DrawFn) -> list[Arrival]:
    """Sent every 20 ms; some lost, some twice, delayed by up to 300 ms, and the first few shuffled."""
    count = draw(st.integers(2, 120))
    fates = draw(st.lists(st.sampled_from("....x2"), min_size=count, max_size=count))
    delays = draw(st.lists(st.integers(0, 300_000) | st.integers(0, 5_000), min_size=count, max_size=count))
    again = draw(st.lists(st.integers(0, 400_000), min_size=count, max_size=count))
    arrivals = [Arrival(n, 20_000 * n + delays[n]) for n in range(count) if fates[n] != "x"]
    arrivals += [Arrival(n, 20_000 * n + delays[n] + again[n]) for n in range(count) if fates[n] == "2"]
    return sorted(arrivals, key=lambda a: a.at_us) or [Arrival(0, 0)]


@settings(max_examples=300)
@given(
    disordered(),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.sampled_from(["fixed-60/1", "fixed-20/1", "adaptive-20-200/1"]),
)
def test_every_count_equals_a_plain_second_opinion(
    arrivals: list[Arrival], first: int, timestamp: int, buffer: str
) -> None:
    wanted = playout.playout_buffer(buffer)
    counted = stream(low_us=wanted.low_us, high_us=wanted.high_us)
    feed(counted, arrivals, first=first, timestamp=timestamp)
    counted.finish()

    unique: list[Arrival] = []
    seen: set[int] = set()
    reordered = 0
    for arrival in arrivals:
        if arrival.number not in seen:
            reordered += bool(seen) and arrival.number < max(seen)
            seen.add(arrival.number)
            unique.append(arrival)
    lowest, highest = min(seen), max(seen)
    assert counted.received == len(seen)
    assert counted.expected() == highest - lowest + 1
    assert counted.losses.lost == highest - lowest + 1 - len(seen)
    assert counted.duplicates == len(arrivals) - len(unique)
    assert counted.reordered == reordered

    played = [wanted.accept(a.at_us, (a.number - unique[0].number) * 20_000) for a in unique]
    assert counted.losses.discarded == wanted.discarded
    assert counted.delay_sum_us() == wanted.delay_sum_us
    heard = {a.number for a, ok in zip(unique, played, strict=True) if ok}
    bad = [n - lowest for n in range(lowest, highest + 1) if n not in heard]
    measured = burst.measure(bad, highest - lowest + 1, 20.0)
    losses = counted.losses
    assert losses.bursts == measured.bursts
    assert (100 * losses.burst_bad / losses.burst_packets if losses.bursts else 0) == pytest.approx(
        measured.density_pct
    )
    assert losses.runs == sum(n - 1 not in bad for n in bad)
    assert sum(i.lost for i in counted.intervals) == losses.lost
    assert sum(i.discarded for i in counted.intervals) == losses.discarded
    assert sum(i.runs for i in counted.intervals) == losses.runs
    assert sum(i.received for i in counted.intervals) == counted.received

    jitter = most = total = 0.0
    for before, here in itertools.pairwise(unique):
        difference = abs((here.at_us - before.at_us) * 0.008 - (here.number - before.number) * 160)
        jitter += (difference - jitter) / 16
        most, total = max(most, jitter), total + jitter
    assert max(i.jitter_max for i in counted.intervals) == pytest.approx(most)
    assert counted.jitter_sum == pytest.approx(total)
    assert sum(i.jitter_sum for i in counted.intervals) == pytest.approx(total)


def test_the_buffers_constants_are_those_of_its_definition() -> None:
    assert (timing.RISE_DIVISOR, timing.FALL_DIVISOR, timing.MARGIN_US, timing.RESTART_AFTER) == (
        playout.RISE_DIVISOR, playout.FALL_DIVISOR, playout.MARGIN_US, playout.RESTART_AFTER,
    )  # fmt: skip


def test_sequence_and_timestamp_wrap_is_no_loss_and_no_jitter() -> None:
    counted = stream()
    feed(counted, regular(500), first=65_300, timestamp=0xFFFFFFFF - 20_000)
    counted.finish()
    assert (counted.received, counted.losses.lost, counted.restarts, counted.jitter_sum) == (500, 0, 0, 0)


def test_two_wraps_are_counted() -> None:
    counted = stream()
    feed(counted, regular(150_000))
    assert counted.expected() == 150_000


@pytest.mark.parametrize("order", [[4, 0, 3, 1, 2], [1, 0, 2, 3, 4], [3, 4, 2, 0, 1], [2, 0, 1, 4, 3]])
def test_the_first_packets_may_come_in_any_order(order: list[int]) -> None:
    counted = stream(low_us=500_000, high_us=500_000)
    feed(counted, [Arrival(n, 1_000 * place) for place, n in enumerate(order)] + regular(50, 5))
    counted.finish()
    assert (counted.received, counted.expected(), counted.losses.lost, counted.duplicates) == (55, 55, 0, 0)
    assert counted.losses.runs == 0


def test_a_packet_from_before_the_first_leaves_the_ones_between_missing() -> None:
    counted = stream()
    feed(counted, [Arrival(10, 0), Arrival(12, 40_000), Arrival(4, 41_000), Arrival(7, 42_000), *regular(60, 13)])
    counted.finish()
    assert (counted.expected(), counted.losses.lost, counted.reordered) == (69, 5, 2)
    assert counted.losses.runs - counted.losses.discarded <= 3  # 5-6, 8-9, 11


def test_a_late_packet_within_the_window_is_reordered_and_beyond_it_is_told_from_a_duplicate_no_more() -> None:
    for behind, reordered in ((LATE_WINDOW - 1, 1), (LATE_WINDOW + 5, 0)):
        counted = stream()
        feed(counted, [a for a in regular(2_000 + behind + 1) if a.number != 2_000])
        feed(counted, [Arrival(2_000, 20_000 * (2_000 + behind) + 1)])
        assert counted.reordered == reordered


def test_an_outage_of_minutes_is_loss_when_clock_and_timestamps_went_on() -> None:
    counted = stream()
    feed(counted, regular(500) + regular(500, 500 + 4_000))
    counted.finish()
    assert (counted.expected(), counted.losses.lost, counted.restarts) == (5_000, 4_000, 0)
    assert (counted.losses.runs, counted.losses.bursts, counted.losses.burst_packets) == (1, 1, 4_000)


def test_a_new_start_of_the_sender_is_no_loss() -> None:
    counted = stream()
    feed(counted, regular(100), first=1_000)
    again = [Arrival(n, 2_000_000 + 20_000 * n) for n in range(100)]
    feed(counted, again, first=30_000, timestamp=77_777)
    counted.finish()
    assert (counted.received, counted.expected(), counted.losses.lost, counted.restarts, counted.strays) == (
        200,
        200,
        0,
        1,
        0,
    )


def test_a_stray_packet_far_off_the_sequence_is_put_aside() -> None:
    counted = stream()
    feed(counted, regular(100))
    counted.receive(40_000, 0, 2_000_000, 0, 160, 0)
    feed(counted, regular(100, 100))
    assert (counted.received, counted.losses.lost, counted.strays, counted.restarts) == (200, 0, 1, 0)


def test_a_copy_by_the_capture_is_told_from_one_by_the_network() -> None:
    counted = stream()
    for n in range(10):
        counted.receive(n, 160 * n, 20_000 * n, 0, 160, 500 + n)
        counted.receive(n, 160 * n, 20_000 * n + 30, 0, 160, 500 + n)
    counted.receive(9, 160 * 9, 20_000 * 9 + 5_000, 0, 160, 509)
    counted.receive(9, 160 * 9, 20_000 * 9 + 5_010, 0, 160, 777)
    assert (counted.received, counted.duplicates, counted.capture_duplicates) == (10, 12, 10)


def test_telephone_events_hold_their_place_in_the_sequence_but_are_no_jitter() -> None:
    counted = stream()
    for n in range(200):
        event = 50 <= n < 60
        counted.receive(n, 160 * (50 if event else n), 20_000 * n, 101 if event else 0, 4 if event else 160, 0)
    counted.finish()
    assert (counted.events, counted.losses.lost, counted.jitter_sum, counted.payload_changes) == (10, 0, 0, 0)
    assert counted.payload_type == 0


def test_events_are_recognised_without_a_description() -> None:
    counted = stream()
    for n in range(100):
        counted.receive(n, 160 * n, 20_000 * n, 97 if n > 90 else 0, 4 if n > 90 else 160, 0)
    assert (counted.events, counted.payload_changes) == (9, 0)


def test_pauses_of_the_speaker_are_no_loss_and_comfort_noise_keeps_the_clock() -> None:
    counted = stream()
    stamp = 0
    for n in range(100):
        stamp += 16_000 if n == 50 else 160
        counted.receive(n, stamp, stamp * 125, 13 if n == 49 else 0, 1 if n == 49 else 160, 0)
    counted.finish()
    assert (counted.noises, counted.pauses, counted.losses.lost, counted.jitter_sum) == (1, 1, 0, 0)


def test_a_change_of_codec_changes_the_clock() -> None:
    counted = stream()
    for n in range(100):
        counted.receive(n, 160 * n, 20_000 * n, 0, 160, 0)
    for n in range(100, 200):
        counted.receive(n, 960 * n, 20_000 * n, 111, 80, 0)
    for n in range(200, 300):
        counted.receive(n, 160 * n, 20_000 * n, 8, 160, 0)
    counted.finish()
    assert (counted.payload_changes, counted.payload_type, counted.clock) == (2, 8, 8000)
    assert counted.payloads == {0: 100, 111: 100}
    assert counted.jitter_sum == pytest.approx(0)


@pytest.mark.parametrize("clock", [8000, 16000, 48000, 90000])
def test_the_clock_is_guessed_where_no_description_names_it(clock: int) -> None:
    counted = stream(formats=Formats())
    for n in range(200):
        counted.receive(n, clock // 50 * n, 20_000 * n, 120, 100, 0)
    assert (counted.clock, counted.guessed) == (clock, True)
    assert counted.samples > 180


def test_a_jump_of_the_time_base_is_no_jitter() -> None:
    counted = stream()
    for n in range(100):
        counted.receive(n, 160 * n, 20_000 * n, 0, 160, 0)
    for n in range(100, 200):
        counted.receive(n, 900_000_000 + 160 * n, 20_000 * n, 0, 160, 0)
    counted.finish()
    assert (counted.discontinuities, counted.jitter_sum, counted.losses.discarded) == (1, 0, 0)


def test_intervals_cover_the_stream_and_empty_ones_are_kept() -> None:
    counted = stream()
    feed(counted, [*regular(600), Arrival(600, 4 * INTERVAL_US + 5)])
    counted.finish()
    assert [i.received for i in counted.intervals] == [500, 100, 0, 0, 1]
    assert [i.start_us for i in counted.intervals] == [n * INTERVAL_US for n in range(5)]


def test_the_number_of_intervals_is_limited() -> None:
    counted = stream()
    counted.receive(0, 0, 0, 0, 160, 0)
    for n in range(1, 2000):
        counted.receive(n, 160 * n, n * 60_000_000, 0, 160, 0)
    counted.finish()
    assert len(counted.intervals) == 10_000
    assert sum(i.received for i in counted.intervals) == 2000


def test_a_silence_of_years_leaves_no_intervals() -> None:
    counted = stream()
    for n in range(5):
        counted.receive(n, 160 * n, n * 60_000_000_000_000 + 7, 0, 160, 0)
    counted.finish()
    assert [i.start_us for i in counted.intervals] == [n * 60_000_000_000_000 + 7 for n in range(5)]
    assert [i.received for i in counted.intervals] == [1] * 5


def test_time_that_goes_backwards_breaks_nothing() -> None:
    counted = stream()
    for n in range(100):
        counted.receive(n, 160 * n, 20_000 * n - (1_000_000 if n > 50 else 0), 0, 160, 0)
    counted.finish()
    assert (counted.received, counted.losses.lost) == (100, 0)


@given(
    st.lists(
        st.tuples(st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF), st.integers(0, 10**12), st.integers(0, 127)),
        max_size=60,
    )
)
def test_no_packet_whatever_breaks_the_counting(packets: list[tuple[int, int, int, int]]) -> None:
    counted = stream(formats=Formats())
    for sequence, timestamp, at_us, payload_type in packets:
        counted.receive(sequence, timestamp, at_us, payload_type, 20, 0)
    if packets:
        counted.finish()
        assert counted.received + counted.duplicates + counted.strays == len(packets)
        assert counted.losses.lost == counted.expected() - counted.received
        assert counted.losses.lost >= 0


def test_a_jump_just_below_the_limit_is_a_loss() -> None:
    counted = stream()
    counted.receive(0, 0, 0, 0, 160, 0)
    counted.receive(MAX_DROPOUT - 1, 0, 20_000, 0, 160, 0)
    assert counted.losses.lost == MAX_DROPOUT - 2


def test_delay_variation_is_what_packets_were_late_beside_the_fastest() -> None:
    counted = stream()
    feed(counted, [Arrival(n, 20_000 * n + (5_000 if n % 10 == 9 else 0)) for n in range(201)])
    found = [int(percentile_us(counted.variation, percent)) for percent in (50, 90, 91, 99)]
    assert found == [32, 32, 4_864, 4_864]  # 5,000 lies in the bin from 4,608 to 5,120
