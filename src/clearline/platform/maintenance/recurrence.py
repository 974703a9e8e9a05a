"""Recurring maintenance: a rule (RRULE, RFC 5545 section 3.3.10) into moments. Pure, and bounded whatever it says."""

import re
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

MOST_WINDOWS = 60
HORIZON = timedelta(days=366)
"""A rule is expanded so far ahead, and to so many windows; whichever ends first."""

RULE_LENGTH = 200

PARTS = {
    "FREQ": r"DAILY|WEEKLY|MONTHLY|YEARLY",
    "INTERVAL": r"[1-9]\d{0,2}",
    "COUNT": r"[1-9]\d{0,2}",
    "UNTIL": r"\d{8}(T\d{6}Z?)?",
    "BYDAY": r"[+-]?[1-5]?(MO|TU|WE|TH|FR|SA|SU)(,[+-]?[1-5]?(MO|TU|WE|TH|FR|SA|SU)){0,13}",
    "BYMONTHDAY": r"-?[1-9]\d?(,-?[1-9]\d?){0,30}",
    "BYMONTH": r"[1-9]\d?(,[1-9]\d?){0,11}",
}
"""The parts of a rule that are understood. Parts of a day are not among them: a window has one start."""

LONGEST_MONTH = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}


class RuleError(ValueError):
    """The rule is none, or not one that maintenance follows."""


def occurrences(rule: str, first: datetime, zone: ZoneInfo) -> list[datetime]:
    """The starts a rule makes, in UTC, ascending, beginning with the first.

    The wall time in the zone stays; in a night when it does not exist the start moves on by the hour that is left out,
    and when it exists twice the first is meant (RFC 5545 section 3.3.5).

    Args:
        rule: such as `FREQ=MONTHLY;BYDAY=1SU`.
        first: the first start, aware.
        zone: where the wall time is kept.

    Raises:
        RuleError: with the reason, in a sentence.
    """
    parts = _parts(rule)
    wall = first.astimezone(zone).replace(tzinfo=None)
    until = parts.pop("UNTIL", None)
    text = ";".join(f"{name}={value}" for name, value in parts.items())
    try:
        last = min(wall + HORIZON, _until(until, zone)) if until else wall + HORIZON
        starts = _bounded(text, wall, last)
        found = [start.replace(tzinfo=zone).astimezone(UTC) for start in starts]
    except (ValueError, OverflowError) as error:
        raise RuleError(f"This recurrence rule cannot be followed: {error}.") from error
    if wall not in starts:
        raise RuleError("The first start does not follow the rule.")
    return found


def _parts(rule: str) -> dict[str, str]:
    if len(rule) > RULE_LENGTH:
        raise RuleError(f"A recurrence rule has at most {RULE_LENGTH} characters.")
    parts: dict[str, str] = {}
    for part in rule.strip().upper().removeprefix("RRULE:").split(";"):
        name, _, value = part.partition("=")
        if name not in PARTS or name in parts or not re.fullmatch(PARTS[name], value, re.ASCII):
            known = ", ".join(PARTS)
            raise RuleError(f"“{part}” is not understood here. A rule is made of {known}, each once.")
        parts[name] = value
    if "FREQ" not in parts:
        raise RuleError("A recurrence rule says how often: FREQ=WEEKLY, for example.")
    if parts["FREQ"] == "DAILY" and "INTERVAL" in parts and any(name.startswith("BY") for name in parts):
        raise RuleError("Every so many days and on certain days do not go together: use FREQ=WEEKLY with INTERVAL.")
    _check_days(parts)
    return parts


def _check_days(parts: dict[str, str]) -> None:
    """Refuse days that no month has: looking for the first of them would take until the year 9999."""
    months = [int(each) for each in parts.get("BYMONTH", "1").split(",")]
    days = [abs(int(each)) for each in parts.get("BYMONTHDAY", "1").split(",")]
    if max(months) > 12 or min(days) > max(LONGEST_MONTH.get(month, 31) for month in months):
        raise RuleError("No month has this day.")


def _until(text: str, zone: ZoneInfo) -> datetime:
    if text.endswith("Z"):
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
    if "T" in text:
        return datetime.strptime(text, "%Y%m%dT%H%M%S")  # noqa: DTZ007  # a wall time
    return datetime.strptime(text, "%Y%m%d") + timedelta(days=1, microseconds=-1)  # noqa: DTZ007  # a wall time


def _bounded(text: str, wall: datetime, last: datetime) -> list[datetime]:
    return list(islice(takewhile(lambda one: one <= last, rrulestr(text, dtstart=wall)), MOST_WINDOWS))
