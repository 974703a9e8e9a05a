"""One request until its final answer, with a password where it is asked for (RFC 3261 section 22.2).

No socket, no clock.
"""

from dataclasses import dataclass

from clearline.sensors.probe.digest import Challenge, authorization, challenge_of
from clearline.sensors.probe.message import Request
from clearline.sensors.probe.target import Credentials
from clearline.sensors.probe.transaction import ClientTransaction, TimedOut, Timers, TransportFailed
from clearline.voice.wire import sip

MAX_ATTEMPTS = 4
"""Requests sent before a server that keeps challenging is believed: proxy, server, and one stale nonce each."""

Result = sip.SipMessage | TimedOut | TransportFailed


@dataclass(slots=True)
class Context:
    """What the exchanges of one probe share."""

    credentials: Credentials | None
    reliable: bool
    timers: Timers
    token: str
    """Random hex digits; branches and client nonces are derived from it."""
    branches: int = 0

    def branch(self) -> str:
        """Return a new transaction identifier."""
        self.branches += 1
        return f"z9hG4bK{self.token}{self.branches}"


class Exchange:
    """One request, sent again with credentials as often as the servers on its way ask, until a final answer stands."""

    def __init__(self, request: Request, context: Context, now_us: int) -> None:
        """Start: the request is due to be sent."""
        self.request = request
        """The latest form of the request, with its credentials."""
        self.provisional: list[sip.SipMessage] = []
        """Answers below 200, in order."""
        self.result: Result | None = None
        self._context = context
        self._attempts = 0
        self._challenges: dict[bool, Challenge] = {}
        self._transactions: list[ClientTransaction] = []
        self._begin(now_us)

    def _begin(self, now_us: int) -> None:
        self._attempts += 1
        self._transactions.append(
            ClientTransaction(self.request, reliable=self._context.reliable, now_us=now_us, timers=self._context.timers)
        )

    def receive(self, message: sip.SipMessage, now_us: int) -> bool:
        """Take in an answer; False when it is none to this request.

        Raises:
            SipError: its Via or CSeq cannot be read.
        """
        for transaction in self._transactions:
            if transaction.matches(message):
                transaction.receive(message, now_us)
                self._collect(now_us)
                return True
        return False

    def transport_failed(self, reason: str, now_us: int) -> None:
        """Take in that the transport failed."""
        self._transactions[-1].transport_failed(reason, now_us)
        self._collect(now_us)

    @property
    def next_timer_us(self) -> int | None:
        """When `on_timer` is due."""
        moments = [transaction.next_timer_us for transaction in self._transactions]
        return min((moment for moment in moments if moment is not None), default=None)

    def on_timer(self, now_us: int) -> None:
        """Let due timers fire."""
        for transaction in self._transactions:
            transaction.on_timer(now_us)
        self._collect(now_us)

    def to_send(self) -> list[bytes]:
        """Return what to send now."""
        return [data for transaction in self._transactions for data in transaction.to_send()]

    def _collect(self, now_us: int) -> None:
        for event in [event for transaction in self._transactions for event in transaction.events()]:
            if isinstance(event, sip.SipMessage) and (event.status or 0) < 200:
                self.provisional.append(event)
            elif not (isinstance(event, sip.SipMessage) and self._authenticated(event, now_us)):
                self.result = self.result or event

    def _authenticated(self, response: sip.SipMessage, now_us: int) -> bool:
        """Answer a challenge; False when there is none, or the password was not accepted."""
        credentials = self._context.credentials
        if response.status not in (401, 407) or credentials is None or self._attempts >= MAX_ATTEMPTS:
            return False
        challenge = challenge_of(response)
        if challenge is None or (challenge.proxy in self._challenges and not challenge.stale):
            return False
        self._challenges[challenge.proxy] = challenge
        number = int(self.request.values("cseq")[0].split()[0]) + 1
        self.request = self._signed(number, credentials)
        self._begin(now_us)
        return True

    def _signed(self, number: int, credentials: Credentials) -> Request:
        signed = self.request.with_branch(self._context.branch()).replacing(cseq=f"{number} {self.request.method}")
        for challenge in self._challenges.values():
            name, value = authorization(
                challenge,
                credentials,
                method=signed.method,
                uri=signed.uri,
                cnonce=self._context.token[:16],
                count=1,
            )
            signed = signed.replacing(**{name: value})
        return signed
