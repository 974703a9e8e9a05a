"""One RTP stream, packet by packet: what arrived and what was lost (RFC 3550 appendix A.1).

A packet in its place costs a few dozen instructions; only what is out of the ordinary keeps anything by packet, and
that for `LATE_WINDOW` packets.

Compiled by tools/compile; the same file runs interpreted.
"""

from typing import Final, final

from mypy_extensions import i64

from clearline.voice.formats import Formats
from clearline.voice.holes import Holes
from clearline.voice.inspection.inspector import Inspector
from clearline.voice.intervals import INTERVAL_US, MAX_INTERVALS, MAX_SILENCE_US, Interval
from clearline.voice.losses import Losses
from clearline.voice.timing import Timing

MAX_DROPOUT: Final = 3000
"""A sequence number this far ahead is no loss but a new start, unless time agrees (RFC 3550 A.1: one minute)."""

LATE_WINDOW: Final = 1000
"""How many packets late a packet may come and still be told apart from a duplicate: 20 s of speech."""

CAPTURE_DUPLICATE_US: Final = 1_000
"""A copy of a datagram so soon after it was made by the capture (a port mirrored twice), not by the network."""

NEVER: Final = -1


@final
class Stream(Timing):
    """The state of one stream: one synchronisation source from one endpoint to another."""

    def __init__(
        self,
        source: i64,
        destination: i64,
        ports: i64,
        ssrc: i64,
        formats: Formats,
        holes: Holes,
        low_us: i64,
        high_us: i64,
    ) -> None:
        Timing.__init__(self, low_us, high_us)
        self.source = source
        self.destination = destination
        self.ports = ports
        self.ssrc = ssrc
        self.next: Stream | None = None
        """The next stream of the same bucket of the table."""
        self.formats: Formats = formats
        self.index: i64 = 0
        self.intervals: list[Interval] = []
        self.losses: Losses = Losses(self.intervals, holes)
        self.inspector: Inspector = Inspector(formats, self.losses)
        self.first_us: i64 = 0
        self.base: i64 = 0
        """First extended sequence number."""
        self.skipped: i64 = 0
        """Extended numbers passed over by new starts."""
        self.duplicates: i64 = 0
        self.capture_duplicates: i64 = 0
        self.reordered: i64 = 0
        self.restarts: i64 = 0
        self.strays: i64 = 0
        """Packets far off the sequence that nothing followed."""
        self.stray_next: i64 = NEVER
        self.payloads: dict[int, int] = {}
        """Payload type → packets, of those that are not of the present main type."""
        self.payload_changes: i64 = 0
        self.events: i64 = 0
        self.noises: i64 = 0
        self.interval_received: i64 = 0

    def describe(self, formats: Formats) -> None:
        """Take what the payload types are, as a description says that may have come after the first packets."""
        before = self.formats.encodings.get(self.payload_type, "")
        now = formats.encodings.get(self.payload_type, "")
        self.formats = formats
        self.inspector.formats = formats
        if before or not now:
            return
        self.inspector.undescribed = self.received
        self.until_look = 0
        clock: i64 = formats.clocks.get(self.payload_type, 0)
        if clock > 0:
            self.guessed = False
            if clock != self.clock:
                self.set_clock(clock)

    def expected(self) -> i64:
        """Packets that were sent as far as the sequence numbers tell (RFC 3550 A.3)."""
        return self.highest - self.base + 1 - self.skipped if self.received else 0

    def receive(
        self, sequence: i64, timestamp: i64, at_us: i64, payload_type: i64, size: i64, identification: i64
    ) -> i64:
        """Count one packet; give its extended number, -1 when it was not to be counted.

        Args:
            sequence: its sequence number, 16 bits.
            timestamp: its timestamp, 32 bits.
            at_us: when it was captured.
            payload_type: its payload type.
            size: octets of payload on the wire.
            identification: the IP datagram's identification.
        """
        if self.received == 0:
            self.begin(sequence, at_us)
        elif at_us >= self.interval_end_us:
            self.turn(at_us)
        step = (sequence - self.highest) & 0xFFFF
        number = self.highest + 1
        if step == 1:
            self.highest = number
        else:
            number = self.place(step, sequence, timestamp, at_us, identification)
            self.oldest_bad = self.losses.oldest
            if number < 0:
                return number
        self.received += 1
        self.octets += size
        self.identification = identification
        gap = at_us - self.seen_us
        self.gap_us = max(self.gap_us, gap)
        self.seen_us = at_us
        if (payload_type == self.payload_type or self.other_payload(payload_type, size)) and not self.arrive(
            timestamp, at_us, step == 1
        ):
            self.losses.discard(number, self.highest)
            self.oldest_bad = self.losses.oldest
        if self.highest - self.oldest_bad > LATE_WINDOW:
            self.losses.settle(self.highest - LATE_WINDOW)
            self.oldest_bad = self.losses.oldest
        return number

    def begin(self, sequence: i64, at_us: i64) -> None:
        """Prepare for the first packet. Numbering starts a cycle up, so that packets sent before it have a place."""
        self.base = sequence + 0x10000
        self.highest = self.base - 1
        self.first_us = at_us
        self.seen_us = at_us
        self.intervals.append(Interval(at_us))
        self.interval_end_us = at_us + INTERVAL_US

    def place(self, step: i64, sequence: i64, timestamp: i64, at_us: i64, identification: i64) -> i64:
        """Take a packet that is not the next; give its extended number, -1 when it is not to be counted."""
        if step == 0:
            return self.duplicate(at_us, identification)
        if step < MAX_DROPOUT:
            self.losses.miss(self.highest + 1, self.highest + step - 1)
            self.losses.look_for_hole(self.seen_us, at_us, step - 1)
            self.highest += step
            return self.highest
        if step > 0x10000 - LATE_WINDOW:
            return self.late(self.highest - (0x10000 - step), at_us, identification)
        if self.agrees(timestamp, at_us, step):
            self.losses.outage(self.highest + 1, self.highest + step - 1)
            self.losses.look_for_hole(self.seen_us, at_us, step - 1)
            self.highest += step
            return self.highest
        if sequence != self.stray_next:
            self.stray_next = (sequence + 1) & 0xFFFF
            self.strays += 1
            return -1
        return self.restart(sequence)

    def duplicate(self, at_us: i64, identification: i64) -> i64:
        """Count a duplicate; one made by the capture itself also as such."""
        self.duplicates += 1
        if identification == self.identification and identification and at_us - self.seen_us < CAPTURE_DUPLICATE_US:
            self.capture_duplicates += 1
        return -1

    def late(self, number: i64, at_us: i64, identification: i64) -> i64:
        """Take a packet from behind: one that was missing, one from before the first, or a duplicate."""
        if number < self.base:
            self.losses.precede(number, self.base)
            self.base = number
        elif not self.losses.fill(number):
            return self.duplicate(at_us, identification)
        self.reordered += 1
        return number

    def restart(self, sequence: i64) -> i64:
        """Go on after a new start that a second packet in sequence confirmed (RFC 3550 A.1)."""
        self.losses.finish(self.highest)
        highest = ((self.highest + 0x20000) & ~0xFFFF) | sequence
        self.skipped += highest - self.highest - 2
        self.highest = highest
        self.received += 1  # the packet that was put aside
        self.strays -= 1
        self.restarts += 1
        self.started = False
        self.stray_next = NEVER
        return highest

    def other_payload(self, payload_type: i64, size: i64) -> bool:
        """Take a packet that is not of the main payload type; tell whether its timestamp counts media."""
        self.until_look = 0
        formats = self.formats
        noise = payload_type in formats.noises
        dynamic = self.payload_type >= 0 and payload_type >= 96 and payload_type not in formats.clocks
        if payload_type in formats.events or (dynamic and size == 4):  # RFC 4733 without a description
            self.events += 1
        elif noise:
            self.noises += 1
        else:
            self.change_payload(payload_type)
            return True
        self.payloads[payload_type] = self.payloads.get(payload_type, 0) + 1
        return noise and self.payload_type >= 0

    def change_payload(self, payload_type: i64) -> None:
        """Make this the main payload type."""
        if self.payload_type >= 0:
            self.payload_changes += 1
            others: i64 = 0
            for count in self.payloads.values():
                others += count
            main = self.received - 1 - others  # the present packet is of the new type
            self.payloads[self.payload_type] = self.payloads.get(self.payload_type, 0) + main
        self.payload_type = payload_type
        clock: i64 = self.formats.clocks.get(payload_type, 0)
        if clock != self.clock and clock > 0:
            self.set_clock(clock)

    def turn(self, at_us: i64) -> None:
        """Close the interval and open those up to this moment."""
        self.close_interval()
        silent_us = at_us - self.interval_end_us
        if silent_us > MAX_SILENCE_US:
            self.interval_end_us += silent_us // INTERVAL_US * INTERVAL_US
        while at_us >= self.interval_end_us and len(self.intervals) < MAX_INTERVALS:
            self.intervals.append(Interval(self.interval_end_us))
            self.interval_end_us += INTERVAL_US
        if at_us >= self.interval_end_us:
            self.interval_end_us = at_us + INTERVAL_US

    def close_interval(self) -> None:
        """Write what was counted since the interval's start into it."""
        interval = self.intervals[-1]
        interval.received += self.received - self.interval_received
        interval.max_gap_us = max(interval.max_gap_us, self.gap_us)
        self.write_timing(interval)
        self.interval_received = self.received
        self.gap_us = 0

    def finish(self) -> None:
        """End the stream: what still waits is lost."""
        self.losses.finish(self.highest)
        self.close_interval()
