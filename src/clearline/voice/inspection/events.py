"""Telephone events (RFC 4733): the digits that were pressed, each once, however often it was sent.

Compiled by tools/compile; the same file runs interpreted.
"""

from typing import Final, final

from mypy_extensions import i64

from clearline.voice.inspection.payload import Payload
from clearline.voice.wire.octets import u16

MAX_EVENTS: Final = 200
"""Events kept of one stream; all are counted."""

RECENT: Final = 8
"""Latest events among which a packet finds the one it tells more of."""


@final
class Event:
    """One event."""

    def __init__(self, code: i64, timestamp: i64, at_us: i64) -> None:
        self.code: i64 = code
        """0 to 9 are digits, 10 is *, 11 is #, 12 to 15 are A to D, others are tones of lines and trunks."""
        self.timestamp: i64 = timestamp
        """Of its first segment: what its packets have in common."""
        self.at_us: i64 = at_us
        """When its first packet was captured."""
        self.volume: i64 = 0
        """dBm0 below zero."""
        self.segment: i64 = timestamp
        """Timestamp of its present segment: an event too long for 16 bits has several (section 2.5.1.3)."""
        self.before: i64 = 0
        """Timestamp units of the segments before it."""
        self.ticks: i64 = 0
        """Timestamp units of all, so far."""
        self.ended: bool = False
        """Whether a packet with the end bit has come."""


@final
class Events:
    """The events of one stream."""

    def __init__(self) -> None:
        self.count: i64 = 0
        self.clock: i64 = 0
        """Timestamp units a second, as described; 0: not described, it is that of the speech."""
        self.kept: list[Event] = []
        self.recent: list[Event] = []

    def take(self, payload: Payload, timestamp: i64) -> bool:
        """Take a payload: one event of four octets, or several that follow each other; False when it is none."""
        if payload.size == 0 or payload.size & 3:
            return False
        marker = payload.marker
        for at in range(payload.start, payload.end, 4):
            duration = u16(payload.data, at + 2)
            self.one(payload.data[at], payload.data[at + 1], duration, timestamp & 0xFFFFFFFF, marker, payload.at_us)
            timestamp += duration
            marker = 0
        return True

    def one(self, code: i64, flags: i64, duration: i64, timestamp: i64, marker: i64, at_us: i64) -> None:
        """Take what a packet says of one event."""
        event = self.find(code, timestamp, marker)
        if event is None:
            event = Event(code, timestamp, at_us)
            self.count += 1
            if len(self.kept) < MAX_EVENTS:
                self.kept.append(event)
            self.recent.append(event)
            if len(self.recent) > RECENT:
                del self.recent[0]
        if timestamp != event.segment and (timestamp - event.segment) & 0xFFFFFFFF <= 0xFFFF:
            event.before += (timestamp - event.segment) & 0xFFFFFFFF
            event.segment = timestamp
        if timestamp == event.segment:
            event.ticks = max(event.ticks, event.before + duration)
        event.volume = flags & 63
        event.ended = event.ended or flags & 0x80 != 0

    def find(self, code: i64, timestamp: i64, marker: i64) -> Event | None:
        """Find the event that a packet tells more of; None: it begins one."""
        for event in self.recent:
            if event.code == code and timestamp in (event.timestamp, event.segment):
                return event
        if marker or not self.recent:
            return None
        last = self.recent[len(self.recent) - 1]
        continues = last.code == code and not last.ended and (timestamp - last.segment) & 0xFFFFFFFF <= 0xFFFF
        return last if continues else None
