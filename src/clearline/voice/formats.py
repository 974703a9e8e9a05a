"""What the payload types of a media description mean to whoever counts or inspects the packets.

Compiled by tools/compile; the same file runs interpreted.
"""

from typing import Final, final

NOISES: Final = frozenset({13, 19})
"""Comfort noise: RFC 3389, and its number before that."""


@final
class Formats:
    """The payload types of one medium: clock rates, encodings, events, comfort noise."""

    def __init__(self) -> None:
        self.clocks: dict[int, int] = {}
        self.encodings: dict[int, str] = {}
        """Payload type → encoding name in small letters."""
        self.events: frozenset[int] = frozenset()
        self.noises: frozenset[int] = NOISES
        self.secure: bool = False
        """Whether payloads are encrypted (SRTP): what is in them cannot be read and is not guessed."""
