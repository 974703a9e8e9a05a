"""How regularly a stream's packets arrive, and which come too late to be heard.

Jitter by RFC 3550 section 6.4.1; delay variation MAPDV2 by ITU-T G.1020; the de-jitter buffer as `playout` defines it.

Compiled by tools/compile; the same file runs interpreted.
"""

from typing import Final

from mypy_extensions import i64

from clearline.voice.intervals import NO_TRANSIT, Interval
from clearline.voice.state import State
from clearline.voice.variation import count

DISCONTINUITY_US: Final = 10_000_000.0
"""Arrival and timestamp apart by more: the sender began a new time base, which is no jitter."""

GUESS_US: Final = 200_000
"""How much of a stream is seen before its clock rate is guessed."""

CLOCKS: Final = (8000, 16000, 32000, 44100, 48000, 90000)
"""Clock rates considered where no session description names one."""

RISE_DIVISOR: Final = 1000
FALL_DIVISOR: Final = 100
MARGIN_US: Final = 10_000
RESTART_AFTER: Final = 10
"""The de-jitter buffer's constants: `playout` defines them, and a test holds these equal to those."""


class Timing(State):
    """Arrival times against timestamps of one stream."""

    def __init__(self, low_us: i64, high_us: i64) -> None:
        State.__init__(self, low_us, high_us)
        self.guessed: bool = False
        """Whether no description named the clock rate."""
        self.low_us: i64 = low_us
        self.high_us: i64 = high_us
        self.adapted_sum_us: i64 = 0
        """Of an adaptive buffer's delay over all packets."""
        self.us_per_tick: float = 0.0
        self.rebased: i64 = 0
        """Times that arrival and timestamp were compared anew."""
        self.discontinuities: i64 = 0
        self.interval_samples: i64 = 0
        self.interval_jitter_sum: float = 0.0
        """Those two as they were when the present interval began."""
        self.pauses: i64 = 0
        """Times the timestamp advanced by more though no packet was missing: the sender was silent (DTX)."""

    def judged(self) -> i64:
        """Packets that the de-jitter buffer played or discarded."""
        return self.samples + self.rebased

    def delay_sum_us(self) -> i64:
        """Sum of the buffer's delay over those, each after it was judged."""
        return self.adapted_sum_us if self.adaptive else self.judged() * self.delay_us

    def set_clock(self, clock: i64) -> None:
        """Use this clock rate, Hz, from the next packet on."""
        self.clock = clock
        self.ticks_per_us = float(clock) / 1_000_000.0
        self.us_per_tick = 1_000_000.0 / float(clock)
        self.started = False

    def arrive(self, timestamp: i64, at_us: i64, in_place: bool) -> bool:
        """Take a packet; tell whether it came in time to be heard.

        Args:
            timestamp: its timestamp, 32 bits.
            at_us: its arrival.
            in_place: whether it is the next in sequence.
        """
        if not self.started:
            self.started = True
            self.last_us = at_us
            self.last_timestamp = timestamp
            self.rebase(at_us)
            return True
        advance = (timestamp - self.last_timestamp) & 0xFFFFFFFF
        if advance >= 0x80000000:
            advance -= 0x100000000
        if self.clock == 0:
            self.guess_clock(advance, at_us)
            return True
        elapsed_us = at_us - self.last_us
        self.last_us = at_us
        self.last_timestamp = timestamp
        difference = abs(float(elapsed_us) * self.ticks_per_us - float(advance))
        if difference > self.ticks_per_us * DISCONTINUITY_US:
            self.discontinuities += 1
            self.rebase(at_us)
            return True
        self.media += advance
        self.jitter += (difference - self.jitter) * 0.0625
        self.jitter_max = max(self.jitter_max, self.jitter)
        self.jitter_sum += self.jitter
        self.samples += 1
        if advance == self.frame_ticks:
            self.frame_votes += 1
        elif in_place:
            self.other_advance(advance)
        return self.plays(at_us - self.origin_us - self.media * 1_000_000 // self.clock, elapsed_us)

    def rebase(self, at_us: i64) -> None:
        """Compare arrival and timestamp from this packet on."""
        self.origin_us = at_us
        self.media = 0
        self.reference_us = 0.0
        self.base_us = 0
        self.late_run = 0
        self.rebased += 1
        if self.adaptive:
            self.adapted_sum_us += self.delay_us

    def plays(self, transit: i64, elapsed_us: i64) -> bool:
        """Measure a packet's transit and pass it through the buffer (`playout.PlayoutBuffer.accept`)."""
        self.earliest_us = min(self.earliest_us, transit)
        deviation = float(transit) - self.reference_us
        self.deviation_sum_us += abs(deviation)
        self.reference_us += deviation * 0.0625

        elapsed_us = max(elapsed_us, 0)
        self.base_us += elapsed_us // RISE_DIVISOR
        self.base_us = min(self.base_us, transit)
        excess = transit - self.base_us
        self.variation = count(self.variation, excess)
        late = excess > self.delay_us
        if not late:
            self.late_run = 0
        else:
            self.late_run += 1
            if self.late_run == RESTART_AFTER:
                self.base_us = transit
                self.late_run = 0
                excess = 0
                late = False
        if self.adaptive:
            lowest = max(self.low_us, self.delay_us - elapsed_us // FALL_DIVISOR)
            self.delay_us = min(max(lowest, excess + MARGIN_US), self.high_us)
            self.adapted_sum_us += self.delay_us
        return not late

    def guess_clock(self, advance: i64, at_us: i64) -> None:
        """Find the clock rate from the first timestamps, where no description named it."""
        elapsed_us = at_us - self.last_us
        if elapsed_us < GUESS_US or advance <= 0:
            return
        rate = float(advance) * 1_000_000.0 / float(elapsed_us)
        best: i64 = 0
        closest = 1e18
        for clock in CLOCKS:
            ratio = rate / float(clock)
            distance = ratio if ratio >= 1.0 else 1.0 / ratio
            if distance < closest:
                closest = distance
                best = clock
        self.guessed = True
        self.set_clock(best)

    def other_advance(self, advance: i64) -> None:
        """Find the usual advance by majority vote; a longer one is a pause."""
        if self.frame_votes == 0:
            self.frame_ticks = advance
            self.frame_votes = 1
            return
        self.frame_votes -= 1
        if advance > self.frame_ticks:
            self.pauses += 1

    def agrees(self, timestamp: i64, at_us: i64, packets: i64) -> bool:
        """Tell whether a jump over so many packets took as long on the wall as in timestamps and in packets."""
        elapsed_us = float(at_us - self.last_us)
        advance = (timestamp - self.last_timestamp) & 0xFFFFFFFF
        media_us = float(advance) * self.us_per_tick
        packets_us = float(packets * self.frame_ticks) * self.us_per_tick
        tolerance = elapsed_us * 0.125
        return elapsed_us > 0.0 and abs(media_us - elapsed_us) < tolerance and abs(packets_us - elapsed_us) < tolerance

    def write_timing(self, interval: Interval) -> None:
        """Write what was measured since the present interval's start into it, and begin the next."""
        interval.samples += self.samples - self.interval_samples
        interval.jitter_sum += self.jitter_sum - self.interval_jitter_sum
        interval.jitter_max = max(interval.jitter_max, self.jitter_max)
        interval.earliest_us = min(interval.earliest_us, self.earliest_us)
        self.interval_samples = self.samples
        self.interval_jitter_sum = self.jitter_sum
        self.jitter_max = 0.0
        self.earliest_us = NO_TRANSIT
