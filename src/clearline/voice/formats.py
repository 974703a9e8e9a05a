"""What the payload types of a media description mean to whoever counts or inspects the packets.

Compiled by tools/compile; the same file runs interpreted.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, final

NOISES: Final = frozenset({13, 19})
"""Comfort noise: RFC 3389, and its number before that."""

MAX_SHARED: Final = 512
"""Different formats that are remembered so that equal ones are one value."""

MAX_SHARED_LENGTH: Final = 2000
"""Characters of what names formats, up to which they are remembered."""


@dataclass(frozen=True, slots=True)
class Format:
    """One payload type of a media section."""

    encoding: str
    """As in `a=rtpmap`, or of RFC 3551's table; "" when neither names it."""
    clock: int
    """Hz; 0 when not known."""
    parameters: str
    """Of its `a=fmtp` line."""


@final
class Formats:
    """The payload types of one medium. Many media share one, so nobody changes it.

    Args:
        named: each payload type and what it is, in the order of the description.
        secure: whether payloads are encrypted (SRTP): what is in them cannot be read and is not guessed.
    """

    def __init__(self, named: Iterable[tuple[int, Format]] = (), *, secure: bool = False) -> None:
        self.by_type: dict[int, Format] = dict(named)
        self.clocks: dict[int, int] = {number: each.clock for number, each in self.by_type.items() if each.clock}
        self.encodings: dict[int, str] = {number: each.encoding.lower() for number, each in self.by_type.items()}
        """Payload type → encoding name in small letters."""
        self.events: frozenset[int] = self._called("telephone-event")
        self.noises: frozenset[int] = NOISES | self._called("cn")
        self.secure: bool = secure
        self.length: int = sum(len(each.encoding) + len(each.parameters) for each in self.by_type.values())
        """Characters that they are named by."""

    def _called(self, encoding: str) -> frozenset[int]:
        return frozenset(number for number, name in self.encodings.items() if name == encoding)


NO_FORMATS: Final = Formats()


def united(before: Formats, after: Formats) -> Formats:
    """Give what an endpoint takes once it was described anew, or by a further section; the later word counts."""
    if before in (NO_FORMATS, after):
        return after
    return (_united if before.length + after.length > MAX_SHARED_LENGTH else _shared_united)(before, after)


def _united(before: Formats, after: Formats) -> Formats:
    both = {**before.by_type, **after.by_type}
    if both == before.by_type and after.secure == before.secure:
        return before
    return Formats(both.items(), secure=after.secure)


_shared_united = lru_cache(maxsize=MAX_SHARED)(_united)
