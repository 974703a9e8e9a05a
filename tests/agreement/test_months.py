"""Months are calendar months of the agreement's time zone."""

import zoneinfo
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.agreement.moments import SECOND_US, moment_text
from clearline.agreement.months import Month, day_start_us, local_date, time_zone, zone_names

HOUR = 3600
LENGTHS = [
    ("2026-02", "UTC", 28 * 24),
    ("2024-02", "UTC", 29 * 24),
    ("2026-09", "UTC", 30 * 24),
    ("2026-10", "UTC", 31 * 24),
    ("2026-03", "Europe/Berlin", 31 * 24 - 1),
    ("2026-10", "Europe/Berlin", 31 * 24 + 1),
    ("2026-03", "America/New_York", 31 * 24 - 1),
    ("2026-11", "America/New_York", 30 * 24 + 1),
    ("2026-10", "Australia/Sydney", 31 * 24 - 1),
    ("2026-04", "Australia/Sydney", 30 * 24 + 1),
]


@pytest.mark.parametrize(("month", "zone", "hours"), LENGTHS)
def test_a_month_has_the_hours_its_zone_gives_it(month: str, zone: str, hours: int) -> None:
    from_us, until_us = Month.parse(month).interval(time_zone(zone))
    assert until_us - from_us == hours * HOUR * SECOND_US


def test_a_month_begins_at_local_midnight() -> None:
    from_us, until_us = Month.parse("2026-10").interval(time_zone("Europe/Berlin"))
    assert (moment_text(from_us), moment_text(until_us)) == ("2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z")


def test_where_the_clocks_skip_midnight_the_day_begins_at_the_change() -> None:
    begin = day_start_us(date(2024, 9, 8), time_zone("America/Santiago"))
    assert moment_text(begin) == "2024-09-08T04:00:00Z"


def test_where_midnight_comes_twice_the_day_begins_at_the_first() -> None:
    begin = day_start_us(date(2026, 11, 1), time_zone("America/Havana"))
    assert moment_text(begin) == "2026-11-01T04:00:00Z"


@given(st.integers(1970 * 12, 8999 * 12), st.sampled_from(sorted(zone_names())))
def test_months_follow_one_another_without_gap_or_overlap(index: int, name: str) -> None:
    zone, month = time_zone(name), Month.of_index(index)
    from_us, until_us = month.interval(zone)
    assert from_us < until_us == month.next.interval(zone)[0]
    assert month.index == index
    assert month.next.index == index + 1


def test_months_are_ordered_and_written_as_they_are_read() -> None:
    assert Month.parse("2026-09") < Month.parse("2026-10") < Month.parse("2027-01")
    assert str(Month.parse("2026-09")) == "2026-09"
    assert str(Month.parse("2026-12").next) == "2027-01"
    assert Month.parse("2026-12").first_day == date(2026, 12, 1)


@pytest.mark.parametrize(
    "text", ["2026-13", "2026-00", "26-01", "2026-1", "1969-12", "9000-01", "2026-01-01", "٢٠٢٦-01"]
)
def test_what_is_not_a_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a month such as 2026-10"):
        Month.parse(text)


@pytest.mark.parametrize("name", ["Mars/Olympus", "localtime", "../../etc/passwd", "", "europe/berlin", "posixrules"])
def test_a_name_that_is_not_of_the_iana_database_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not an IANA time zone name"):
        time_zone(name)


@pytest.mark.parametrize(
    ("months", "first", "last"), [(1, "2026-05", "2026-05"), (3, "2026-04", "2026-06"), (12, "2026-01", "2026-12")]
)
def test_a_month_is_in_one_part_of_its_year(months: int, first: str, last: str) -> None:
    assert Month.parse("2026-05").period(months) == (Month.parse(first), Month.parse(last))


def test_the_rules_of_the_zones_are_those_of_the_pinned_package() -> None:
    assert zoneinfo.TZPATH == ()


def test_the_day_of_an_instant_is_that_of_the_zone() -> None:
    instant = day_start_us(date(2026, 10, 25), time_zone("Asia/Tokyo"))
    assert local_date(instant, time_zone("Asia/Tokyo")) == date(2026, 10, 25)
    assert local_date(instant, time_zone("UTC")) == date(2026, 10, 24)
