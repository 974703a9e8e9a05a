"""Calendar months and quarters in an agreement's time zone."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo, reset_tzpath

from clearline.agreement.intervals import Interval
from clearline.agreement.moments import YEAR_PATTERN, datetime_us, utc

# The rules of the zones come from the pinned package, not from whatever the machine has: the same evidence gives the
# same statement everywhere.
reset_tzpath(())

MONTH_PATTERN = YEAR_PATTERN + r"-(0[1-9]|1[0-2])"
_is_month = re.compile(MONTH_PATTERN).fullmatch


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month; which instants it has depends on the time zone."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> "Month":
        """Read `2026-10`.

        Raises:
            ValueError: the text is not a month of the years 1970 to 8999.
        """
        if not _is_month(text):
            raise ValueError("must be a month such as 2026-10")
        return cls(int(text[:4]), int(text[5:]))

    @classmethod
    def of_index(cls, index: int) -> "Month":
        """The month that is `index` months after January of year 0."""
        return cls(index // 12, index % 12 + 1)

    @property
    def index(self) -> int:
        """Months since January of year 0, for counting."""
        return self.year * 12 + self.month - 1

    @property
    def next(self) -> "Month":
        """The month after this one."""
        return Month.of_index(self.index + 1)

    @property
    def first_day(self) -> date:
        """The month's first day."""
        return date(self.year, self.month, 1)

    def period(self, months: int) -> tuple["Month", "Month"]:
        """The first and the last month of the part of the calendar year that this month is in: 3 for quarters."""
        first = self.index - self.index % months
        return Month.of_index(first), Month.of_index(first + months - 1)

    def interval(self, zone: ZoneInfo) -> Interval:
        """The month's instants in a time zone: from the first midnight to that of the next month, in microseconds."""
        return day_start_us(self.first_day, zone), day_start_us(self.next.first_day, zone)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


def day_start_us(day: date, zone: ZoneInfo) -> int:
    """The instant a day begins in a time zone.

    Where the clocks skip midnight the day begins at the change; where midnight comes twice, at the first one.
    """
    return datetime_us(datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC))


def local_date(us: int, zone: ZoneInfo) -> date:
    """The calendar day that an instant falls on in a time zone."""
    return utc(us).astimezone(zone).date()


@cache
def zone_names() -> frozenset[str]:
    """The names of the IANA time zone database, the same on every machine (not those of its operating system)."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text().split())


@cache
def time_zone(name: str) -> ZoneInfo:
    """Return the time zone of an IANA name.

    Raises:
        ValueError: there is no such name.
    """
    if name not in zone_names():
        raise ValueError("is not an IANA time zone name such as Europe/Berlin")
    return ZoneInfo(name)
