"""SIP messages to calls: who called whom, when it rang, was answered and ended, and where its media goes.

One call per Call-ID, however many hops it was captured at: a message seen again on its next hop, or sent again by a
timer, is the same message. Calls that a back-to-back user agent joins are found by the identifiers it passes on.
"""

import sys
from dataclasses import dataclass, field

from mypy_extensions import i64

from clearline.voice.call import Call, Medium, Message
from clearline.voice.links import Links
from clearline.voice.wire import sdp, sip
from clearline.voice.wire.ethernet import Addresses

MAX_CALLS = 500_000
"""Calls kept of one capture; messages of more are counted and passed over."""

MAX_MESSAGES = 200
"""Messages of one call kept for its ladder; all are counted."""

MAX_KNOWN = 700
"""Messages of one call kept to know a repeated one by: those of the ladder, and of the later ones the new."""

MAX_FORKS = 500
"""Dialogs of one call told apart by their tags."""

DISCARD_PORT = 9
"""Where a description sends media while it has no candidates yet (RFC 8840 section 4.1.1)."""

NOWHERE = -1


@dataclass(slots=True)
class Registrations:
    """REGISTER transactions (RFC 6076 sections 4.1 and 4.2)."""

    attempts: int = 0
    successes: int = 0
    failures: int = 0
    delay_us: int = 0
    open: dict[tuple[str, int], int] = field(default_factory=dict)


class CallBook:
    """Takes messages in the order of the capture.

    Args:
        addresses: the numbers of addresses. An endpoint is its address's number << 16 | port.
    """

    def __init__(self, addresses: Addresses) -> None:
        self.addresses = addresses
        self.calls: dict[str, Call] = {}
        self.media: dict[int, Medium] = {}
        """Endpoint → who receives there, by the latest description."""
        self.registrations = Registrations()
        self.messages = 0
        self.passed_over = 0
        self.replaced: list[Medium] = []
        """Media endpoints that another call has taken over since the last look."""
        self.described: list[int] = []
        """Endpoints that were described for the first time, or for another call, since the last look."""
        self.links = Links(self.calls)

    def take(self, message: sip.SipMessage, source: i64, destination: i64, at_us: int) -> None:
        """Take one message.

        Args:
            message: the message.
            source: the endpoint that sent it.
            destination: the one it was sent to.
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
            call = self._begin(message, number, source, destination, at_us)
            if call is None:
                return
        heard = Message(at_us, source, destination, number, sys.intern(method))
        if message.status is None:
            heard.text = sys.intern(message.method or "")
        else:
            heard.text = sys.intern(f"{message.status} {message.reason}".strip())  # millions of few
            tag = _tag(message.header("to") or "")
            heard.tag = call.forks[call.forks.index(tag)] if tag in call.forks else tag
        heard.has_body = bool(message.body)
        if self._is_new(call, heard):
            if message.status is None:
                self._request(call, message, number, at_us)
            else:
                self._response(call, message.status, heard)
        if message.body:
            self._describe(call, message)

    def _begin(self, message: sip.SipMessage, number: i64, source: i64, destination: i64, at_us: int) -> Call | None:
        sender = sip.address(message.header("from") or "")
        call_id = message.call_id
        if not call_id or not sender.uri:
            raise sip.SipError("an INVITE without Call-ID or From")
        if len(self.calls) >= MAX_CALLS:
            self.passed_over += 1
            return None
        call = Call(call_id, at_us, source)
        call.from_uri, call.from_tag = sender.uri, sender.tag
        call.to_uri = sip.address(message.header("to") or "").uri
        call.cseq = number
        self.links.find(call, message, destination)
        self.calls[call_id] = call
        return call

    def _is_new(self, call: Call, heard: Message) -> bool:
        """Note a message; tell whether it says something not said before, on this hop or on another."""
        first: Message | None = None
        same_hop = False
        for each in call.messages:
            if first is None and each.says(heard):
                first = each
            same_hop = same_hop or each.is_between(heard.source, heard.destination)
        if first is not None and first.source == heard.source and first.destination == heard.destination:
            heard.repeated = True
            call.retransmissions += 1
        call.message_count += 1
        kept = len(call.messages)
        if kept < MAX_MESSAGES or (kept < MAX_KNOWN and (first is None or not same_hop)):
            call.messages.append(heard)
        return first is None

    def _request(self, call: Call, message: sip.SipMessage, number: i64, at_us: int) -> None:
        method = message.method
        if method == "INVITE":
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

    def _response(self, call: Call, status: int, heard: Message) -> None:
        method, at_us = heard.method, heard.at_us
        if method == "BYE":
            if status >= 200 and call.bye_answered_us is None:
                call.bye_answered_us = at_us
        elif method == "UPDATE" or (method == "INVITE" and call.answered_us is not None and heard.number != call.cseq):
            call.changes += 200 <= status < 300
        elif method == "INVITE" and status > 100:
            tag = heard.tag
            if tag and status < 300 and tag not in call.forks and len(call.forks) < MAX_FORKS:
                call.forks += (tag,)  # other final responses make no dialog (RFC 3261 section 12.1)
            self._invite_response(call, status, heard.number, at_us)

    def _invite_response(self, call: Call, status: int, number: i64, at_us: int) -> None:
        """Take a response to the INVITE that sets the call up; a success outdoes every failure (forking)."""
        if status < 300:
            if call.ringing_us is None:
                call.ringing_us = at_us
            if status >= 200 and call.answered_us is None:
                call.answered_us = call.final_us = at_us
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

    def _describe(self, call: Call, message: sip.SipMessage) -> None:
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
                carrier.sections += (media.formats,)
                carrier.describe(media.formats)
            medium = self._endpoint(call, media, caller=from_caller)
            if media.mid in heads.values():
                shared[media.mid] = medium

    def _endpoint(self, call: Call, media: sdp.Media, *, caller: bool) -> Medium:
        """Note who receives at a section's address, and at its candidates' (RFC 8839)."""
        places = [self._place(media.address, media.port)]
        places += [self._place(address, port) for address, port in media.candidates]
        known = [self.media.get(place) for place in places]
        medium = next((m for m in known if m is not None and m.call is call), None)
        if medium is None:
            medium = Medium(call, media.mid, caller=caller)
        elif medium.mid != media.mid and media.mid:  # it shares a transport that an earlier section named
            return medium
        medium.mid, medium.sections = media.mid, (media.formats,)
        medium.describe(media.formats)
        self.replaced += [m for m in known if m is not None and m.call is not call and m.streams]
        for place in places:
            if place != NOWHERE and self.media.get(place) is not medium:
                self.media[place] = medium
                self.described.append(place)
        return medium

    def _place(self, address: str, port: int) -> int:
        """Give an endpoint that media can be sent to.

        Not for a section turned down, a place holder for candidates to come, or a host's name.
        """
        number = self.addresses.read(address)
        return NOWHERE if number <= 0 or port in (0, DISCARD_PORT) else number << 16 | port


def _heads(description: sdp.Description) -> dict[str, str]:
    """Give each bundled section's name → the name of the section whose transport carries it (RFC 9143 section 7)."""
    return {mid: group[0] for group in description.bundles if group for mid in group}


def _tag(value: str) -> str:
    """Read the tag of a From or To value without reading the rest, unless a quoted text could hide one."""
    start = value.find(";tag=", value.rfind('"') + 1)
    if start < 0:
        return sip.address(value).tag if '"' in value else ""
    start += 5
    end = value.find(";", start)
    return value[start:end].strip() if end >= 0 else value[start:].strip()
