"""TCP segments to SIP messages: put in order, cut by Content-Length (RFC 3261 section 18.3) or by WebSocket frames."""

from dataclasses import dataclass, field

from clearline.voice.wire import sip, websocket

MAX_CONNECTIONS = 20_000
"""Directions of connections followed; beyond it the one silent longest is let go."""

MAX_BUFFERED_BYTES = 4 << 20
"""Octets of one direction that wait for a message's end or a missing segment."""

MAX_WAITING_SEGMENTS = 256
"""Segments of one direction that wait for a missing one before it is given up as not captured."""

FIN, SYN, RST = 1, 2, 4

SIPS_PORT = 5061
"""Where SIP over TLS is spoken (RFC 3261 section 19.1.2)."""

TLS_RECORDS = (20, 21, 22, 23)
"""Content types of TLS records, each followed by version 3.x (RFC 8446 section 5.1)."""

Key = tuple[int, int, int, int]
"""Source, destination and their ports."""


@dataclass(slots=True)
class Direction:
    """What one side of a connection sends."""

    following: int
    """Sequence number of the next octet in order."""
    buffer: bytes = b""
    waiting: dict[int, bytes] = field(default_factory=dict)
    """Segments after a missing one, by sequence number."""
    frames: websocket.Frames | None = None
    """Of a WebSocket; None: SIP stands in the stream as it is."""

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

    def take(self, key: Key, sequence: int, flags: int, data: bytes) -> list[bytes]:
        """Take a segment.

        Args:
            key: source, destination and their ports.
            sequence: the first octet's sequence number.
            flags: the header's flags.
            data: the payload as far as it was captured.

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
        if not flags & RST and not flags & FIN:
            self.directions[key] = direction
        messages = self._segment(direction, sequence, data) if data else []
        if flags & (RST | FIN):
            direction.waiting.clear()
        return messages

    def _note_hidden(self, key: Key, data: bytes) -> None:
        """Count what may be SIP and cannot be read."""
        self.unread += websocket.is_compressed(data)
        source, destination, source_port, destination_port = key
        is_tls = len(data) > 1 and data[0] in TLS_RECORDS and data[1] == 3
        if is_tls and SIPS_PORT in (source_port, destination_port) and len(self.encrypted) < MAX_CONNECTIONS:
            self.encrypted.add(min(key, (destination, source, destination_port, source_port)))

    def _segment(self, direction: Direction, sequence: int, data: bytes) -> list[bytes]:
        ahead = (sequence - direction.following) & 0xFFFFFFFF
        if ahead >= 0x80000000:  # sent again, perhaps with more at its end
            known = 0x100000000 - ahead
            if known >= len(data):
                return []
            data, ahead = data[known:], 0
        if ahead:
            direction.waiting.setdefault(sequence, data)
            if len(direction.waiting) <= MAX_WAITING_SEGMENTS:
                return []
            self._give_up(direction)
        else:
            self._append(direction, data)
        while (data := direction.waiting.pop(direction.following, b"")) != b"":
            self._append(direction, data)
        return self._messages(direction)

    def _append(self, direction: Direction, data: bytes) -> None:
        direction.buffer += data
        direction.following = (direction.following + len(data)) & 0xFFFFFFFF

    def _give_up(self, direction: Direction) -> None:
        """Go on after a segment that was never captured, at the next one that begins a message."""
        self.missing += 1
        direction.drop()
        for sequence in sorted(direction.waiting, key=lambda s: (s - direction.following) & 0xFFFFFFFF):
            if begins(direction.waiting[sequence]):
                direction.following = sequence
                break
            self.unread += websocket.is_compressed(direction.waiting.pop(sequence))

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
