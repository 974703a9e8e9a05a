"""Which of a stream's missing packets a receiver could put back from redundancy sent with later ones.

A receiver repairs a packet when the redundancy for it arrives before the packet's turn to be played. What is left is
the residual loss, which is what a listener hears.

Compiled by tools/compile; the same file runs interpreted.
"""

from typing import Final, final

from mypy_extensions import i64

NONE: Final = -1_000_000

MAX_WAITING: Final = 1000
"""Packets that wait at a time; packets are given up, and settled, after as many."""


@final
class Repairs:
    """The missing packets of one stream for which redundancy arrived in time."""

    def __init__(self) -> None:
        self.waiting: set[int] = set()
        """Numbers that redundancy has arrived for and that still may arrive themselves."""
        self.repaired: i64 = 0
        self.runs: i64 = 0
        """Runs of consecutive bad packets that stay bad."""
        self.last: i64 = NONE
        """The latest packet that stays bad."""
        self.intervals: dict[int, list[int]] = {}
        """Interval → packets repaired, runs that stay bad."""

    def settle(self, number: i64, index: i64) -> None:
        """Take the next bad packet for good, in order.

        Args:
            number: its extended sequence number.
            index: of the interval that its loss belongs to.
        """
        sums = self.sums(index)
        if number in self.waiting:
            self.waiting.discard(number)
            self.repaired += 1
            sums[0] += 1
            return
        if number != self.last + 1:
            self.runs += 1
            sums[1] += 1
        self.last = number

    def outage(self, last: i64, index: i64) -> None:
        """Take a loss so long that nothing of it can be repaired; `last` is its last packet."""
        self.runs += 1
        self.sums(index)[1] += 1
        self.last = last

    def sums(self, index: i64) -> list[int]:
        """Find the sums of an interval."""
        found = self.intervals.get(index)
        if found is None:
            found = self.intervals[index] = [0, 0]
        return found

    def wait_for(self, number: i64, oldest: i64) -> None:
        """Note a missing packet that redundancy has arrived for; forget those that have arrived themselves since."""
        if len(self.waiting) >= MAX_WAITING:
            self.waiting = {each for each in self.waiting if each >= oldest}
        self.waiting.add(number)
