"""The words people read for the program's names."""

from collections.abc import Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from clearline.agreement.moments import utc
from clearline.agreement.months import Month

NAMES = {
    "availability": "Service availability",
    "restoration": "Restoration of service",
    "voice_mos": "Voice quality",
    "experience": "Call experience",
    "first_response": "First response to requests",
    "maintenance_notice": "Notice of maintenance",
}
"""Commitment → what a letter calls it."""

UNITS = {
    "availability": ("percentage point", "percentage points"),
    "voice_mos": ("point of MOS", "points of MOS"),
    "experience": ("percentage point", "percentage points"),
}
"""Commitment with a level → one and several of what its shortfall is counted in."""

CASE_WORDS = {"first_response": "request", "restoration": "outage", "maintenance_notice": "window"}
"""Commitment with cases → what one of them is called."""

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def counted(number: int, noun: str) -> str:
    """Say a number of things: `1 day`, `30 days`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def listing(items: Sequence[str]) -> str:
    """Say a list: `a`, `a and b`, `a, b and c`."""
    return _joined(items, "and")


def either(items: Sequence[str]) -> str:
    """Say a choice: `a`, `a or b`, `a, b or c`."""
    return _joined(items, "or")


def _joined(items: Sequence[str], word: str) -> str:
    return f" {word} ".join(part for part in (", ".join(items[:-1]), *items[-1:]) if part)


def month_text(month: Month) -> str:
    """Say a month: `October 2026`."""
    return f"{MONTHS[month.month - 1]} {month.year}"


def day_text(day: date) -> str:
    """Say a day: `3 October 2026`."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def last_day_text(closes: date) -> str:
    """Say the day before the first day on which something is over."""
    return day_text(closes - timedelta(days=1))


def time_text(us: int, zone: ZoneInfo) -> str:
    """Write a moment for people in a time zone, with the zone's abbreviation: `2026-10-25 02:30:00 CEST`."""
    local = utc(us).astimezone(zone)
    fraction = f".{local.microsecond:06}".rstrip("0") if local.microsecond else ""
    return f"{local:%Y-%m-%d %H:%M:%S}{fraction} {local:%Z}"
