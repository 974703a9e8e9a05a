"""One call's figures. Unknown is None."""

from dataclasses import dataclass
from typing import NamedTuple

from clearline.voice.results.text import Json, moment, rounded, whole_ms

IDENTIFIER = "identifier"
"""A call's legs were joined by an identifier that the agent between them passed on."""

ADDRESSES = "addresses and numbers"
"""They were joined because one left where the other had just come in, with the same caller and callee."""


class LadderMessage(NamedTuple):
    """One SIP message of a call, as it was captured on one hop."""

    at_us: int
    source: str
    destination: str
    text: str
    """`INVITE`, `180 Ringing` …"""
    has_sdp: bool
    repeated: bool
    """Whether a timer sent it again."""

    def to_json(self) -> Json:
        """Write the message."""
        return {
            "at": moment(self.at_us),
            "source": self.source,
            "destination": self.destination,
            "text": self.text,
            "sdp": self.has_sdp,
            "repeated": self.repeated,
        }


@dataclass(slots=True)
class Call:
    """One call: one Call-ID, at all the hops it was captured at."""

    call_id: str
    linked: str | None
    """Call-ID of the call it continues on the other side of a back-to-back user agent."""
    link_basis: str | None
    """What that was found by: `IDENTIFIER` or `ADDRESSES`."""
    from_uri: str
    to_uri: str
    start_us: int
    answered_us: int | None
    end_us: int | None
    final_code: int | None
    post_dial_delay_us: int | None
    """From the first INVITE to the first response that says something of the callee (RFC 6076 section 4.3)."""
    disconnect_delay_us: int | None
    """From the BYE to its answer (RFC 6076 section 4.4)."""
    ended_by: str | None
    """caller or callee."""
    challenges: int
    """Times a server asked for authentication."""
    retransmissions: int
    forks: int
    """Dialogs that answered, early ones included."""
    hops: int
    """Pairs of endpoints its messages were captured between."""
    changes: int
    """re-INVITEs and UPDATEs that were accepted."""
    transfers: int
    fax: bool
    streams: tuple[int, ...]
    mos_lq: float | None
    """The lowest of its streams."""
    mos_cq: float | None
    flags: tuple[str, ...]
    ladder: tuple[LadderMessage, ...]
    message_count: int

    @property
    def talk_us(self) -> int | None:
        """From the answer to the end."""
        return None if self.answered_us is None or self.end_us is None else self.end_us - self.answered_us

    def to_json(self) -> Json:
        """Write the call."""
        return {
            "call_id": self.call_id,
            "linked_to": self.linked,
            "link_basis": self.link_basis,
            "from": self.from_uri,
            "to": self.to_uri,
            "start": moment(self.start_us),
            "answered": moment(self.answered_us),
            "end": moment(self.end_us),
            "final_code": self.final_code,
            "post_dial_delay_ms": whole_ms(self.post_dial_delay_us),
            "disconnect_delay_ms": whole_ms(self.disconnect_delay_us),
            "talk_ms": whole_ms(self.talk_us),
            "ended_by": self.ended_by,
            "challenges": self.challenges,
            "retransmissions": self.retransmissions,
            "forks": self.forks,
            "hops": self.hops,
            "changes": self.changes,
            "transfers": self.transfers,
            "fax": self.fax,
            "mos_lq": rounded(self.mos_lq),
            "mos_cq": rounded(self.mos_cq),
            "flags": list(self.flags),
            "streams": list(self.streams),
            "messages": self.message_count,
            "ladder": [message.to_json() for message in self.ladder],
        }
