"""Numbers, moments and foreign text as the report writes them."""

import unicodedata
from datetime import UTC, datetime, timedelta
from html import escape

UNKNOWN = '<span class="unknown">unknown</span>'

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_US = 253_402_300_799_999_999
"""The end of the year 9999."""

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories that would hide, reorder or break what stands beside them."""

MAX_TEXT = 200
"""Characters shown of one text from a capture."""


def safe(text: str, limit: int = MAX_TEXT) -> str:
    """Escape text that came from a capture; what cannot be seen becomes a replacement character."""
    shown = text if len(text) <= limit else text[: limit - 1] + "…"
    return escape("".join("\ufffd" if unicodedata.category(each) in _INVISIBLE else each for each in shown))


def _moment(at_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=min(max(at_us, 0), _LAST_US))


def day_and_time(at_us: int) -> str:
    """Write a moment to the second."""
    return f"{_moment(at_us):%Y-%m-%d %H:%M:%S}"


def time_of_day(at_us: int) -> str:
    """Write a moment's time to the millisecond."""
    return f"{_moment(at_us):%H:%M:%S.%f}"[:-3]


def duration(length_us: int | None) -> str:
    """Write a length of time, its unit by its size."""
    if length_us is None:
        return UNKNOWN
    if abs(length_us) < 1_000_000:
        return f"{length_us / 1000:.0f} ms"
    if abs(length_us) < 60_000_000:
        return f"{length_us / 1_000_000:.1f} s"
    minutes, seconds = divmod(round(length_us / 1_000_000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min {seconds:02} s" if hours else f"{minutes} min {seconds:02} s"


def milliseconds(value_us: float | None) -> str:
    """Write microseconds as milliseconds."""
    return UNKNOWN if value_us is None else f"{value_us / 1000:.1f} ms"


def count(value: int) -> str:
    """Write a count with its thousands apart."""
    return f"{value:,}".replace(",", "\u202f")


def plural(value: int, one: str, many: str) -> str:
    """Write a count and its noun."""
    return f"{count(value)} {one if value == 1 else many}"


def percent(part: int, whole: int) -> str:
    """Write a share; a small one is never written as none."""
    if not whole:
        return UNKNOWN
    if not part:
        return "0\u00a0%"
    share = 100 * part / whole
    return f"{share:.2f}\u00a0%" if share >= 0.01 else "&lt;\u00a00.01\u00a0%"


def score(mos: float | None) -> str:
    """Write a MOS."""
    return UNKNOWN if mos is None else f"{mos:.2f}"


def grade(mos: float | None) -> str:
    """Return the class of a MOS: `good` from R 80 (users satisfied), `fair` from R 70, else `poor` (G.107 Annex B)."""
    if mos is None:
        return "none"
    return "good" if mos >= 4.03 else "fair" if mos >= 3.60 else "poor"


def rating_words(mos: float) -> str:
    """Return what G.107 Annex B says of listeners at this MOS."""
    bands = ((4.34, "users very satisfied"), (4.03, "users satisfied"), (3.60, "some users dissatisfied"),
             (3.10, "many users dissatisfied"), (2.58, "nearly all users dissatisfied"))  # fmt: skip
    return next((words for least, words in bands if mos >= least), "not recommended")
