"""The ladder of a call: its SIP messages as arrows between the addresses that exchanged them."""

from clearline.voice.report.words import duration, safe, time_of_day
from clearline.voice.results import Call, LadderMessage

MAX_ROWS = 60
"""Messages drawn of one call; a call with an authentication round trip over one proxy has about 20."""

MAX_COLUMNS = 8
"""Addresses drawn; messages of further ones stand in the table only."""

PAUSE_US = 1_000_000
"""A longer silence between two messages is written between them: the ladder is not to scale."""

_GUTTER, _EDGE, _APART, _TOP, _ROW, _PAUSE = 76, 74, 210, 40, 30, 22
_LABEL_CHARACTERS = 30


def draw_ladder(call: Call) -> str:
    """Draw a call's messages.

    Returns:
        SVG with a name and a title on each arrow; "" when there are no messages.
    """
    places = _columns(call.ladder)
    shown = [each for each in call.ladder if each.source in places and each.destination in places][:MAX_ROWS]
    if not shown:
        return ""
    rows: list[str] = []
    y, before_us = _TOP + 18, shown[0].at_us
    for message in shown:
        if message.at_us - before_us > PAUSE_US:
            rows.append(_pause(message.at_us - before_us, y, places))
            y += _PAUSE
        y += _ROW
        rows.append(_arrow(message, places, y, call.start_us))
        before_us = message.at_us
    height = y + 16
    width = max(places.values()) + _EDGE
    lines = "".join(f'<line x1="{x}" x2="{x}" y1="{_TOP}" y2="{height}"/>' for x in places.values())
    heads = "".join(_head(name, x) for name, x in places.items())
    return (
        f'<svg class="ladder" role="img" aria-label="SIP messages of the call, {len(shown)} arrows; the table has them '
        f'as text" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f"{lines}{heads}{''.join(rows)}</svg>"
    )


def left_out(call: Call) -> int:
    """How many of the call's messages the ladder does not show."""
    places = _columns(call.ladder)
    drawn = sum(each.source in places and each.destination in places for each in call.ladder)
    return call.message_count - min(drawn, MAX_ROWS)


def _columns(messages: tuple[LadderMessage, ...]) -> dict[str, int]:
    """Give each address its place from left to right, in the order of appearance."""
    names = dict.fromkeys(name for each in messages for name in (each.source, each.destination))
    return {name: _GUTTER + _EDGE + _APART * place for place, name in enumerate(list(names)[:MAX_COLUMNS])}


def _head(name: str, x: int) -> str:
    address, _, port = name.rpartition(":")
    return (
        f'<text class="end" x="{x}" y="15" text-anchor="middle">{safe(address, 24)}</text>'
        f'<text class="when" x="{x}" y="31" text-anchor="middle">{safe(f"port {port}", 24)}</text>'
    )


def _pause(length_us: int, y: int, places: dict[str, int]) -> str:
    middle = (min(places.values()) + max(places.values())) // 2
    return f'<text class="pause" x="{middle}" y="{y + 19}" text-anchor="middle">{duration(length_us)} later</text>'


def _arrow(message: LadderMessage, places: dict[str, int], y: int, start_us: int) -> str:
    start, end = places[message.source], places[message.destination]
    when = f'<text class="when" x="4" y="{y + 4}">{(message.at_us - start_us) / 1_000_000:+.3f} s</text>'
    label = message.text + (" · SDP" if message.has_sdp else "") + (" · again" if message.repeated else "")
    title = (
        f"<title>{time_of_day(message.at_us)} UTC, {safe(message.source)} to {safe(message.destination)}: "
        f"{safe(label)}</title>"
    )
    again = " again" if message.repeated else ""
    if start == end:
        line = f'<path class="arrow{again}" fill="none" d="M{start} {y - 6}h26v10h-20"/>'
        tip, x, anchor = f"{start + 1},{y + 4} {start + 8},{y} {start + 8},{y + 8}", start + 32, "start"
    else:
        back = -8 if end > start else 8
        line = f'<line class="arrow{again}" x1="{start}" x2="{end + back // 2}" y1="{y}" y2="{y}"/>'
        tip, x, anchor = f"{end},{y} {end + back},{y - 4} {end + back},{y + 4}", (start + end) // 2, "middle"
    return (
        f'{when}<g class="{_kind(message.text)}">{title}{line}<polygon points="{tip}"/>'
        f'<text x="{x}" y="{y - 6}" text-anchor="{anchor}">{safe(label, _LABEL_CHARACTERS)}</text></g>'
    )


def _kind(text: str) -> str:
    """Class a message by what it says: a request, or a response by its hundreds."""
    if not text[:3].isdecimal():
        return "request"
    return {"1": "provisional", "2": "success"}.get(text[0], "failure")
