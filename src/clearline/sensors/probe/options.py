"""The OPTIONS probe: does a SIP server answer? Without socket or clock (RFC 3261 section 11)."""

from dataclasses import dataclass

from clearline.sensors.probe.message import USER_AGENT, Request, bracketed, via_value
from clearline.sensors.probe.outcome import Outcome, answered, unanswered, unreachable
from clearline.sensors.probe.transaction import ClientTransaction, TimedOut, Timers, TransportFailed
from clearline.voice.wire import sip


@dataclass(frozen=True, slots=True)
class Local:
    """Our end of the connection a probe goes over."""

    transport: str
    """UDP, TCP, TLS, WS or WSS."""
    host: str
    port: int

    @property
    def reliable(self) -> bool:
        """Whether the transport itself retransmits."""
        return self.transport != "UDP"

    def contact(self, user: str) -> str:
        """Return the Contact under which this end can be reached."""
        named = "ws" if self.transport == "WSS" else self.transport.lower()  # RFC 7118 section 5.2: ws for both
        suffix = "" if self.transport == "UDP" else f";transport={named}"
        return f"<sip:{user}@{bracketed(self.host)}:{self.port}{suffix}>"


def options_request(uri: str, local: Local, token: str) -> Request:
    """Make an OPTIONS request outside any dialog.

    Args:
        uri: whom to ask.
        local: our end, for Via and Contact.
        token: random hex digits that make Call-ID, tag and branch this probe's own.
    """
    return Request(
        "OPTIONS",
        uri,
        (
            ("via", via_value(local.transport, local.host, local.port, f"z9hG4bK{token}")),
            ("max-forwards", "70"),
            ("from", f"<sip:probe@{bracketed(local.host)}>;tag={token[:16]}"),
            ("to", f"<{uri}>"),
            ("call-id", f"{token}@{bracketed(local.host)}"),
            ("cseq", "1 OPTIONS"),
            ("contact", local.contact("probe")),
            ("accept", "application/sdp"),
            ("user-agent", USER_AGENT),
        ),
    )


class OptionsProbe:
    """One OPTIONS request until its outcome is known."""

    def __init__(self, request: Request, *, reliable: bool, timeout_us: int, now_us: int, timers: Timers) -> None:
        """Start: the request is due to be sent.

        Args:
            request: from `options_request`.
            reliable: whether the transport retransmits.
            timeout_us: give up after this; the transaction's own timer F (32 s) may come first.
            now_us: the present moment.
            timers: of the transaction.
        """
        self._transaction = ClientTransaction(request, reliable=reliable, now_us=now_us, timers=timers)
        self._started_us = now_us
        self._deadline_us = now_us + timeout_us
        self._sent = 0
        self.outcome: Outcome | None = None

    def receive(self, data: bytes, now_us: int) -> None:
        """Take in a datagram or a message of the stream; what is no answer to this request is ignored."""
        try:
            message = sip.parse(data)
            mine = message.status is not None and self._transaction.matches(message)
        except sip.SipError:
            return
        if mine:
            self._transaction.receive(message, now_us)
            self._conclude(now_us)

    def transport_failed(self, reason: str, advice: str, now_us: int) -> None:
        """Take in that the request could not be delivered."""
        self._transaction.transport_failed(reason, now_us)
        for event in self._transaction.events():
            if isinstance(event, TransportFailed):
                self.outcome = self.outcome or unreachable(reason, advice)

    @property
    def next_timer_us(self) -> int | None:
        """When `on_timer` is to be called next."""
        timer_us = self._transaction.next_timer_us
        return self._deadline_us if timer_us is None else min(timer_us, self._deadline_us)

    def on_timer(self, now_us: int) -> None:
        """Let due timers fire; at the deadline the outcome is a failure."""
        self._transaction.on_timer(min(now_us, self._deadline_us - 1))
        self._conclude(now_us)
        if self.outcome is None and now_us >= self._deadline_us:
            self.outcome = unanswered(self._deadline_us - self._started_us, self._sent)

    def to_send(self) -> list[bytes]:
        """Return what to send now."""
        messages = self._transaction.to_send()
        self._sent += len(messages)
        return messages

    def _conclude(self, now_us: int) -> None:
        for event in self._transaction.events():
            if isinstance(event, TimedOut):
                self.outcome = unanswered(now_us - self._started_us, self._sent)
            elif isinstance(event, sip.SipMessage) and (event.status or 0) >= 200:
                self.outcome = answered(event.status or 0, event.reason, now_us - self._started_us)
