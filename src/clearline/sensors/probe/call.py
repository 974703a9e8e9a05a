"""The call probe's SIP side: dial, be answered, hang up, through proxies that record themselves (RFC 3261 section 13).

No socket, no clock.
"""

import re
from dataclasses import dataclass

from clearline.sensors.probe import dialog, message, srtp
from clearline.sensors.probe.exchange import Context, Exchange
from clearline.sensors.probe.message import USER_AGENT, Request, bracketed, via_value
from clearline.sensors.probe.options import Local
from clearline.sensors.probe.outcome import Outcome, refused, unanswered, unreachable
from clearline.sensors.probe.transaction import TimedOut, TransportFailed
from clearline.voice.wire import sip

Place = tuple[str, int]
"""Address and port."""

NextHop = Place | None
"""Where a message goes; None: where the INVITE went."""


EVENT_TYPE = 101
"""The payload type of keys in our offer."""


def offer(host: str, port: int, key: bytes | None = None) -> bytes:
    """Offer G.711 in both laws, 20 ms a packet, and keys as events (RFC 3264, RFC 3551, RFC 4733).

    With a key it is offered encrypted, and not otherwise (RFC 4568).
    """
    family = "IP6" if ":" in host else "IP4"
    lines = ["v=0", f"o=probe 1 1 IN {family} {host}", "s=-", f"c=IN {family} {host}", "t=0 0"]
    lines += [
        f"m=audio {port} RTP/{'AVP' if key is None else 'SAVP'} 0 8 {EVENT_TYPE}",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
    ]
    lines += [f"a=rtpmap:{EVENT_TYPE} telephone-event/8000", f"a=fmtp:{EVENT_TYPE} 0-15", "a=ptime:20", "a=sendrecv"]
    if key is not None:
        lines.append(srtp.attribute(key))
    return "\r\n".join([*lines, ""]).encode()


def invite_request(uri: str, user: str, local: Local, media_port: int, token: str, key: bytes | None = None) -> Request:
    """Make the INVITE.

    Args:
        uri: whom to call.
        user: who calls, as the account is named.
        local: our end.
        media_port: where we want the audio.
        token: random hex digits.
        key: what our audio is encrypted with; None: it is not.
    """
    domain = bracketed(sip.uri(uri).host)
    return Request(
        "INVITE",
        uri,
        (
            ("via", via_value(local.transport, local.host, local.port, f"z9hG4bK{token}")),
            ("max-forwards", "70"),
            ("from", f"<sip:{user}@{domain}>;tag={token[:16]}"),
            ("to", f"<{uri}>"),
            ("call-id", f"{token}@{bracketed(local.host)}"),
            ("cseq", "1 INVITE"),
            ("contact", local.contact(user)),
            ("allow", "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO"),
            ("user-agent", USER_AGENT),
            ("content-type", "application/sdp"),
        ),
        offer(local.host, media_port, key),
    )


@dataclass(frozen=True, slots=True)
class Answered:
    """The call was answered."""

    body: bytes
    """The other side's session description."""


