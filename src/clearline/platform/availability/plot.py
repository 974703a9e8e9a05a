"""Samples as a plot's series."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from clearline.agreement.intervals import Interval
from clearline.platform.availability.outages import GAP_INTERVALS
from clearline.records.schema import ProbeSample

MOST_POINTS = 2_000
"""More than a screen has columns."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One figure of a sample, as it is drawn."""

    title: str
    unit: str
    of: Callable[[ProbeSample], int | None]
    """Reads it from a sample, as kept there."""
    divisor: int
    """From what is kept to what is drawn."""
    digits: int
    low_is_bad: bool = False


QUANTITIES = {
    "latency": Quantity("Time to answer", "ms", lambda sample: sample.latency_us, 1000, 1),
    "post_dial_delay": Quantity("Post-dial delay", "ms", lambda sample: sample.post_dial_delay_us, 1000, 1),
    "mos": Quantity("MOS of what came back", "", lambda sample: sample.mos_x100, 100, 2, low_is_bad=True),
    "loss": Quantity("Loss", "%", lambda sample: sample.loss_ppm, 10_000, 2),
    "jitter": Quantity("Jitter", "ms", lambda sample: sample.jitter_us, 1000, 1),
}


def quantities_of(kind: str) -> dict[str, Quantity]:
    """What is drawn of a target, by its kind."""
    names = ("post_dial_delay", "mos", "loss", "jitter") if kind == "call" else ("latency",)
    return {name: QUANTITIES[name] for name in names}


def plot_of(samples: Sequence[ProbeSample], span: Interval, quantity: str = "latency") -> dict[str, object]:
    """One quantity of a target over a span of time, its sorted samples given.

    Returns:
        `from` and `until` of the span and `at` in seconds since the epoch, `value` in the quantity's `unit`. A
        sample without an answer is null, and so is one point inside every pause of the samples, so that no line is
        drawn where nothing was measured.
    """
    drawn = QUANTITIES[quantity]
    points: list[tuple[float, float | None]] = []
    for sample, after in pairwise([*samples, None]):
        if sample is None:
            continue
        points.append((sample.at_us / 1e6, _value(sample, drawn)))
        if after is not None and after.at_us - sample.at_us > GAP_INTERVALS * sample.interval_us:
            points.append(((sample.at_us + sample.interval_us) / 1e6, None))
    thinned = _thin(points, low_is_bad=drawn.low_is_bad)
    return {
        "from": span[0] / 1e6,
        "until": span[1] / 1e6,
        "at": [at for at, _ in thinned],
        "value": [value for _, value in thinned],
        "unit": drawn.unit,
    }


def _value(sample: ProbeSample, drawn: Quantity) -> float | None:
    kept = drawn.of(sample) if sample.ok else None
    return None if kept is None else round(kept / drawn.divisor, drawn.digits)


def _thin(points: list[tuple[float, float | None]], *, low_is_bad: bool) -> list[tuple[float, float | None]]:
    """At most MOST_POINTS: of each run of neighbours the worst one, a missing answer being worse than any figure."""
    size = -(-len(points) // MOST_POINTS)
    if size <= 1:
        return points

    def badness(point: tuple[float, float | None]) -> float:
        value = point[1]
        return float("inf") if value is None else -value if low_is_bad else value

    return [max(points[at : at + size], key=badness) for at in range(0, len(points), size)]
