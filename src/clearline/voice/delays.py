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
    sums = [[0, 0] for _ in range(len(intervals) * len(ends))]
    for place, end in enumerate(ends):
        index = 0
        for trip in range(len(end.trips_us)):
            while index + 1 < len(intervals) and intervals[index + 1].start_us <= end.trip_times_us[trip]:
                index += 1
            told = sums[index * len(ends) + place]
            told[0] += end.trips_us[trip]
            told[1] += 1
    return [_delay(sums[at : at + len(ends)], ends) for at in range(0, len(sums), len(ends) or 1)]


def _delay(told: list[list[int]], ends: list[FarEnd]) -> int | None:
    if not any(count for _, count in told):
        return None
    means = (
        total // count if count else end.round_trip_us or 0 for (total, count), end in zip(told, ends, strict=True)
    )
    return sum(means) // 2
