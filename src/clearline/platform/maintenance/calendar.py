"""The calendar: what is planned here and what carriers announced, by day."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from clearline.platform.maintenance.models import CarrierWindow, Window


@dataclass(frozen=True, slots=True)
class Day:
    """A day, in UTC, and what happens on it."""

    date: date
    windows: list[Window]
    carrier_windows: list[CarrierWindow]


def days_of(
    span: tuple[datetime, datetime], windows: Iterable[Window], carrier_windows: Iterable[CarrierWindow]
) -> list[Day]:
    """The days in [from, until) on which something happens; what lasts over midnight is on each of its days."""
    own: dict[date, list[Window]] = defaultdict(list)
    theirs: dict[date, list[CarrierWindow]] = defaultdict(list)
    for window in windows:
        for day in _days(window.from_at, window.until_at, span):
            own[day].append(window)
    for carrier_window in carrier_windows:
        for day in _days(carrier_window.from_at, carrier_window.until_at, span):
            theirs[day].append(carrier_window)
    return [Day(day, own[day], theirs[day]) for day in sorted(own.keys() | theirs.keys())]


def _days(from_at: datetime, until_at: datetime, span: tuple[datetime, datetime]) -> list[date]:
    first = max(from_at, span[0]).astimezone(UTC).date()
    last = (min(until_at, span[1]) - timedelta(microseconds=1)).astimezone(UTC).date()
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
