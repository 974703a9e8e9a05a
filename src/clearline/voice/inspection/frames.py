"""A video stream's frames: how many, how whole, and when the picture stood still.

A frame is the packets of one RTP timestamp; the marker bit ends it. That needs headers only, so that it holds for
encrypted streams too. It is shown when its last packet arrives, if all of it arrived: later packets' retransmissions
under another SSRC, and what a decoder shows of broken frames, are not counted.

A freeze is a time between two frames shown that is at least three times, and 150 ms above, the mean of the thirty
before (`freezeCount` of the W3C's Identifiers for WebRTC's Statistics API), once there are five to take a mean of.

Compiled by tools/compile; the same file runs interpreted.
"""

from typing import Final, final

from mypy_extensions import i64

from clearline.voice.inspection.descriptors import Descriptor
from clearline.voice.inspection.payload import Payload

OPEN_FRAMES: Final = 4
"""Frames that may still get packets: as many out of order are sorted."""

MEAN_OF: Final = 30
LEAST_FOR_A_MEAN: Final = 5
FREEZE_TIMES: Final = 3
FREEZE_ABOVE_US: Final = 150_000

NEW_TIME_BASE_TICKS: Final = 900_000
"""A timestamp so far ahead, or behind, is no advance: 10 s."""

NONE: Final = -1_000_000


@final
class Frame:
    """The packets of one timestamp."""

    def __init__(self, timestamp: i64, number: i64) -> None:
        self.timestamp: i64 = timestamp
        self.first: i64 = number
        self.last: i64 = number
        self.packets: i64 = 0
        self.at_us: i64 = 0
        """Arrival of its latest packet."""
        self.begins: bool = False
        self.is_key: bool = False
        self.ends: bool = False


@final
class Frames:
    """The frames of one stream."""

    def __init__(self, encoding: str) -> None:
        self.encoding: str = encoding
        self.descriptor: Descriptor = Descriptor()
        self.read: i64 = 0
        """Packets whose payload was read."""
        self.width: i64 = 0
        self.height: i64 = 0
        self.open: list[Frame] = []
        """In the order of their sequence numbers."""
        self.advances: i64 = 0
        self.advance_ticks: i64 = 0
        """Frames after the first of their time base, and the timestamp units that they came on."""
        self.ahead: i64 = 0
        """Timestamp units that the latest closed frame is behind: a B-frame is sent after what it needs."""
        self.count: i64 = 0
        self.broken: i64 = 0
        self.keys: i64 = 0
        self.closed: i64 = NONE
        """The last packet of the last frame that was closed."""
        self.closed_timestamp: i64 = 0
        self.shown_us: i64 = 0
        self.times_us: list[int] = []
        """Between the latest frames shown."""
        self.freezes: i64 = 0
        self.freeze_us: i64 = 0
        self.longest_freeze_us: i64 = 0

    def take(self, payload: Payload, readable: bool) -> None:
        """Take a packet; `readable`: it is not encrypted."""
        frame = self.find(payload)
        if frame is None:
            return
        frame.first = min(frame.first, payload.number)
        frame.last = max(frame.last, payload.number)
        frame.packets += 1
        if payload.size:
            frame.at_us = max(frame.at_us, payload.at_us)
        frame.ends = frame.ends or payload.marker != 0
        if readable and payload.start < payload.end:
            self.read += 1
            descriptor = self.descriptor
            descriptor.read(self.encoding, payload.data, payload.start, payload.end)
            frame.begins = frame.begins or descriptor.begins
            frame.is_key = frame.is_key or descriptor.is_key
            if descriptor.width:
                self.width = descriptor.width
                self.height = descriptor.height
        while len(self.open) > OPEN_FRAMES:
            self.close()

    def find(self, payload: Payload) -> Frame | None:
        """Find or begin a packet's frame; None: that frame is closed, or it is padding that follows none."""
        padding = payload.size == 0
        for frame in self.open:
            if frame.timestamp == payload.timestamp or (padding and frame.last + 1 == payload.number):
                return frame
        if payload.number <= self.closed or padding:
            return None
        at = len(self.open)
        while at > 0 and self.open[at - 1].first > payload.number:
            at -= 1
        frame = Frame(payload.timestamp, payload.number)
        self.open.insert(at, frame)
        return frame

    def close(self) -> None:
        """Give up waiting for packets of the oldest frame, and show it if it is whole."""
        frame = self.open.pop(0)
        if self.count:
            self.advance(frame.timestamp)
        self.count += 1
        begun = frame.begins or self.closed in (NONE, frame.first - 1)
        ended = frame.ends or (len(self.open) > 0 and self.open[0].first == frame.last + 1)
        self.closed = frame.last
        self.closed_timestamp = frame.timestamp
        if frame.is_key:
            self.keys += 1
        if begun and ended and frame.packets == frame.last - frame.first + 1:
            self.show(frame.at_us)
        else:
            self.broken += 1

    def advance(self, timestamp: i64) -> None:
        """Add to the time that frames cover."""
        step = (timestamp - self.closed_timestamp) & 0xFFFFFFFF
        if step >= 0x80000000:
            step -= 0x100000000
        if not -NEW_TIME_BASE_TICKS < step < NEW_TIME_BASE_TICKS:
            self.ahead = 0
            return
        self.advances += 1
        beyond = step - self.ahead
        self.advance_ticks += max(beyond, 0)
        self.ahead = max(-beyond, 0)

    def show(self, at_us: i64) -> None:
        """Show a frame; see whether the picture stood still before."""
        if self.shown_us:
            time_us = max(at_us - self.shown_us, 0)
            self.stand(time_us)
            self.times_us.append(time_us)
            if len(self.times_us) > MEAN_OF:
                del self.times_us[0]
        self.shown_us = max(at_us, self.shown_us)

    def stand(self, time_us: i64) -> None:
        """Count a time between two frames as a freeze if it is one."""
        known = len(self.times_us)
        if known < LEAST_FOR_A_MEAN:
            return
        total: i64 = 0
        for each in self.times_us:
            total += each
        if time_us * known >= FREEZE_TIMES * total and (time_us - FREEZE_ABOVE_US) * known >= total:
            self.freezes += 1
            self.freeze_us += time_us
            self.longest_freeze_us = max(self.longest_freeze_us, time_us)

    def finish(self) -> None:
        """End here: nothing more can come."""
        while self.open:
            self.close()
