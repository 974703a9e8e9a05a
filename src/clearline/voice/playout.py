"""Named de-jitter buffers: which packets that arrived were too late to be heard.

The same capture differs by a whole MOS between two buffers, so a score names its buffer: `fixed-60/1`, where 60 is the
delay in ms and 1 the version of the definition below. A changed definition gets a new version.

Definition, version 1, in whole microseconds. The transit of a packet is its arrival less its media time, whatever the
two clocks' origins. The buffer keeps the transit of a packet without jitter (`base_us`): the least one seen, rising by
1 µs in 1000 of arrival time, so that clocks apart by up to 1000 ppm and longer routes are followed. A packet is played
if its transit is at most `base_us + delay_us`, else discarded; the tenth discard in a row makes the buffer start anew
at that packet, as a device does after it ran dry.

- `fixed-D/1`: `delay_us` is D ms for good.
- `adaptive-LOW-HIGH/1`: `delay_us` starts at LOW ms; a packet that comes less than 10 ms before its deadline, or after
  it, raises it at once so that the next like it has 10 ms to spare, up to HIGH; it falls by 10 µs in 1000 of arrival
  time down to LOW. A packet is judged by the delay before it raised it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

DEFAULT = "fixed-60/1"

RISE_DIVISOR = 1000
"""The base rises by one part in this of the time that passes."""

FALL_DIVISOR = 100
"""An adaptive delay falls by one part in this of the time that passes."""

MARGIN_US = 10_000
"""What an adaptive buffer keeps between the slowest packet and its deadline."""

RESTART_AFTER = 10
"""Discards in a row that make the buffer start anew."""

MAX_DELAY_MS = 2000

_NAME = re.compile(r"(fixed|adaptive)-(\d{1,4})(?:-(\d{1,4}))?/1", re.ASCII)


@dataclass(slots=True)
class PlayoutBuffer:
    """A de-jitter buffer; a fixed one is an adaptive one with nowhere to go.

    Attributes:
        low_us: the least delay.
        high_us: the greatest delay.
        delay_us: the present delay.
        base_us: transit of a packet without jitter.
        played: packets played so far.
        discarded: packets discarded so far.
        delay_sum_us: sum of `delay_us` over all packets, each after it was judged.
        restarts: times the buffer started anew.
    """

    low_us: int
    high_us: int
    delay_us: int
    base_us: int = 0
    last_us: int = 0
    late_run: int = 0
    played: int = 0
    discarded: int = 0
    delay_sum_us: int = 0
    restarts: int = 0

    def accept(self, arrival_us: int, media_us: int) -> bool:
        """Take the next packet to arrive (no duplicates) and tell whether it is played.

        Args:
            arrival_us: when it arrived; a step back in time counts as no time.
            media_us: its media time: its RTP timestamp since the first packet, without wrap, in µs rounded down.
        """
        transit_us = arrival_us - media_us
        elapsed_us = max(arrival_us - self.last_us, 0) if self.played else 0
        self.last_us = arrival_us
        self.base_us += elapsed_us // RISE_DIVISOR
        if transit_us < self.base_us or not self.played:
            self.base_us = transit_us
        excess_us = transit_us - self.base_us
        late = excess_us > self.delay_us
        self.late_run = self.late_run + 1 if late else 0
        if self.late_run == RESTART_AFTER:
            self.base_us, self.late_run, excess_us, late = transit_us, 0, 0, False
            self.restarts += 1
        lowest = max(self.low_us, self.delay_us - elapsed_us // FALL_DIVISOR)
        self.delay_us = min(max(lowest, excess_us + MARGIN_US), self.high_us)
        self.delay_sum_us += self.delay_us
        self.discarded += late
        self.played += not late
        return not late

    def mean_delay_us(self) -> int:
        """Give what the buffer added to the mouth-to-ear delay, on average over the packets; `delay_us` before any."""
        packets = self.played + self.discarded
        return self.delay_sum_us // packets if packets else self.delay_us


def playout_buffer(name: str = DEFAULT) -> PlayoutBuffer:
    """Make a buffer by its name: `fixed-60/1`, `adaptive-20-200/1`.

    Raises:
        ValueError: no such buffer.
    """
    match = _NAME.fullmatch(name)
    if match is None or (match[1] == "fixed") != (match[3] is None):
        raise ValueError(f"buffer: {name!r} is neither fixed-DELAY/1 nor adaptive-LEAST-GREATEST/1 (delays in ms)")
    low_ms = int(match[2])
    high_ms = int(match[3] or low_ms)
    if not low_ms <= high_ms <= MAX_DELAY_MS:
        raise ValueError(f"buffer: {name!r} has delays out of order or over {MAX_DELAY_MS} ms")
    return PlayoutBuffer(low_us=low_ms * 1000, high_us=high_ms * 1000, delay_us=low_ms * 1000)


def play_out(packets: Iterable[tuple[int, int]], name: str = DEFAULT) -> list[bool]:
    """Tell of each (arrival_us, media_us), in order of arrival, whether the named buffer plays it."""
    buffer = playout_buffer(name)
    return [buffer.accept(arrival_us, media_us) for arrival_us, media_us in packets]