class CallProbe:
    """One call from INVITE to the answer to its BYE.

    Drive it like the other probes; when `answered` is there, talk, then call `hang_up`. `outcome` is there once all
    is over.
    """

    def __init__(self, request: Request, context: Context, local: Local, *, timeout_us: int, now_us: int) -> None:
        """Dial.

        Args:
            request: from `invite_request`.
            context: credentials and timers.
            local: our end, for the requests inside the call.
            timeout_us: until the answer; then the call is cancelled.
            now_us: the present moment.
        """
        self.outcome: Outcome | None = None
        self.answered: Answered | None = None
        self.post_dial_delay_us: int | None = None
        """From the first INVITE to the first ringing or answer (RFC 6076 section 4.3)."""
        self.keys = ""
        """Keys the other side said in INFO requests, in order."""
        self.other_received: int | None = None
        """Packets of our audio the other side says it received, in its answer to our BYE; None: it says nothing."""
        self._context = context
        self._local = local
        self._timeout_us = timeout_us
        self._started_us = now_us
        self._deadline_us: int | None = now_us + timeout_us
        self._invite = Exchange(request, context, now_us)
        self._closing: Exchange | None = None
        """The BYE or CANCEL."""
        self._dialog: dialog.Dialog | None = None
        self._ack: bytes = b""
        self._place: NextHop = None
        """Where requests inside the call go."""
        self._verdict: Outcome | None = None
        self._outbox: list[tuple[bytes, NextHop]] = []
        self._sent = 0

    def receive(self, data: bytes, source: Place, now_us: int) -> None:
        """Take in a message.

        Requests of the other side inside the call are answered: 200 to BYE and to INFO with a key, 405 to others.
        """
        try:
            received = sip.parse(data)
            if received.method is not None:
                self._asked(received, source, now_us)
            elif self._closing is None or not self._closing.receive(received, now_us):
                again = bool(self._ack)
                if self._invite.receive(received, now_us) and again and received.status == 200:
                    self._outbox.append((self._ack, self._place))  # each repetition of the 200 gets its ACK (13.2.2.4)
            self._conclude(now_us)
        except sip.SipError:
            return

    def transport_failed(self, reason: str, advice: str, now_us: int) -> None:
        """Take in that a message could not be delivered."""
        (self._closing or self._invite).transport_failed(reason, now_us)
        if self.answered is None:
            self.outcome = self.outcome or unreachable(reason, advice)
        self._conclude(now_us)

    @property
    def next_timer_us(self) -> int | None:
        """When `on_timer` is due."""
        closing_us = None if self._closing is None else self._closing.next_timer_us
        moments = [self._deadline_us, self._invite.next_timer_us, closing_us]
        return min((moment for moment in moments if moment is not None), default=None)

    def on_timer(self, now_us: int) -> None:
        """Let due timers fire; a call not answered by its deadline is cancelled."""
        self._invite.on_timer(now_us)
        if self._closing is not None:
            self._closing.on_timer(now_us)
        self._conclude(now_us)
        if self._deadline_us is not None and now_us >= self._deadline_us:
            self._too_late(now_us)

    def to_send(self) -> list[tuple[bytes, NextHop]]:
        """Return what to send now, and where to."""
        first = [(data, None) for data in self._invite.to_send()]
        self._sent += len(first)
        outbox, self._outbox = self._outbox, []
        closing = [] if self._closing is None else [(data, self._place) for data in self._closing.to_send()]
        return [*first, *outbox, *closing]

    def hang_up(self, verdict: Outcome, now_us: int) -> None:
        """End the call; `verdict` is the outcome once the BYE is answered."""
        self._verdict = verdict
        if self._dialog is None or self._closing is not None:
            self.outcome = verdict
            return
        self._deadline_us = now_us + self._timeout_us
        self._closing = Exchange(self._inside("BYE"), self._context, now_us)

    def _inside(self, method: str) -> Request:
        assert self._dialog is not None  # noqa: S101  # only asked for inside a call
        local = self._local
        return self._dialog.request(
            method, transport=local.transport, host=local.host, port=local.port, branch=self._context.branch()
        )

    def _asked(self, request: sip.SipMessage, source: Place, now_us: int) -> None:
        if request.method == "ACK" or self._dialog is None or request.call_id != self._dialog.call_id:
            return
        key = _key(request) if request.method == "INFO" else ""
        self.keys += key
        status = 200 if request.method == "BYE" or key else 405
        self._outbox.append((message.answer(request, status, source=source, to_tag=""), source))
        if request.method == "BYE" and self._closing is None:
            text = "the other side hung up before the probe did"
            self.outcome = Outcome(False, 200, text, now_us - self._started_us, "call again and listen")

    def _conclude(self, now_us: int) -> None:
        ringing = [response for response in self._invite.provisional if (response.status or 0) > 100]
        if self.post_dial_delay_us is None and (ringing or isinstance(self._invite.result, sip.SipMessage)):
            self.post_dial_delay_us = now_us - self._started_us
        result = self._invite.result
        if self.outcome is None and result is not None and self.answered is None:
            self._dialled(result, now_us)
        if self._closing is not None and self._closing.result is not None:
            if isinstance(self._closing.result, sip.SipMessage):
                self.other_received = _received(self._closing.result)
            self.outcome = self.outcome or self._verdict

    def _dialled(self, result: sip.SipMessage | TimedOut | TransportFailed, now_us: int) -> None:
        latency_us = now_us - self._started_us
        if isinstance(result, TimedOut):
            self.outcome = unanswered(latency_us, self._sent)
        elif isinstance(result, sip.SipMessage) and (result.status or 0) >= 300:
            self.outcome = self._verdict or self._refused(result.status or 0, result.reason, latency_us)
        elif isinstance(result, sip.SipMessage):
            self._picked_up(result, now_us)

    def _refused(self, status: int, phrase: str, latency_us: int) -> Outcome:
        if status in (401, 407):
            without = self._context.credentials is None
            meaning = "a password is asked for" if without else "user or password was not accepted"
            said = f"{status} {phrase}: {meaning}"
            return Outcome(False, status, said, latency_us, "check user, password and realm")
        return refused(status, phrase, latency_us)

    def _picked_up(self, ok: sip.SipMessage, now_us: int) -> None:
        try:
            self._dialog = dialog.from_answer(self._invite.request, ok)
            self._place = _place_of(self._dialog)
        except sip.SipError as error:
            text = f"{ok.status} {ok.reason}, but it cannot be acknowledged: {error}"
            self.outcome = Outcome(False, ok.status, text, now_us - self._started_us, "look at the server's own log")
            return
        self.answered = Answered(ok.body)
        self._deadline_us = None
        self._ack = self._inside("ACK").encode()
        self._outbox.append((self._ack, self._place))
        if self._verdict is not None:  # answered while it was being cancelled
            self._closing = None
            self.hang_up(self._verdict, now_us)

    def _too_late(self, now_us: int) -> None:
        if self._closing is None and self._invite.provisional:
            text = f"not answered within {self._timeout_us / 1_000_000:g} s, cancelled"
            self._verdict = Outcome(False, None, text, None, "look who should answer this number")
            self._deadline_us = now_us + self._timeout_us
            self._closing = Exchange(message.cancellation(self._invite.request), self._context, now_us)
        else:
            self.outcome = self._verdict or unanswered(self._timeout_us, self._sent)


