"""SIP messages to calls: who called whom, when it rang, was answered and ended, and where its media goes.

One call per Call-ID, however many hops it was captured at: a message seen again on its next hop, or sent again by a
timer, is the same message. Calls that a back-to-back user agent joins are found by the identifiers it passes on.
"""

import sys
from dataclasses import dataclass, field

from clearline.voice.formats import Formats
from clearline.voice.links import Links
from clearline.voice.results.call import LadderMessage
from clearline.voice.streams import Stream
from clearline.voice.wire import sdp, sip

MAX_CALLS = 500_000
"""Calls kept of one capture; messages of more are counted and passed over."""

MAX_MESSAGES = 200
"""Messages of one call kept for its ladder; all are counted."""

MAX_TRANSACTIONS = 500
"""Requests and responses of one call kept to know a repeated one by."""


@dataclass(slots=True)
class Medium:
    """One endpoint that a party of a call said it receives media at."""

    call: "Call"
    caller: bool
    """Whether the calling party receives here."""
    media: sdp.Media
    formats: Formats
    since_us: int
    streams: list[Stream] = field(default_factory=list)
    seen_us: int = 0
    """The last packet of all its streams, once the capture was read to its end."""
    bundled: list[sdp.Media] = field(default_factory=list)
    """The other sections that share its transport."""

    def section(self, payload_type: int) -> sdp.Media:
        """Give the section that a payload type belongs to (RFC 9143 section 9.2)."""
        return next((m for m in (self.media, *self.bundled) if payload_type in m.formats), self.media)


@dataclass(slots=True)
class Call:
    """What the messages of one Call-ID say."""

    call_id: str
    from_uri: str
    to_uri: str
    from_tag: str
    start_us: int
    """First INVITE."""
    cseq: int
    """Of the latest INVITE before an answer: authentication sends a second one."""
    ringing_us: int | None = None
    """First response above 100 that is no failure (RFC 6076 section 4.3)."""
    answered_us: int | None = None
    end_us: int | None = None
    last_us: int = 0
    final_code: int | None = None
    ended_by: str | None = None
    bye_us: int | None = None
    bye_answered_us: int | None = None
    final_us: int | None = None
    invites: int = 0
    challenges: int = 0
    retransmissions: int = 0
    changes: int = 0
    """re-INVITEs and UPDATEs that were answered."""
    transfers: int = 0
    """REFERs."""
    fax: bool = False
    held: bool = False
    forks: set[str] = field(default_factory=set)
    """To-tags of early and confirmed dialogs."""
    hops: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    """Each sender and receiver of its messages → itself: kept once for all of them."""
    messages: list[LadderMessage] = field(default_factory=list)
    message_count: int = 0
    seen: dict[tuple[str, int, str, str], tuple[str, str]] = field(default_factory=dict)
    linked: tuple[str, str] | None = None
    """Call-ID of the first leg, and what it was found by."""


@dataclass(slots=True)
class Registrations:
    """REGISTER transactions (RFC 6076 sections 4.1 and 4.2)."""

    attempts: int = 0
    successes: int = 0
    failures: int = 0
    delay_us: int = 0
    open: dict[tuple[str, int], int] = field(default_factory=dict)


