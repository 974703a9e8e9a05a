"""TCP segments to SIP messages: put in order, cut by Content-Length (RFC 3261 section 18.3) or by WebSocket frames."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from clearline.voice.wire import sip, websocket

MAX_CONNECTIONS = 20_000
"""Directions of connections followed; beyond it the one silent longest is let go."""

MAX_BUFFERED_BYTES = 4 << 20
"""Octets of one direction that wait for a message's end."""

MAX_WAITING_SEGMENTS = 256
"""Segments of one direction that wait for a missing one before it is given up as not captured."""

GIVE_UP_US = 10_000_000
"""How long segments wait for a missing one: TCP sends it again within seconds, or it was not captured."""

FIN, SYN, RST = 1, 2, 4

SIPS_PORT = 5061
"""Where SIP over TLS is spoken (RFC 3261 section 19.1.2)."""

TLS_RECORDS = (20, 21, 22, 23)
"""Content types of TLS records, each followed by version 3.x (RFC 8446 section 5.1)."""

Key = tuple[int, int, int, int]
"""Source, destination and their ports."""


Heard = list[tuple[int, bytes]]
"""Messages, each with the time of the segment that completed it."""


@dataclass(slots=True)
class Direction:
    """What one side of a connection sends."""

    following: int
    """Sequence number of the next octet in order."""
    buffer: bytes = b""
    waiting: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    """Segments after a missing one and when they were captured, by sequence number."""
    frames: websocket.Frames | None = None
    """Of a WebSocket; None: SIP stands in the stream as it is."""
    lost: bool = False
    """Whether something is missing, so that a message can only be looked for where a segment begins one."""

    def cut(self) -> bytes | None:
        """Cut the first message off the buffer; empty: it was none, None: more must arrive.

        Raises:
            SipError: the stream cannot be followed any more.
        """
        try:
            message, self.buffer = sip.frame(self.buffer) if self.frames is None else self.frames.frame(self.buffer)
        except websocket.UnreadError as unread:
            self.buffer = unread.rest
            raise
        return message

    def drop(self) -> None:
        """Let go of what has not become a message."""
        self.buffer = b""
        self.lost = True
        if self.frames is not None:
            self.frames.forget()


def begins(data: bytes) -> bool:
    """Tell whether a stream begins a message here."""
    return sip.begins(data) or websocket.begins(data)


class Connections:
    """All the connections that may carry SIP."""

    def __init__(self) -> None:
        self.directions: dict[Key, Direction] = {}
        self.missing = 0
        """Places where segments were not captured."""
        self.malformed = 0
        self.encrypted: set[Key] = set()
        """TLS connections to the SIP port, whose messages cannot be read: from the lower end."""
        self.unread = 0
        """Compressed WebSocket messages that refer to what was not captured, or are too long."""

    def take(self, key: Key, sequence: int, flags: int, data: bytes, at_us: int) -> Heard:
        """Take a segment.

        Args:
            key: source, destination and their ports.
            sequence: the first octet's sequence number.
            flags: the header's flags.
            data: the payload as far as it was captured.
            at_us: when it was captured.

        Returns:
            The messages that it completes.
        """
        if flags & SYN:
            self.directions.pop(key, None)
            sequence = (sequence + 1) & 0xFFFFFFFF
        direction = self.directions.pop(key, None)
        if direction is None:
            if not begins(data):
                self._note_hidden(key, data)
                return []
            if len(self.directions) >= MAX_CONNECTIONS:
                del self.directions[next(iter(self.directions))]
            direction = Direction(sequence, frames=None if sip.begins(data) else websocket.Frames())
        messages: Heard = []
        if direction.waiting and at_us - next(iter(direction.waiting.values()))[0] > GIVE_UP_US:
            messages += self._give_up(direction)
        messages += self._segment(direction, sequence, data, at_us) if data else []
        if flags & (RST | FIN):
            messages += self._end(direction)
        else:
            self.directions[key] = direction
        return messages

    def finish(self) -> Iterator[tuple[Key, int, bytes]]:
        """Give the messages that wait for segments that were not captured, with the connection they came over."""
        for key, direction in self.directions.items():
            for at_us, message in self._end(direction):
                yield key, at_us, message

    def _end(self, direction: Direction) -> Heard:
        messages: Heard = []
        while direction.waiting:
            messages += self._give_up(direction)
        return messages

    def _note_hidden(self, key: Key, data: bytes) -> None:
        """Count what may be SIP and cannot be read."""
        self.unread += websocket.is_compressed(data)
        source, destination, source_port, destination_port = key
        is_tls = len(data) > 1 and data[0] in TLS_RECORDS and data[1] == 3
        if is_tls and SIPS_PORT in (source_port, destination_port) and len(self.encrypted) < MAX_CONNECTIONS:
            self.encrypted.add(min(key, (destination, source, destination_port, source_port)))

    def _segment(self, direction: Direction, sequence: int, data: bytes, at_us: int) -> Heard:
        ahead = _ahead(sequence, direction)
        if ahead > 0:
            if len(data) > len(direction.waiting.get(sequence, (0, b""))[1]):
                direction.waiting[sequence] = at_us, data
            return self._give_up(direction) if len(direction.waiting) > MAX_WAITING_SEGMENTS else []
        if len(data) <= -ahead:  # sent again
            return []
        data = data[-ahead:]
        return self._append(direction, data, at_us) + self._catch_up(direction, at_us)

    def _append(self, direction: Direction, data: bytes, at_us: int) -> Heard:
        """Take the next octets in order."""
        direction.following = (direction.following + len(data)) & 0xFFFFFFFF
        if direction.lost and not begins(data):
            self.unread += websocket.is_compressed(data)
            return []
        direction.lost = False
        direction.buffer += data
        return [(at_us, message) for message in self._messages(direction)]

    def _catch_up(self, direction: Direction, at_us: int) -> Heard:
        """Take the segments that waited for what has come by now; `at_us`: when it came."""
        messages: Heard = []
        while direction.waiting:
            sequence = min(direction.waiting, key=lambda each: _ahead(each, direction))
            ahead = _ahead(sequence, direction)
            if ahead > 0:
                break
            came_us, data = direction.waiting.pop(sequence)
            if len(data) > -ahead:  # less what is known of it
                messages += self._append(direction, data[-ahead:], max(came_us, at_us))
        return messages

    def _give_up(self, direction: Direction) -> Heard:
        """Go on after a segment that was never captured, at the next one that begins a message."""
        self.missing += 1
        direction.drop()
        direction.following = min(direction.waiting, key=lambda each: _ahead(each, direction))
        return self._catch_up(direction, 0)

    def _messages(self, direction: Direction) -> list[bytes]:
        messages: list[bytes] = []
        while direction.buffer:
            try:
                message = direction.cut()
            except websocket.UnreadError:
                self.unread += 1
                continue
            except sip.SipError:
                self.malformed += 1
                direction.drop()
                break
            if message is None:
                break
            if message:
                messages.append(message)
        if len(direction.buffer) > MAX_BUFFERED_BYTES:
            self.malformed += 1
            direction.drop()
        return messages


def _ahead(sequence: int, direction: Direction) -> int:
    """Count the octets between what is known and a sequence number; negative: it is known (numbers wrap)."""
    return ((sequence - direction.following + 0x80000000) & 0xFFFFFFFF) - 0x80000000
