"""What became of one attempt to send something."""

from dataclasses import dataclass
from enum import StrEnum


class Result(StrEnum):
    """How an attempt ended."""

    ACCEPTED = "accepted"
    """The other side took it and answers for it from now on."""
    BOUNCED = "bounced"
    """The other side refused this recipient or this message for good."""
    LATER = "later"
    """It did not work this time."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an attempt and what the other side said, or what kept it from saying anything."""

    result: Result
    said: str
    answer: str = ""
    """The key that a called person pressed."""
