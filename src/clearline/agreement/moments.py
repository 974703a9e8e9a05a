"""Moments and lengths of time: integer microseconds inside, RFC 3339 text outside."""

import re
from datetime import UTC, datetime, timedelta

SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

YEAR_PATTERN = r"(19[7-9][0-9]|[2-8][0-9]{3})"
"""1970 to 8999: a moment of these years has a calendar day in every time zone."""

MOMENT_PATTERN = (
    YEAR_PATTERN + r"-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?Z"
)
"""RFC 3339 section 5.6, in UTC with `Z`, at most microseconds; a leap second is not a moment of the calendar we use."""

_is_moment = re.compile(MOMENT_PATTERN).fullmatch


def moment_us(text: str) -> int:
    """Read an RFC 3339 moment.

    Returns:
        Microseconds since 1970-01-01T00:00:00Z.

    Raises:
        ValueError: the text is not such a moment, or names a day that does not exist.
    """
    if not _is_moment(text):
        raise ValueError(
            "must be a moment in UTC such as 2026-10-03T10:00:00Z, at most to the microsecond, from 1970 on"
        )
    try:
        since = datetime.fromisoformat(text) - _EPOCH
    except ValueError as error:
        raise ValueError(f"is not a moment of the calendar ({error})") from error
    return (since.days * 86_400 + since.seconds) * SECOND_US + since.microseconds


def moment_text(us: int) -> str:
    """Write a moment as RFC 3339 in UTC with `Z`; a fraction only where there is one."""
    return utc(us).isoformat().replace("+00:00", "Z")


def utc(us: int) -> datetime:
    """Return the moment as an aware datetime in UTC."""
    return _EPOCH + timedelta(microseconds=us)


def datetime_us(moment: datetime) -> int:
    """Return an aware datetime as microseconds since the epoch, exactly."""
    return (moment - _EPOCH) // _MICROSECOND


def seconds(us: int) -> int | str:
    """Write a length in seconds: an integer where it is whole, else an exact decimal as text."""
    whole, rest = divmod(us, SECOND_US)
    return whole if rest == 0 else f"{whole}.{rest:06}".rstrip("0")


def length_text(us: int) -> str:
    """Write a length as people say it: `2 d 3 h`, `43 min 12 s`, `0 s`; fractions of a second are kept."""
    whole, rest = divmod(us, SECOND_US)
    parts = []
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count} {unit}")
    if whole or rest or not parts:
        parts.append(f"{seconds(whole * SECOND_US + rest)} s")
    return " ".join(parts)
