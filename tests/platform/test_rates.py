"""What readings say over time, by sums worked out by hand."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from clearline.platform.alerts.rates import (
    LEAST_WHOLE,
    MINUTE_US,
    Point,
    increase,
    latest,
    left_pct,
    per_minute,
    share_pct,
    tells,
)

TWO = 2 * MINUTE_US


def points(*told: tuple[float, int] | tuple[float, int, int]) -> list[Point]:
    """Readings at so many minutes: a value, and the whole that it is a share of."""
    return [
        Point(int(minute * MINUTE_US), Decimal(value), *(Decimal(whole) for whole in more))
        for minute, value, *more in told
    ]


def test_a_total_that_is_lower_than_before_began_anew() -> None:
    """100 to 150 is 50; restarted it shows 20, of which all are new; then 5 more."""
    assert increase([Decimal(value) for value in (100, 150, 20, 25)]) == 75
    assert increase([Decimal(7)]) == increase([]) == 0


def test_an_increase_is_told_by_the_minute() -> None:
    assert per_minute(points((0, 100), (1, 130), (2, 190)), TWO) == 45
    assert per_minute(points((0, 0), (1, 1), (1.5, 1)), TWO) == Decimal("0.666667")


def test_readings_too_few_too_close_or_too_far_apart_tell_nothing() -> None:
    assert per_minute(points((0, 100)), TWO) is None
    assert per_minute(points((0, 100), (0.9, 200)), TWO) is None
    assert per_minute(points((0, 100), (1, 110)), TWO) == 10
    assert per_minute(points((0, 100), (0.5, 110), (1.6, 120)), TWO) is None


def test_a_share_is_of_what_was_added() -> None:
    assert share_pct(points((0, 5, 1000), (1, 15, 1100), (2, 65, 1200)), TWO) == 30
    assert share_pct(points((0, 0, 0), (1, 1, LEAST_WHOLE)), TWO) == 10
    assert share_pct(points((0, 0, 0), (1, 1, LEAST_WHOLE - 1)), TWO) is None
    assert share_pct(points((0, 0, 0), (1, 1)), TWO) is None


def test_what_is_left_is_of_what_was_there_first() -> None:
    assert left_pct(points((0, 40), (1, 50), (2, 30)), TWO) == 75
    assert left_pct(points((0, 0), (2, 30)), TWO) is None
    assert left_pct(points((0, 40)), TWO) is None


def test_readings_of_the_time_and_no_later_ones_are_kept() -> None:
    assert [point.at_us for point in latest(points((0, 1), (1, 1), (2, 1), (9, 1)), TWO, MINUTE_US)] == [MINUTE_US, TWO]


@given(st.lists(st.integers(0, 50), min_size=1), st.sets(st.integers(0, 30)))
def test_a_total_has_grown_by_what_was_counted_wherever_it_was_restarted(steps: list[int], restarts: set[int]) -> None:
    """Unless it grew past its old value before it was read again, which nobody can see."""
    total = before = counted = 0
    shown = [Decimal(0)]
    for number, step in enumerate(steps):
        if number in restarts and step < before:
            total = 0
        total += step
        counted += step
        shown.append(Decimal(total))
        before = total
    assert increase(shown) == counted


@given(st.lists(st.integers(0, 10 * MINUTE_US), max_size=6), st.integers(1, 10 * MINUTE_US))
def test_nothing_is_told_of_a_time_of_which_less_than_half_was_read(moments: list[int], length_us: int) -> None:
    readings = [Point(at_us, Decimal(1)) for at_us in sorted(moments)]
    if tells(readings, length_us):
        assert 2 * (readings[-1].at_us - readings[0].at_us) >= length_us
