"""How moments and measures are written in JSON."""

from datetime import UTC, datetime, timedelta

Json = dict[str, object]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_US = 253_402_300_799_999_999
"""The end of the year 9999."""


def moment(at_us: int | None) -> str | None:
    """Write a moment, microseconds since 1970, by RFC 3339 in UTC."""
    if at_us is None:
        return None
    text = (_EPOCH + timedelta(microseconds=min(max(at_us, 0), _LAST_US))).isoformat()
    return text.removesuffix("+00:00") + "Z"


def rounded(value: float | None, digits: int = 2) -> float | None:
    """Round a measure for reading; unknown stays unknown."""
    return None if value is None else round(value, digits)


def ms(value_us: float | None) -> float | None:
    """Write µs as ms to the µs."""
    return None if value_us is None else round(value_us / 1000, 3)


def whole_ms(value_us: int | None) -> int | None:
    """Write µs as whole ms, rounded half up."""
    return None if value_us is None else (value_us + 500) // 1000


def seconds(value_us: int) -> float:
    """Write µs as seconds, without a fraction when there is none."""
    whole, rest = divmod(value_us, 1_000_000)
    return round(value_us / 1_000_000, 6) if rest else whole
