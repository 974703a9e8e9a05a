"""How values look on a page: moments, durations, figures, icons. A value that is not known says so; it is never 0."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from functools import cache
from pathlib import Path
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect, Select
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from clearline.agreement.moments import utc

register = template.Library()

ICONS = Path(__file__).resolve().parents[1] / "static" / "vendor" / "tabler-icons"


@register.simple_tag
def moment(value: datetime | None, unknown: str = "unknown", style: str = "short") -> SafeString | str:
    """A moment in UTC that the page's script turns into the reader's zone; UTC stays in the title.

    Args:
        value: aware; None prints `unknown`.
        unknown: what to say when there is no moment.
        style: `short` day and minute, `day`, `second`, or `ago` for a running distance.
    """
    if value is None:
        return unknown
    value = value.astimezone(UTC)
    formats = {"day": "%-d %b %Y", "second": "%-d %b %Y, %H:%M:%S"}
    exact = f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond:06}Z" if value.microsecond else f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return format_html(
        '<time datetime="{}" title="{} UTC" data-style="{}">{} UTC</time>',
        exact,
        value.strftime("%-d %b %Y, %H:%M:%S"),
        style,
        value.strftime(formats.get(style, "%-d %b %Y, %H:%M")),
    )


@register.simple_tag
def moment_us(value_us: int | None, unknown: str = "unknown", style: str = "short") -> SafeString | str:
    """As `moment`, of microseconds since the epoch."""
    return moment(None if value_us is None else utc(value_us), unknown, style)


@register.simple_tag
def length(from_us: int, until_us: int) -> str:
    """The length of an interval, as `duration` writes it."""
    return duration(until_us - from_us)


@register.filter
def duration(value: timedelta | int | None) -> str:
    """A length of time in words of at most two units, cut off and never rounded up: `2 h 30 min`, `45 s`, `850 ms`.

    Args:
        value: a timedelta, or integer microseconds; None prints `unknown`.
    """
    if value is None:
        return "unknown"
    us = value // timedelta(microseconds=1) if isinstance(value, timedelta) else value
    if us < 0:
        return f"-{duration(-us)}"
    if us < 1_000_000:
        return f"{us // 1000} ms" if us else "0 s"
    seconds = us // 1_000_000
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    parts: list[tuple[int, str]] = []
    for name, size in units:
        count, seconds = divmod(seconds, size)
        if count or parts:
            parts.append((count, name))
    return " ".join(f"{count} {name}" for count, name in parts[:2] if count)


@register.filter
def ms(value_us: int | None) -> str:
    """Microseconds as milliseconds with one decimal, cut off: `12.3 ms`; None prints `not measured`."""
    return "not measured" if not isinstance(value_us, int) else f"{value_us // 100 / 10:.1f} ms"


@register.filter
def offset(value_us: int | None) -> str:
    """By how much a clock is to be set: `12.3 ms slow`, `5 min fast`; None prints `not measured`."""
    if not isinstance(value_us, int):
        return "not measured"
    far = ms(abs(value_us)) if abs(value_us) < 1_000_000 else duration(abs(value_us))
    return f"{far} {'slow' if value_us > 0 else 'fast'}"


@register.filter
def hundredths(value: int | None) -> str:
    """A score kept as integer hundredths: `4.18`; None prints `not measured`."""
    return "not measured" if not isinstance(value, int) else f"{value // 100}.{value % 100:02}"


@register.filter
def ppm_percent(value: int | None) -> str:
    """Parts per million as percent, cut off after four decimals: `0.0333 %`; None prints `not measured`."""
    return "not measured" if not isinstance(value, int) else f"{value // 10_000}.{value % 10_000:04} %"


@register.filter
def truncated(value: str | Decimal | None, places: int) -> str:
    """A decimal figure cut off after so many places, never rounded up; None prints `not measured`."""
    if value is None:
        return "not measured"
    return str(Decimal(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_DOWN))


@register.filter
def or_unknown(value: object) -> object:
    """The value, or the word `unknown`."""
    return "unknown" if value is None or value == "" else value


@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    """One of the vendored Tabler icons, inline; decoration only, so hidden from screen readers."""
    return mark_safe(_svg(name).replace('class="icon', f'aria-hidden="true" class="icon {classes}', 1))  # noqa: S308  # our own file


@cache
def _svg(name: str) -> str:
    return (ICONS / f"{name}.svg").read_text("utf-8")


@register.filter
def styled(field: BoundField) -> SafeString:
    """The field's widget with the classes of the style sheet."""
    widget = field.field.widget
    if isinstance(widget, CheckboxSelectMultiple | RadioSelect):
        return field.as_widget()
    if isinstance(widget, CheckboxInput):
        css = "form-check-input"
    elif isinstance(widget, Select):
        css = "form-select"
    else:
        css = "form-control"
    return field.as_widget(attrs={"class": f"{css} is-invalid" if field.errors else css})


@register.simple_tag
def status(value: str) -> str:
    """A commitment's status in words."""
    return value.replace("_", " ")


@register.simple_tag
def figure(month: Any, commitment: str) -> str:
    """What a month's statement measured for a commitment with a level, cut off after four decimals."""
    verdict = month.statement.to_json()["commitments"].get(commitment)
    if verdict is None:
        return "not promised"
    if verdict["measured"] is None:
        return "not measured"
    return f"{verdict['measured']} %" if commitment == "availability" else str(verdict["measured"])
