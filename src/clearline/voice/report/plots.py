"""Time plots of a stream: loss, jitter, delay and score by interval, with what is not known left blank.

A plot's shapes are drawn in a unit of 1000 by 100 and stretched to the page; words and numbers are HTML beside it, so
that they keep their size on a telephone and on paper.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from clearline.voice.report.words import duration, milliseconds, percent, rating_words, safe, score, time_of_day
from clearline.voice.results import Interval, Stream

MAX_SLOTS = 180
"""Points of one plot: half an hour of 10 s intervals; of a longer stream, neighbours are drawn together."""

_WIDTH, _HEIGHT = 1000.0, 100.0


def slots(intervals: Sequence[Interval]) -> list[Interval]:
    """Draw neighbours together until at most `MAX_SLOTS` are left: sums of counts, and the worst of the rest."""
    group = max(1, math.ceil(len(intervals) / MAX_SLOTS))
    return [_together(intervals[at : at + group]) for at in range(0, len(intervals), group)]


def _together(group: Sequence[Interval]) -> Interval:
    return Interval(
        start_us=group[0].start_us,
        duration_us=sum(each.duration_us for each in group),
        received=sum(each.received for each in group),
        lost=sum(each.lost for each in group),
        discarded=sum(each.discarded for each in group),
        jitter_mean_us=max(_known(each.jitter_mean_us for each in group), default=None),
        jitter_max_us=max(_known(each.jitter_max_us for each in group), default=None),
        max_gap_us=max(each.max_gap_us for each in group),
        mos_lq=min(_known(each.mos_lq for each in group), default=None),
        mos_cq=min(_known(each.mos_cq for each in group), default=None),
        delay_us=max((each.delay_us for each in group if each.delay_us is not None), default=None),
    )


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


@dataclass(frozen=True, slots=True)
class _Axis:
    """The time a plot covers: the stream, and the silence after it while the call went on."""

    start_us: int
    end_us: int

    def x(self, at_us: int) -> float:
        length = max(1, self.end_us - self.start_us)
        return round(min(max(_WIDTH * (at_us - self.start_us) / length, 0.0), _WIDTH), 2)


def draw_plots(stream: Stream) -> str:
    """Draw a stream's four plots.

    Returns:
        HTML; a plot of which nothing is known says why in its place.
    """
    points = slots(stream.intervals)
    axis = _Axis(stream.start_us, stream.end_us + stream.regularity.outage_us)
    drawn = (
        _loss(stream, points, axis),
        _jitter(points, axis),
        _delay(stream, points, axis),
        _score(stream, points, axis),
    )
    together = ""
    if len(stream.intervals) > MAX_SLOTS:
        together = f'<p class="key">One step is {duration(points[0].duration_us)}: the worst of its intervals.</p>'
    return f'<div class="plots">{"".join(drawn)}</div>{together}{_key()}'


def _key() -> str:
    return (
        '<p class="key"><b class="lost"></b>lost<b class="late"></b>too late to be played'
        '<b class="mean"></b>mean, or score<b class="max"></b>greatest<b class="gap"></b>nothing received</p>'
    )


def _loss(stream: Stream, points: list[Interval], axis: _Axis) -> str:
    sent = [each for each in points if each.received + each.lost]
    worst = max((100 * (each.lost + each.discarded) / (each.received + each.lost) for each in sent), default=0.0)
    top = _ceiling(worst, (1, 2, 5, 10, 20, 50, 100))
    shapes = []
    for each in sent:
        x, width = axis.x(each.start_us), axis.x(each.start_us + each.duration_us) - axis.x(each.start_us)
        scale = _HEIGHT * 100 / (each.received + each.lost) / top
        shapes.append(_bar("lost", x, width, 0.0, each.lost * scale))
        shapes.append(_bar("late", x, width, each.lost * scale, each.discarded * scale))
    counts = stream.counts
    said = f"{percent(counts.lost, counts.expected)} lost, {percent(counts.discarded, counts.expected)} late"
    return _plot("Loss", said, points, axis, (0, top), "%", "".join(shapes))


def _bar(kind: str, x: float, width: float, base: float, height: float) -> str:
    if not height:
        return ""
    height = min(max(height, 1.5), _HEIGHT - base)
    return f'<rect class="{kind}" x="{x}" y="{_HEIGHT - base - height:.2f}" width="{width:.2f}" height="{height:.2f}"/>'


def _jitter(points: list[Interval], axis: _Axis) -> str:
    known = _known(each.jitter_max_us for each in points)
    if not known:
        return _blank("Jitter", "Unknown: no packets with timestamps followed each other.")
    top = _ceiling(max(known) / 1000, (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000))
    shapes = _steps("trace2", points, axis, lambda each: each.jitter_max_us, top * 1000)
    shapes += _steps("trace", points, axis, lambda each: each.jitter_mean_us, top * 1000)
    return _plot("Jitter", f"up to {milliseconds(max(known))}", points, axis, (0, top), "ms", shapes)


def _delay(stream: Stream, points: list[Interval], axis: _Axis) -> str:
    if stream.delay is None:
        return _blank("Delay", "Unknown: no round trip could be taken from RTCP, so no conversational score is given.")
    known = _known(each.delay_us for each in points)
    worst_us = max(known, default=0.0)
    top = _ceiling(worst_us / 1000, (50, 100, 150, 200, 400, 1000, 2000, 5000, 10_000, 60_000))
    shape = _steps("trace", points, axis, lambda each: each.delay_us, top * 1000)
    said = f"{milliseconds(stream.delay.one_way_us)} one way, mean; up to {milliseconds(worst_us)}"
    return _plot("Delay", said, points, axis, (0, top), "ms", shape)


def _score(stream: Stream, points: list[Interval], axis: _Axis) -> str:
    known = _known(each.mos_lq for each in points)
    if not known:
        return _blank("MOS", f"Not scored: {safe(stream.quality.unscored or 'no interval has enough packets')}.")
    shapes = _steps("trace", points, axis, lambda each: None if each.mos_lq is None else each.mos_lq - 1, 4.0)
    said = f"listening, worst {score(min(known))}: {rating_words(min(known))}"
    return _plot("MOS", said, points, axis, (1, 5), "", shapes)


def _steps(
    kind: str, points: list[Interval], axis: _Axis, value: Callable[[Interval], float | None], top: float
) -> str:
    """Draw a line of steps, broken where the value is not known."""
    path = []
    drawing = False
    for each in points:
        height = value(each)
        if height is None or not each.received:
            drawing = False
            continue
        y = max(0.0, round(_HEIGHT - _HEIGHT * height / top, 2))
        start, end = axis.x(each.start_us), axis.x(each.start_us + each.duration_us)
        path.append(f"{f'V{y}' if drawing else f'M{start} {y}'}H{end}")
        drawing = True
    return f'<path class="{kind}" d="{"".join(path)}"/>'


def _ceiling(value: float, steps: tuple[int, ...]) -> int:
    """Return the first of the steps that the value fits under, or the last."""
    return next((step for step in steps if value <= step), steps[-1])


def _plot(
    name: str, said: str, points: list[Interval], axis: _Axis, ends: tuple[int, int], unit: str, shapes: str
) -> str:
    low, high = ends
    ticks = [(0, low), (50, (low + high) / 2), (100, high)]
    grid = "".join(f'<path class="grid" d="M0 {100 - place}H{_WIDTH:.0f}"/>' for place, _ in ticks)
    labels = "".join(f'<i style="bottom:{place}%">{f"{value:g} {unit}".strip()}</i>' for place, value in ticks)
    hits = "".join(_hit(each, axis) for each in points)
    label = f"{name} over time; the table has the numbers"
    return (
        f'<figure><figcaption><b>{name}</b><span>{said}</span></figcaption><div class="plot">{labels}'
        f'<svg viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" aria-label="{label}">'
        f"{_gaps(points, axis)}{grid}{shapes}{hits}</svg></div>{_times(axis)}</figure>"
    )


def _gaps(points: list[Interval], axis: _Axis) -> str:
    """Shade the time in which nothing came: silent intervals, those left out, and what follows the last packet."""
    silent = [(each.start_us, each.start_us + each.duration_us) for each in points if not each.received]
    ends = [each.start_us + each.duration_us for each in points]
    silent += zip(ends, [*(each.start_us for each in points[1:]), axis.end_us], strict=False)
    return "".join(
        f'<rect class="gap" x="{axis.x(start)}" y="0" width="{axis.x(end) - axis.x(start):.2f}" height="100"/>'
        for start, end in silent
        if axis.x(end) > axis.x(start)
    )


def _hit(each: Interval, axis: _Axis) -> str:
    """Make an interval answer the pointer with its numbers."""
    x, width = axis.x(each.start_us), axis.x(each.start_us + each.duration_us) - axis.x(each.start_us)
    words = (
        f"{time_of_day(each.start_us)} UTC, {duration(each.duration_us)}: {each.received} received, {each.lost} lost, "
        f"{each.discarded} late"
    )
    if each.jitter_max_us is not None:
        words += f", jitter up to {milliseconds(each.jitter_max_us)}"
    if each.delay_us is not None:
        words += f", delay {milliseconds(each.delay_us)}"
    if each.mos_lq is not None:
        words += f", MOS {score(each.mos_lq)}"
    return f'<rect class="hit" x="{x}" y="0" width="{width:.2f}" height="100"><title>{words}</title></rect>'


def _times(axis: _Axis) -> str:
    middle = (axis.start_us + axis.end_us) // 2
    moments = (axis.start_us, middle, axis.end_us)
    return f'<div class="times">{"".join(f"<span>{time_of_day(at)[:8]}</span>" for at in moments)}</div>'


def _blank(name: str, why: str) -> str:
    return f'<figure><figcaption><b>{name}</b></figcaption><div class="blank">{why}</div></figure>'
