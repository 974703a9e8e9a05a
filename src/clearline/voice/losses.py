"""Which packets of a stream were missing or too late, in what runs and bursts (RFC 3611 section 4.7.2).

Numbers here are extended sequence numbers. A packet in its place never comes here.

Compiled by tools/compile; the same file runs interpreted.
"""

from typing import TYPE_CHECKING, Final, final

from mypy_extensions import i64

from clearline.voice.holes import Holes
from clearline.voice.intervals import Interval
from clearline.voice.state import FAR

if TYPE_CHECKING:
    from clearline.voice.inspection.repairs import Repairs

GMIN: Final = 16
"""Received packets in a row that end a burst (RFC 3611 section 4.7.2, recommended value)."""

NEVER: Final = -1_000_000


@final
class Losses:
    """The bad packets of one stream: lost in the network, or discarded by the de-jitter buffer.

    Losses belong to the interval in which the gap showed. Numbers wait in `bad`, ascending, as long as a late packet
    may still fill them; then they pass in order to the burst measure.
    """

    def __init__(self, intervals: list[Interval], holes: Holes) -> None:
        self.intervals: list[Interval] = intervals
        self.holes: Holes = holes
        self.holed: list[tuple[int, int, int]] = []
        """Losses over holes of the capture: (hole, interval, packets)."""
        self.lost: i64 = 0
        self.discarded: i64 = 0
        self.runs: i64 = 0
        """Runs of consecutive bad packets."""
        self.bad: dict[int, int] = {}
        """Number → twice its interval's index, plus one when it was discarded rather than missing."""
        self.oldest: i64 = FAR
        self.repairs: Repairs | None = None
        """Of a stream with redundancy: told of each bad packet for good."""
        self.cluster_first: i64 = 0
        self.cluster_last: i64 = NEVER
        self.cluster_bad: i64 = 0
        self.bursts: i64 = 0
        self.burst_packets: i64 = 0
        """Packets from the first to the last bad one of each burst."""
        self.burst_bad: i64 = 0

    def count(self, interval: Interval, lost: i64, discarded: i64, runs: i64) -> None:
        """Add to the sums of the stream and of an interval."""
        self.lost += lost
        interval.lost += lost
        self.discarded += discarded
        interval.discarded += discarded
        self.runs += runs
        interval.runs += runs

    def miss(self, first: i64, last: i64) -> None:
        """Note numbers passed over."""
        index: i64 = len(self.intervals) - 1
        state = index << 1
        if not self.bad:
            self.oldest = first
        runs: i64 = 0 if (first - 1) in self.bad else 1
        number = first
        while number <= last:
            self.bad[number] = state
            number += 1
        self.count(self.intervals[index], last - first + 1, 0, runs)

    def look_for_hole(self, before_us: i64, at_us: i64, lost: i64) -> None:
        """Note whether packets went missing while the capture recorded nothing.

        Args:
            before_us: when the packet before the missing ones came.
            at_us: when the one after them came.
            lost: how many were missing.
        """
        hole = self.holes.over(before_us, at_us, lost)
        if hole >= 0:
            self.holed.append((hole, len(self.intervals) - 1, lost))

    def fill(self, number: i64) -> bool:
        """Take a packet that came late; False when it was not missing: it came twice."""
        state: i64 = self.bad.get(number, -1)
        if state < 0 or state & 1:
            return False
        # out of the middle of a run it makes two, from an end none, alone one less
        runs: i64 = (1 if (number - 1) in self.bad else 0) + (1 if (number + 1) in self.bad else 0) - 1
        del self.bad[number]
        self.count(self.intervals[state >> 1], -1, 0, runs)
        self.find_oldest()
        return True

    def precede(self, number: i64, base: i64) -> None:
        """Note the numbers between a packet from before the first and the first."""
        if number + 1 == base:
            return
        before: dict[int, int] = {}
        missing = number + 1
        while missing < base:
            before[missing] = 0
            missing += 1
        self.count(self.intervals[0], base - number - 1, 0, 0 if base in self.bad else 1)
        before.update(self.bad)
        self.bad = before
        self.oldest = number + 1

    def discard(self, number: i64, highest: i64) -> None:
        """Note a packet that came too late to be played."""
        index: i64 = len(self.intervals) - 1
        runs: i64 = 1 - (1 if (number - 1) in self.bad else 0) - (1 if (number + 1) in self.bad else 0)
        if number == highest:
            self.bad[number] = (index << 1) | 1
        else:
            self.insert(number, (index << 1) | 1)
        self.oldest = min(self.oldest, number)
        self.count(self.intervals[index], 0, 1, runs)

    def insert(self, number: i64, state: i64) -> None:
        """Put a number in its place among those that wait."""
        ordered: dict[int, int] = {}
        for key, value in self.bad.items():
            if key > number:
                break
            ordered[key] = value
        ordered[number] = state
        ordered.update(self.bad)
        self.bad = ordered

    def find_oldest(self) -> None:
        """Look up the first number that waits."""
        self.oldest = FAR
        for number in self.bad:
            self.oldest = number
            break

    def outage(self, first: i64, last: i64) -> None:
        """Note so long a loss that nothing of it can still come."""
        self.settle(last)
        self.count(self.intervals[-1], last - first + 1, 0, 1)
        if self.repairs is not None:
            self.repairs.outage(last, len(self.intervals) - 1)
        self.feed(first)
        self.cluster_bad += last - first
        self.cluster_last = last

    def settle(self, limit: i64) -> None:
        """Give up waiting for numbers up to `limit`."""
        settled: list[i64] = []
        for number in self.bad:
            if number > limit:
                break
            settled.append(number)
        for number in settled:
            state: i64 = self.bad.pop(number)
            if self.repairs is not None:
                self.repairs.settle(number, state >> 1)
            self.feed(number)
        self.find_oldest()

    def feed(self, number: i64) -> None:
        """Take the next bad number: fewer than Gmin good packets since the last one, and they are one burst."""
        if number - self.cluster_last > GMIN:
            self.close_cluster()
            self.cluster_first = number
        self.cluster_bad += 1
        self.cluster_last = number

    def close_cluster(self) -> None:
        """End a cluster of bad packets: a single one belongs to the gap, more are a burst."""
        if self.cluster_bad > 1:
            self.bursts += 1
            self.burst_packets += self.cluster_last - self.cluster_first + 1
            self.burst_bad += self.cluster_bad
        self.cluster_bad = 0
        self.cluster_last = NEVER

    def finish(self, highest: i64) -> None:
        """End here: nothing more can come."""
        self.settle(highest)
        self.close_cluster()
