"""Sets of instants as half-open intervals of integer microseconds since the epoch, UTC."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Interval = tuple[int, int]
"""`(from_us, until_us)`: contains `from_us`, does not contain `until_us`."""


@dataclass(frozen=True, slots=True)
class IntervalSet:
    """A set of instants.

    Two sets are equal when they contain the same instants: the spans are kept sorted, apart from each other and not
    empty. Build one with `IntervalSet.of`; the operators `|`, `&` and `-` are those of sets, each linear in the spans.
    """

    spans: tuple[Interval, ...] = ()

    @classmethod
    def of(cls, intervals: Iterable[Interval]) -> "IntervalSet":
        """Make the set of all instants of the intervals, which may overlap, touch, be empty and come in any order."""
        spans: list[Interval] = []
        for from_us, until_us in sorted(intervals):
            if from_us >= until_us:
                continue
            if spans and from_us <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(spans[-1][1], until_us))
            else:
                spans.append((from_us, until_us))
        return cls(tuple(spans))

    def __iter__(self) -> Iterator[Interval]:
        return iter(self.spans)

    def __bool__(self) -> bool:
        return bool(self.spans)

    def __contains__(self, instant_us: int) -> bool:
        return any(from_us <= instant_us < until_us for from_us, until_us in self.spans)

    def __or__(self, other: "IntervalSet") -> "IntervalSet":
        return IntervalSet.of(self.spans + other.spans)

    def __and__(self, other: "IntervalSet") -> "IntervalSet":
        spans: list[Interval] = []
        mine, theirs = iter(self.spans), iter(other.spans)
        left, right = next(mine, None), next(theirs, None)
        while left is not None and right is not None:
            from_us, until_us = max(left[0], right[0]), min(left[1], right[1])
            if from_us < until_us:
                spans.append((from_us, until_us))
            if left[1] < right[1]:
                left = next(mine, None)
            else:
                right = next(theirs, None)
        return IntervalSet(tuple(spans))

    def __sub__(self, other: "IntervalSet") -> "IntervalSet":
        if not self.spans:
            return self
        first, last = self.spans[0][0], self.spans[-1][1]
        outside: list[Interval] = []
        at = first
        for from_us, until_us in other.spans:
            outside.append((at, from_us))
            at = until_us
        outside.append((at, last))
        return self & IntervalSet(tuple((a, b) for a, b in outside if a < b))

    @property
    def total_us(self) -> int:
        """The length of all spans together, in microseconds."""
        return sum(until_us - from_us for from_us, until_us in self.spans)
