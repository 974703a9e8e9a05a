"""What a figure that is read again and again says over the last minutes: pure arithmetic, exact, rounded once.

A running total (Prometheus' counter) says nothing by itself; its increase does. Two readings are needed that lie at
least half of the time apart that is asked for, and no gap between readings may be longer than that half: else nothing
is told. Unlike Prometheus' `increase`, nothing is extrapolated to the ends of the time: what was read is what counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from itertools import pairwise

MINUTE_US = 60_000_000

LEAST_WHOLE = 10
"""A share of a whole that has grown by less says nothing."""

_PLACES = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Point:
    """One reading."""

    at_us: int
    value: Decimal
    whole: Decimal | None = None
    """The figure that `value` is a share of, read with it."""


def latest(points: Sequence[Point], now_us: int, length_us: int) -> list[Point]:
    """The readings of the last so many microseconds, the present one with them."""
    return [point for point in points if now_us - length_us <= point.at_us <= now_us]


def tells(points: Sequence[Point], length_us: int) -> bool:
    """Whether readings reach far enough, and lie close enough, to tell about so many microseconds."""
    if len(points) < 2:
        return False
    closest = all(2 * (after.at_us - before.at_us) <= length_us for before, after in pairwise(points))
    return closest and 2 * (points[-1].at_us - points[0].at_us) >= length_us


def increase(values: Sequence[Decimal]) -> Decimal:
    """By how much a running total grew: one that is lower than before began anew at 0, as Prometheus counts it."""
    return sum((after - before if after >= before else after for before, after in pairwise(values)), Decimal(0))


def per_minute(points: Sequence[Point], length_us: int) -> Decimal | None:
    """The increase of a running total in a minute."""
    if not tells(points, length_us):
        return None
    grown = increase([point.value for point in points])
    return _rounded(Fraction(grown) * MINUTE_US / (points[-1].at_us - points[0].at_us))


def share_pct(points: Sequence[Point], length_us: int) -> Decimal | None:
    """The increase of one running total, percent of that of another."""
    both = [(point.value, point.whole) for point in points if point.whole is not None]
    if len(both) < len(points) or not tells(points, length_us):
        return None
    whole = increase([whole for _, whole in both])
    if whole < LEAST_WHOLE:
        return None
    return _rounded(100 * Fraction(increase([part for part, _ in both])) / Fraction(whole))


def left_pct(points: Sequence[Point], length_us: int) -> Decimal | None:
    """The present value, percent of the first: what is left of the registrations of five minutes ago."""
    if not tells(points, length_us) or points[0].value <= 0:
        return None
    return _rounded(100 * Fraction(points[-1].value) / Fraction(points[0].value))


def _rounded(number: Fraction) -> Decimal:
    return (Decimal(number.numerator) / Decimal(number.denominator)).quantize(_PLACES, ROUND_HALF_EVEN)
