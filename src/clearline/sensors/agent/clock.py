"""The platform's time as told on another machine: measured, with its uncertainty, at each exchange.

Four moments (RFC 5905, section 8): the agent notes its steady clock when it sends and when the answer is there, the
platform its wall clock when the request came and when it answered. What the steady clock shows is related to the
platform's time, so a step of the machine's own wall clock changes nothing but the offset that is told.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

KEPT = 8
"""Of so many exchanges the quickest tells the time: it is the least uncertain (RFC 5905, section 10)."""


def steady_us() -> int:
    """A clock that nobody sets and that goes on while the machine sleeps, in microseconds since it was started."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def wall_us() -> int:
    """The machine's wall clock, in microseconds since the epoch."""
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class Relation:
    """How the platform's time and the steady clock relate."""

    ahead_us: int
    """The platform's time less the steady clock."""
    uncertainty_us: int
    """It may be off by this much either way: half the time the exchange was under way."""

    @classmethod
    def of(cls, sent_us: int, received_us: int, answered_us: int, heard_us: int) -> "Relation":
        """From the four moments of one exchange: `sent` and `heard` of the steady clock, the others the platform's."""
        under_way_us = max(0, heard_us - sent_us - (answered_us - received_us))
        return cls((received_us + answered_us - sent_us - heard_us) // 2, -(-under_way_us // 2))


class PlatformClock:
    """Tells the platform's time. Unknown until the first exchange."""

    def __init__(
        self,
        steady_us: Callable[[], int] = steady_us,
        wall_us: Callable[[], int] = wall_us,
        known: Relation | None = None,
    ) -> None:
        """Begin without knowing the time, or with what was measured since the machine was started."""
        self.steady_us = steady_us
        self._wall_us = wall_us
        self._relations: deque[Relation] = deque([known] if known else [], maxlen=KEPT)

    def measured(self, relation: Relation) -> None:
        """Take in one exchange. If it contradicts what was known, one of the clocks was set: only this one counts."""
        known = self.relation
        if known and abs(relation.ahead_us - known.ahead_us) > relation.uncertainty_us + known.uncertainty_us:
            self._relations.clear()
        self._relations.append(relation)

    @property
    def relation(self) -> Relation | None:
        """The least uncertain of the latest exchanges; None before the first."""
        return min(self._relations, key=lambda each: each.uncertainty_us, default=None)

    def now_us(self) -> int:
        """The platform's time.

        Raises:
            LookupError: no exchange has told it yet.
        """
        if (known := self.relation) is None:
            raise LookupError("the platform has not told its time yet")
        return self.steady_us() + known.ahead_us

    def offset_us(self) -> int:
        """How far the platform's time is ahead of this machine's wall clock; negative when that one is fast.

        Raises:
            LookupError: no exchange has told the time yet.
        """
        return self.now_us() - self._wall_us()
