"""Moments are read strictly, kept exactly, and lengths are said as people say them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.agreement.moments import datetime_us, length_text, moment_text, moment_us, seconds, utc


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-02T00:00:01Z", 86_401_000_000),
        ("2026-10-03T10:00:00Z", 1_791_021_600_000_000),
        ("2026-10-03T10:00:00.000001Z", 1_791_021_600_000_001),
        ("2026-10-03T10:00:00.5Z", 1_791_021_600_500_000),
        ("8999-12-31T23:59:59.999999Z", 221_845_391_999_999_999),
    ],
)
def test_a_moment_is_read_to_the_microsecond(text: str, us: int) -> None:
    assert moment_us(text) == us


@given(st.integers(0, 221_845_391_999_999_999))
def test_every_moment_is_read_as_it_was_written(us: int) -> None:
    assert moment_us(moment_text(us)) == us
    assert datetime_us(utc(us)) == us


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-03T10:00:00",
        "2026-10-03T10:00:00+00:00",
        "2026-10-03t10:00:00z",
        "2026-10-03 10:00:00Z",
        "2026-10-03T24:00:00Z",
        "2026-10-03T23:59:60Z",
        "2026-10-03T10:00:00.1234567Z",
        "2026-10-03T10:00Z",
        "1969-12-31T23:59:59Z",
        "9000-01-01T00:00:00Z",
        "2026-10-03T10:00:00Z\n",
        "",
    ],
)
def test_what_is_not_a_moment_in_utc_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a moment in UTC"):
        moment_us(text)


def test_a_day_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="is not a moment of the calendar"):
        moment_us("2026-02-30T10:00:00Z")


@pytest.mark.parametrize(
    ("us", "written"), [(0, 0), (9_000_000, 9), (1_500_000, "1.5"), (1, "0.000001"), (10_000_010, "10.00001")]
)
def test_seconds_are_integers_where_whole_and_exact_decimals_where_not(us: int, written: int | str) -> None:
    assert seconds(us) == written


@pytest.mark.parametrize(
    ("seconds_", "said"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (2592, "43 min 12 s"),
        (3600, "1 h"),
        (9000, "2 h 30 min"),
        (86_400 * 2 + 3600 * 17, "2 d 17 h"),
        (0.5, "0.5 s"),
        (60.25, "1 min 0.25 s"),
    ],
)
def test_a_length_is_said_in_its_units(seconds_: float, said: str) -> None:
    assert length_text(int(seconds_ * 1_000_000)) == said
