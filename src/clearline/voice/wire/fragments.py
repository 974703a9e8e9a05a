"""Putting IP fragments together again (RFC 791 section 3.2, RFC 8200 section 4.5).

SIP over UDP is often longer than a link's packet, and only its first fragment carries the ports.
"""

from typing import Final, final

from mypy_extensions import i64

MAX_DATAGRAMS: Final = 1024
"""Datagrams waiting for fragments; beyond it the oldest is given up and counted."""

MAX_DATAGRAM_BYTES: Final = 65_535
MAX_PIECES: Final = 64
"""Fragments of one datagram: 65,535 octets in pieces of 1,280 are 52."""

PATIENCE_US: Final = 30_000_000
"""How long a datagram waits for its missing fragments: RFC 791 suggests 15 s to 2 min."""


@final
class Datagram:
    """The fragments of one datagram that have come so far."""

    def __init__(self, time_us: i64) -> None:
        self.time_us: i64 = time_us
        self.size: i64 = -1
        self.pieces: dict[int, bytes] = {}

    def whole(self) -> bytes | None:
        """Join the pieces when none is missing; None otherwise, or when they overlap (RFC 5722)."""
        if self.size < 0:
            return None
        parts: list[bytes] = []
        reached = 0
        for offset in sorted(self.pieces):
            if offset != reached:
                return None
            parts.append(self.pieces[offset])
            reached += len(self.pieces[offset])
        return b"".join(parts) if reached == self.size else None


@final
class Fragments:
    """All the datagrams that wait for fragments."""

    def __init__(self) -> None:
        self.waiting: dict[tuple[int, int, int, int], Datagram] = {}
        self.given_up: i64 = 0

    def add(
        self, key: tuple[int, int, int, int], offset: i64, more: bool, piece: bytes, time_us: i64
    ) -> bytes | None:  # fmt: skip
        """Take one fragment; return the datagram's payload when it is whole.

        Args:
            key: source, destination, identification and protocol.
            offset: where in the payload the piece belongs, octets.
            more: whether fragments follow.
            piece: the fragment's octets.
            time_us: when it was captured.
        """
        datagram = self.waiting.get(key)
        if datagram is None or not -PATIENCE_US < time_us - datagram.time_us < PATIENCE_US:
            self.make_room(key)
            datagram = Datagram(time_us)
            self.waiting[key] = datagram
        if offset + len(piece) > MAX_DATAGRAM_BYTES or len(datagram.pieces) >= MAX_PIECES:
            del self.waiting[key]
            self.given_up += 1
            return None
        datagram.pieces[offset] = piece
        if not more:
            datagram.size = offset + len(piece)
        whole = datagram.whole()
        if whole is not None:
            del self.waiting[key]
        return whole

    def make_room(self, key: tuple[int, int, int, int]) -> None:
        """Give up a stale namesake, and the oldest datagram when too many wait."""
        if self.waiting.pop(key, None) is not None:
            self.given_up += 1
        if len(self.waiting) >= MAX_DATAGRAMS:
            del self.waiting[next(iter(self.waiting))]
            self.given_up += 1
