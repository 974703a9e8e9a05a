"""Round trips by interval of a stream.

Compiled by tools/compile; the same file runs interpreted.
"""

from clearline.voice.intervals import Interval
from clearline.voice.reports import FarEnd


def by_interval(intervals: list[Interval], ends: list[FarEnd]) -> list[int | None]:
    """Give the network's one-way delay of each interval, µs.

    Half the sum of the mean round trips that each end's reports told within the interval; of an end that told none
    there, its mean over the stream; None where neither told any.

    Args:
        intervals: in the order of time.
        ends: those whose reports told a round trip at all.
    """
    told = [_means(intervals, end) for end in ends]
    delays: list[int | None] = []
    for index in range(len(intervals)):
        known = False
        both_us = 0
        for end, means in zip(ends, told, strict=True):
            if means[index] >= 0:
                known = True
                both_us += means[index]
            else:
                both_us += end.round_trip_us or 0
        delays.append(both_us // 2 if known else None)
    return delays


def _means(intervals: list[Interval], end: FarEnd) -> list[int]:
    """Give the mean round trip of each interval; -1: none was told in it."""
    means: list[int] = []
    trip = 0
    last = len(intervals) - 1
    for index in range(last + 1):
        total_us = 0
        first = trip
        while trip < len(end.trips_us) and (index == last or end.trip_times_us[trip] < intervals[index + 1].start_us):
            total_us += end.trips_us[trip]
            trip += 1
        means.append(total_us // (trip - first) if trip > first else -1)
    return means