class CallBook:
    """Takes messages in the order of the capture."""

    def __init__(self) -> None:
        self.calls: dict[str, Call] = {}
        self.media: dict[tuple[str, int], Medium] = {}
        """Address and port → who receives there, by the latest description."""
        self.registrations = Registrations()
        self.messages = 0
        self.requests: dict[str, int] = {}
        """Messages by method, and responses by their class."""
        self.passed_over = 0
        self.replaced: list[Medium] = []
        """Media endpoints that another call has taken over since the last look."""
        self.links = Links()

    def take(self, message: sip.SipMessage, source: str, destination: str, at_us: int) -> None:
        """Take one message.

        Args:
            message: the message.
            source: the sender's address and port.
            destination: the receiver's.
            at_us: when it was captured.

        Raises:
            SipError: a header that every message needs is missing or cannot be read.
        """
        number, method = message.cseq
        call_id = message.call_id
        self.messages += 1
        if method == "REGISTER":
            self._register(message, call_id, number, at_us)
            return
        call = self.calls.get(call_id)
        if call is None:
            if method != "INVITE" or message.method is None:
                return
            call = self._begin(message, call_id, number, source, destination, at_us)
            if call is None:
                return
        call.last_us = max(call.last_us, at_us)
        hop = (source, destination)
        hop = call.hops.setdefault(hop, hop)
        if self._is_new(call, message, number, method, hop, at_us):
            if message.status is None:
                self._request(call, message, number, at_us)
            else:
                self._response(call, message, message.status, number, method, at_us)
        if message.body:
            self._describe(call, message, at_us)

    def _begin(
        self, message: sip.SipMessage, call_id: str, number: int, source: str, destination: str, at_us: int
    ) -> Call | None:
        sender = sip.address(message.header("from") or "")
        receiver = sip.address(message.header("to") or "")
        if not call_id or not sender.uri:
            raise sip.SipError("an INVITE without Call-ID or From")
        if len(self.calls) >= MAX_CALLS:
            self.passed_over += 1
            return None
        call = Call(call_id, sender.uri, receiver.uri, sender.tag, at_us, number)
        self.calls[call_id] = call
        call.linked = self.links.find(message, source, destination, at_us)
        return call

    def _is_new(
        self, call: Call, message: sip.SipMessage, number: int, method: str, hop: tuple[str, str], at_us: int
    ) -> bool:
        """Note a message; tell whether it says something not said before, on this hop or on another."""
        text = sys.intern(message.method or f"{message.status} {message.reason}".strip())  # millions of few
        tag = sys.intern(_tag(message.header("to") or ""))
        key = (text, number, method, tag if message.method is None else "")
        before = call.seen.get(key)
        repeated = before == hop
        if repeated:
            call.retransmissions += 1
        elif before is None and len(call.seen) < MAX_TRANSACTIONS:
            call.seen[key] = hop
        call.message_count += 1
        if len(call.messages) < MAX_MESSAGES:
            call.messages.append(LadderMessage(at_us, hop[0], hop[1], text, bool(message.body), repeated))
        return before is None

    def _request(self, call: Call, message: sip.SipMessage, number: int, at_us: int) -> None:
        method = message.method
        if method == "INVITE":
            call.invites += 1
            if call.answered_us is None and number > call.cseq:
                call.cseq = number
                call.final_code = call.end_us = call.final_us = None
        elif method == "BYE" and call.bye_us is None:
            call.bye_us = call.end_us = at_us
            call.ended_by = "caller" if _tag(message.header("from") or "") == call.from_tag else "callee"
        elif method == "CANCEL" and call.answered_us is None:
            call.ended_by = "caller"
        elif method == "REFER":
            call.transfers += 1

    def _response(self, call: Call, message: sip.SipMessage, status: int, number: int, method: str, at_us: int) -> None:
        if method == "BYE":
            if status >= 200 and call.bye_answered_us is None:
                call.bye_answered_us = at_us
        elif method == "UPDATE" or (method == "INVITE" and call.answered_us is not None and number != call.cseq):
            call.changes += 200 <= status < 300
        elif method == "INVITE" and status > 100:
            tag = _tag(message.header("to") or "")
            if tag and status < 300:  # other final responses make no dialog (RFC 3261 section 12.1)
                call.forks.add(tag)
            self._invite_response(call, status, number, at_us)

    def _invite_response(self, call: Call, status: int, number: int, at_us: int) -> None:
        """Take a response to the INVITE that sets the call up; a success outdoes every failure (forking)."""
        if status < 300:
            if call.ringing_us is None:
                call.ringing_us = at_us
            if status >= 200 and call.answered_us is None:
                call.answered_us = call.final_us = at_us
                self.links.answered(call.call_id)
                call.final_code = status
                call.end_us = call.bye_us
        elif call.answered_us is None and number == call.cseq:
            call.challenges += status in (401, 407)
            call.final_code = status
            call.end_us = call.final_us = at_us

    def _register(self, message: sip.SipMessage, call_id: str, number: int, at_us: int) -> None:
        registrations = self.registrations
        key = (call_id, number)
        if message.method is not None:
            if key not in registrations.open and len(registrations.open) < MAX_CALLS:
                registrations.open[key] = at_us
            return
        status = message.status or 0
        started = registrations.open.get(key)
        if started is None or status < 200 or status in (401, 407):
            return
        del registrations.open[key]
        registrations.attempts += 1
        if status < 300:
            registrations.successes += 1
            registrations.delay_us += at_us - started
        else:
            registrations.failures += 1

    def _describe(self, call: Call, message: sip.SipMessage, at_us: int) -> None:
        """Note where the sender of a session description receives its media."""
        kind = (message.header("content-type") or "").lower()
        body = message.body.decode("utf-8", "replace")
        if kind.startswith("multipart/"):
            start = body.find("v=0")
            body = body[start:] if start >= 0 else ""
        elif not kind.startswith("application/sdp") and not body.startswith("v=0"):
            return
        sender_tag = _tag(message.header("from" if message.method is not None else "to") or "")
        from_caller = sender_tag == call.from_tag
        description = sdp.parse(body)
        heads = _heads(description)
        shared: dict[str, Medium] = {}
        for media in description.media:
            call.fax = call.fax or media.fax
            if media.kind == "audio":
                call.held = media.direction in ("sendonly", "inactive") or media.address == "0.0.0.0"  # noqa: S104  # RFC 2543 hold
            carrier = shared.get(heads.get(media.mid, ""))
            if carrier is not None:
                carrier.bundled.append(media)
                fill_formats(carrier.formats, media)
            medium = self._endpoint(call, media, from_caller, at_us)
            if media.mid in heads.values():
                shared[media.mid] = medium

    def _endpoint(self, call: Call, media: sdp.Media, from_caller: bool, at_us: int) -> Medium:
        """Note who receives at a section's address, and at its candidates' (RFC 8839)."""
        places = [place for place in ((media.address.lower(), media.port), *media.candidates) if _receives(*place)]
        known = [self.media.get(place) for place in places]
        medium = next((m for m in known if m is not None and m.call is call), None)
        if medium is None:
            medium = Medium(call, from_caller, media, Formats(), at_us)
        elif medium.media.mid != media.mid and media.mid:  # it shares a transport that an earlier section named
            return medium
        else:
            medium.media, medium.bundled = media, []
        fill_formats(medium.formats, media)
        self.replaced += [m for m in known if m is not None and m.call is not call and m.streams]
        for place in places:
            self.media[place] = medium
        return medium


