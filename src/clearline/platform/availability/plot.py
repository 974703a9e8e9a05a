"""Samples as a plot's series."""

from collections.abc import Sequence
from itertools import pairwise

from clearline.agreement.intervals import Interval
from clearline.platform.availability.outages import GAP_INTERVALS
from clearline.records.schema import ProbeSample

MOST_POINTS = 2_000
"""More than a screen has columns."""


def plot_of(samples: Sequence[ProbeSample], span: Interval) -> dict[str, object]:
    """A target's latency over a span of time, its sorted samples given.

    Returns:
        `from` and `until` of the span and `at` in seconds since the epoch, `value` in milliseconds and its `unit`. A
        sample without an answer is null, and so is one point inside every pause of the samples, so that no line is
        drawn where nothing was measured.
    """
    points: list[tuple[float, float | None]] = []
    for sample, after in pairwise([*samples, None]):
        if sample is None:
            continue
        points.append((sample.at_us / 1e6, _ms(sample)))
        if after is not None and after.at_us - sample.at_us > GAP_INTERVALS * sample.interval_us:
            points.append(((sample.at_us + sample.interval_us) / 1e6, None))
    thinned = _thin(points)
    return {
        "from": span[0] / 1e6,
        "until": span[1] / 1e6,
        "at": [at for at, _ in thinned],
        "value": [value for _, value in thinned],
        "unit": "ms",
    }


def _ms(sample: ProbeSample) -> float | None:
    return round(sample.latency_us / 1000, 1) if sample.ok and sample.latency_us is not None else None


def _thin(points: list[tuple[float, float | None]]) -> list[tuple[float, float | None]]:
    """At most MOST_POINTS: of each run of neighbours the worst one, a missing answer being worse than any delay."""
    size = -(-len(points) // MOST_POINTS)
    if size <= 1:
        return points
    groups = (points[at : at + size] for at in range(0, len(points), size))
    return [max(group, key=lambda point: float("inf") if point[1] is None else point[1]) for group in groups]
