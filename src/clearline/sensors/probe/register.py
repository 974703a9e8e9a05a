"""The REGISTER probe: can this account register? It registers and takes the registration back (RFC 3261 section 10)."""

from clearline.sensors.probe.exchange import Context, Exchange
from clearline.sensors.probe.message import USER_AGENT, Request, bracketed, via_value
from clearline.sensors.probe.options import Local
from clearline.sensors.probe.outcome import Outcome, unanswered, unreachable
from clearline.sensors.probe.target import Target
from clearline.sensors.probe.transaction import TimedOut
from clearline.voice.wire import sip

EXPIRES_S = 60
"""Should the de-registration be lost, the binding is gone after a minute."""

CALL_EXPIRES_S = 300
"""Longer than any call that is made while it lasts."""


def register_request(target: Target, local: Local, token: str) -> Request:
    """Make the first REGISTER of an account.

    Args:
        target: whose URI names the registrar, and the account if it has a user part; of a call that is who is called.
        local: our end.
        token: random hex digits.
    """
    uri = sip.uri(target.uri)
    host = bracketed(uri.host)
    account = target.credentials.user if target.credentials else "probe"
    user = account if target.kind == "call" else uri.user or account
    return Request(
        "REGISTER",
        f"{uri.scheme}:{host}",
        (
            ("via", via_value(local.transport, local.host, local.port, f"z9hG4bK{token}")),
            ("max-forwards", "70"),
            ("from", f"<{uri.scheme}:{user}@{host}>;tag={token[:16]}"),
            ("to", f"<{uri.scheme}:{user}@{host}>"),
            ("call-id", f"{token}@{bracketed(local.host)}"),
            ("cseq", "1 REGISTER"),
            ("contact", local.contact(f"probe-{token[:8]}")),
            ("expires", str(CALL_EXPIRES_S if target.kind == "call" else EXPIRES_S)),
            ("user-agent", USER_AGENT),
        ),
    )


class RegisterProbe:
    """Registers, then de-registers, at once or when it is told to; the outcome is that of the registration."""

    def __init__(
        self, request: Request, context: Context, *, timeout_us: int, now_us: int, stays: bool = False
    ) -> None:
        """Start: the request is due to be sent.

        Args:
            request: from `register_request`.
            context: credentials and timers.
            timeout_us: for the registration; the de-registration gets as much again.
            now_us: the present moment.
            stays: registered, with the outcome there, until `leave`.
        """
        self.outcome: Outcome | None = None
        self._stays = stays
        self._context = context
        self._timeout_us = timeout_us
        self._started_us = now_us
        self._deadline_us = now_us + timeout_us
        self._exchange = Exchange(request, context, now_us)
        self._registered: Outcome | None = None
        """The outcome, once known, while the de-registration runs."""
        self._sent = 0

    def receive(self, data: bytes, now_us: int) -> None:
        """Take in a message; what is no answer to ours is ignored."""
        try:
            self._exchange.receive(sip.parse(data), now_us)
        except sip.SipError:
            return
        self._conclude(now_us)

    def transport_failed(self, reason: str, advice: str, now_us: int) -> None:
        """Take in that the request could not be delivered."""
        self._exchange.transport_failed(reason, now_us)
        self.outcome = self.outcome or self._registered or unreachable(reason, advice)

    @property
    def next_timer_us(self) -> int | None:
        """When `on_timer` is due."""
        timer_us = self._exchange.next_timer_us
        return self._deadline_us if timer_us is None else min(timer_us, self._deadline_us)

    def on_timer(self, now_us: int) -> None:
        """Let due timers fire; at the deadline the outcome is a failure, or the registration's."""
        self._exchange.on_timer(min(now_us, self._deadline_us - 1))
        self._conclude(now_us)
        if self.outcome is None and now_us >= self._deadline_us:
            self.outcome = self._registered or unanswered(self._timeout_us, self._sent)

    def to_send(self) -> list[bytes]:
        """Return what to send now."""
        messages = self._exchange.to_send()
        self._sent += len(messages)
        return messages

    def _conclude(self, now_us: int) -> None:
        result = self._exchange.result
        if result is None or self.outcome is not None:
            return
        if self._registered is not None:
            self.outcome = self._registered
        elif isinstance(result, sip.SipMessage):
            self._judge(result, now_us)
        elif isinstance(result, TimedOut):
            self.outcome = unanswered(now_us - self._started_us, self._sent)

    def _judge(self, response: sip.SipMessage, now_us: int) -> None:
        status, latency_us = response.status or 0, now_us - self._started_us
        said = f"{status} {response.reason}".strip()
        if status >= 300:
            reason, advice = said + _meaning(status, self._context), _advice(status)
            self.outcome = Outcome(False, status, reason, latency_us, advice, try_next=status == 503)
            return
        self._registered = Outcome(True, status, said, latency_us)
        if self._stays:
            self.outcome = self._registered
        else:
            self.leave(now_us)

    def leave(self, now_us: int) -> None:
        """Take the registration back; the outcome is there again once that is answered, or was not in time."""
        self.outcome = None
        self._deadline_us = now_us + self._timeout_us
        registered = self._exchange.request
        number = int(registered.values("cseq")[0].split()[0]) + 1
        again = tuple(item for item in registered.headers if "authorization" not in item[0])
        leaving = Request("REGISTER", registered.uri, again).with_branch(self._context.branch())
        leaving = leaving.replacing(cseq=f"{number} REGISTER", expires="0")
        self._exchange = Exchange(leaving, self._context, now_us)


def _meaning(status: int, context: Context) -> str:
    if status not in (401, 407):
        return ""
    return ": a password is asked for" if context.credentials is None else ": user or password was not accepted"


def _advice(status: int) -> str:
    return "check user, password and realm" if status in (401, 403, 407) else "look at the registrar's own log"