def _heads(description: sdp.Description) -> dict[str, str]:
    """Give each bundled section's name → the name of the section whose transport carries it (RFC 9143 section 7)."""
    return {mid: group[0] for group in description.bundles if group for mid in group}


def _receives(address: str, port: int) -> bool:
    """Tell whether media can be sent there: not a section turned down, nor a place holder for candidates to come."""
    return bool(address) and port not in (0, 9) and address not in ("0.0.0.0", "::")  # noqa: S104  # compared only


def fill_formats(formats: Formats, media: sdp.Media) -> None:
    """Tell the counting what a media section's payload types are."""
    formats.secure = media.secure
    for payload_type, known in media.formats.items():
        name = formats.encodings[payload_type] = known.encoding.lower()
        if known.clock:
            formats.clocks[payload_type] = known.clock
        if name == "telephone-event":
            formats.events |= {payload_type}
        elif name == "cn":
            formats.noises |= {payload_type}


def _tag(value: str) -> str:
    """Read the tag of a From or To value without reading the rest, unless a quoted text could hide one."""
    start = value.find(";tag=", value.rfind('"') + 1)
    if start < 0:
        return sip.address(value).tag if '"' in value else ""
    start += 5
    end = value.find(";", start)
    return value[start:end].strip() if end >= 0 else value[start:].strip()
