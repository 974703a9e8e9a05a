"""TCP segments to SIP messages: put in order, cut by Content-Length (RFC 3261 section 18.3)."""

from dataclasses import dataclass, field

from clearline.voice.wire import sip

MAX_CONNECTIONS = 20_000
"""Directions of connections followed; beyond it the one silent longest is let go."""

MAX_BUFFERED_BYTES = 4 << 20
"""Octets of one direction that wait for a message's end or a missing segment."""

MAX_WAITING_SEGMENTS = 256
"""Segments of one direction that wait for a missing one before it is given up as not captured."""

FIN, SYN, RST = 1, 2, 4

_METHODS = b"INVITE ACK BYE CANCEL OPTIONS REGISTER PRACK UPDATE SUBSCRIBE NOTIFY PUBLISH INFO REFER MESSAGE"
_STARTS = (b"SIP/2.0 ", *(method + b" " for method in _METHODS.split()))


def is_sip(data: bytes) -> bool:
    """Tell whether a message begins here."""
    return data.lstrip(b"\r\n").startswith(_STARTS)


@dataclass(slots=True)
class Direction:
    """What one side of a connection sends."""

    following: int
    """Sequence number of the next octet in order."""
    buffer: bytes = b""
    waiting: dict[int, bytes] = field(default_factory=dict)
    """Segments after a missing one, by sequence number."""
    speaks_sip: bool = False


class Connections:
    """All the connections that may carry SIP."""

    def __init__(self) -> None:
        self.directions: dict[tuple[int, int, int, int], Direction] = {}
        self.missing = 0
        """Places where segments were not captured."""
        self.malformed = 0

    def take(self, key: tuple[int, int, int, int], sequence: int, flags: int, data: bytes) -> list[bytes]:
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
            if not data or not is_sip(data):
                return []
            if len(self.directions) >= MAX_CONNECTIONS:
                del self.directions[next(iter(self.directions))]
            direction = Direction(sequence)
        if not flags & RST and not flags & FIN:
            self.directions[key] = direction
        messages = self._segment(direction, sequence, data) if data else []
        if flags & (RST | FIN):
            direction.waiting.clear()
        return messages

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
        direction.buffer = b""
        for sequence in sorted(direction.waiting, key=lambda s: (s - direction.following) & 0xFFFFFFFF):
            if is_sip(direction.waiting[sequence]):
                direction.following = sequence
                break
            del direction.waiting[sequence]

    def _messages(self, direction: Direction) -> list[bytes]:
        messages: list[bytes] = []
        while direction.buffer:
            try:
                message, direction.buffer = sip.frame(direction.buffer)
            except sip.SipError:
                self.malformed += 1
                direction.buffer = b""
                break
            if message is None:
                break
            messages.append(message)
        if len(direction.buffer) > MAX_BUFFERED_BYTES:
            self.malformed += 1
            direction.buffer = b""
        return messages