def _place_of(ours: dialog.Dialog) -> NextHop:
    """Where requests inside a call go: the first route, else the other side's Contact, if it is an address."""
    uri = sip.uri(sip.address(ours.route[0]).uri if ours.route else ours.target)
    is_address = ":" in uri.host or uri.host.replace(".", "").isdecimal()
    return (uri.host, uri.port or 5060) if is_address else None


_SIGNAL = re.compile(rb"(?:Signal\s*=\s*)?([0-9A-D*#])\s*(?:$|\r|\n)")
"""The first line of `application/dtmf-relay`, or all of `application/dtmf`: in no RFC, and in every telephone."""


def _key(info: sip.SipMessage) -> str:
    """Read the key out of an INFO request; "": it tells of none."""
    kind = (info.header("content-type") or "").partition(";")[0].strip().lower()
    found = _SIGNAL.match(info.body) if kind in ("application/dtmf-relay", "application/dtmf") else None
    return found[1].decode() if found else ""


_RECEIVED = re.compile(r"(?:^|[;,])\s*PR=(\d{1,9})\s*(?:$|[;,])")


def _received(answer: sip.SipMessage) -> int | None:
    """Read the packets received out of `X-RTP-Stat`, as baresip, AVM, AudioCodes and our reflector write it."""
    found = _RECEIVED.search(answer.header("x-rtp-stat") or "")
    return int(found[1]) if found else None
