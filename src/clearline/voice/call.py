"""One call as its messages tell it, and where its parties receive media.

Compiled by tools/compile; the same file runs interpreted.
"""

from typing import TYPE_CHECKING, final

from mypy_extensions import i64

from clearline.voice.formats import NO_FORMATS, Formats, united

if TYPE_CHECKING:
    from clearline.voice.streams import Stream

MAX_TOLD = 1000
"""Streams of one endpoint that are told when it is described anew: of more, many descriptions cost too much."""


@final
class Message:
    """One SIP message of a call, as it was captured on one hop. Endpoints are an address's number << 16 | port."""

    def __init__(self, at_us: i64, source: i64, destination: i64, number: i64, method: str) -> None:
        self.at_us: i64 = at_us
        self.source: i64 = source
        self.destination: i64 = destination
        self.number: i64 = number
        """Of its CSeq; so is the method."""
        self.method = method
        self.text = ""
        """`INVITE`, `180 Ringing` …"""
        self.tag = ""
        """A response's To tag: it tells the answers of forks apart."""
        self.has_body = False
        self.repeated = False
        """Whether a timer sent it again on its hop."""

    def says(self, other: "Message") -> bool:
        """Tell whether another says the same: it is this one on its next hop, or sent again."""
        return (
            self.number == other.number
            and self.text == other.text
            and self.tag == other.tag
            and self.method == other.method
        )

    def is_between(self, one: i64, other: i64) -> bool:
        """Tell whether it went from one of two endpoints to the other."""
        return (self.source == one and self.destination == other) or (self.source == other and self.destination == one)


@final
class Call:
    """What the messages of one Call-ID say."""

    def __init__(self, call_id: str, start_us: int, sender: i64) -> None:
        self.call_id = call_id
        self.start_us = start_us
        """First INVITE."""
        self.sender: i64 = sender
        """The endpoint that one came from."""
        self.from_uri = ""
        self.to_uri = ""
        self.from_tag = ""
        self.cseq: i64 = 0
        """Of the latest INVITE before an answer: authentication sends a second one."""
        self.ringing_us: int | None = None
        """First response above 100 that is no failure (RFC 6076 section 4.3)."""
        self.answered_us: int | None = None
        self.end_us: int | None = None
        self.final_code: int | None = None
        self.ended_by: str | None = None
        self.bye_us: int | None = None
        self.bye_answered_us: int | None = None
        self.final_us: int | None = None
        self.challenges = 0
        self.retransmissions = 0
        self.changes = 0
        """re-INVITEs and UPDATEs that were answered."""
        self.transfers = 0
        """REFERs."""
        self.fax = False
        self.held = False
        self.forks: tuple[str, ...] = ()
        """To-tags of early and confirmed dialogs."""
        self.messages: list[Message] = []
        """The first of them, and of the later ones those that said something new, as far as they are kept."""
        self.message_count = 0
        self.first: Call | None = None
        """The first leg, if this call continues it on the far side of a back-to-back user agent."""
        self.link_basis: str | None = None
        """What that was found by."""

    def hops(self) -> int:
        """Count the pairs of endpoints its messages were captured between."""
        return len({(min(m.source, m.destination), max(m.source, m.destination)) for m in self.messages})


@final
class Medium:
    """One endpoint that a party of a call said it receives media at."""

    def __init__(self, call: Call, mid: str, *, caller: bool) -> None:
        self.call = call
        self.caller = caller
        """Whether the calling party receives here."""
        self.mid = mid
        """The name of its section."""
        self.sections: tuple[Formats, ...] = ()
        """What its section and the others that share its transport name, by the latest description."""
        self.formats = NO_FORMATS
        """All that was ever described for it."""
        self.streams: dict[int, Stream] = {}
        """By their index."""
        self.seen_us: int = 0
        """The last packet of all its streams, once the capture was read to its end."""

    def describe(self, section: Formats) -> None:
        """Take what a description names for it, besides what was described before."""
        formats = united(self.formats, section)
        if formats is not self.formats and len(self.streams) <= MAX_TOLD:
            for stream in self.streams.values():
                stream.describe(formats)
        self.formats = formats

    def section(self, payload_type: int) -> Formats:
        """Give the section that a payload type belongs to (RFC 9143 section 9.2)."""
        return next((each for each in self.sections if payload_type in each.by_type), self.sections[0])
