"""The probes of STUN and TURN servers: are we seen, and does the server relay for this account? No socket, no clock."""

from collections.abc import Callable

from clearline.sensors.probe.message import bracketed
from clearline.sensors.probe.outcome import Outcome, unanswered, unreachable
from clearline.sensors.probe.stun import (
    REQUEST,
    SUCCESS,
    Kind,
    Message,
    Method,
    StunError,
    long_term_key,
    parse,
)
from clearline.sensors.probe.target import Credentials

FIRST_PAUSE_US = 500_000
"""Over UDP a request is repeated after this, then after twice as long each time (RFC 8489 section 6.2.1)."""

UDP = b"\x11\0\0\0"
"""REQUESTED-TRANSPORT: datagrams are relayed (RFC 8656 section 18.8)."""

UNAUTHORIZED, STALE = 401, 438

MAX_ATTEMPTS = 3
"""Requests before a server that keeps refusing is believed: without a password, with one, with a new nonce."""

ADVICE = "look at the relay's own log"


class RelayProbe:
    """One Binding, or one Allocate that is given back, until its outcome is known."""

    def __init__(
        self,
        credentials: Credentials | None,
        *,
        relays: bool,
        reliable: bool,
        timeout_us: int,
        now_us: int,
        new_transaction: Callable[[], bytes],
    ) -> None:
        """Start: the request is due to be sent.

        Args:
            credentials: the account, for TURN.
            relays: whether an allocation is asked for (TURN), or only how we are seen (STUN).
            reliable: whether the transport itself retransmits.
            timeout_us: for the answer; giving the allocation back gets as much again.
            now_us: the present moment.
            new_transaction: returns 12 random bytes.
        """
        self.outcome: Outcome | None = None
        self._credentials = credentials
        self._relays = relays
        self._reliable = reliable
        self._timeout_us = timeout_us
        self._started_us = now_us
        self._new_transaction = new_transaction
        self._realm = self._nonce = b""
        self._key: bytes | None = None
        self._attempts = 0
        self._unsigned = 0
        self._sent = 0
        self._gained: Outcome | None = None
        """The outcome, once known, while the allocation is given back."""
        self._ask(Method.ALLOCATE if relays else Method.BINDING, now_us)

    def _ask(self, method: Method, now_us: int) -> None:
        request = Message(method, REQUEST, self._new_transaction())
        if method is Method.ALLOCATE:
            request = request.adding(Kind.REQUESTED_TRANSPORT, UDP)
        if method is Method.REFRESH:
            request = request.adding(Kind.LIFETIME, bytes(4))
        if self._key is not None and self._credentials is not None:
            request = request.adding(Kind.USERNAME, self._credentials.user.encode())
            request = request.adding(Kind.REALM, self._realm).adding(Kind.NONCE, self._nonce)
        self._request = request
        self._attempts += 1
        self._outbox = [request.encode(self._key)]
        self._deadline_us = now_us + self._timeout_us
        self._pause_us = FIRST_PAUSE_US
        self._resend_us = None if self._reliable else now_us + self._pause_us

    def receive(self, data: bytes, now_us: int) -> None:
        """Take in a datagram or a message of the stream; what is no answer to ours is ignored."""
        try:
            answer = parse(data)
        except StunError:
            return
        if answer.transaction != self._request.transaction or answer.cls == REQUEST or self.outcome is not None:
            return
        if answer.cls == SUCCESS and self._key is not None and not answer.is_signed_with(self._key):
            self._unsigned += 1  # forged, or the server does not know the password: as good as none (section 9.2.5)
        elif self._gained is not None:
            self.outcome = self._gained
        elif answer.cls == SUCCESS:
            self._succeeded(answer, now_us)
        else:
            self._refused(answer, now_us)

    def _succeeded(self, answer: Message, now_us: int) -> None:
        latency_us = now_us - self._started_us
        seen, relayed = answer.place(Kind.XOR_MAPPED_ADDRESS), answer.place(Kind.XOR_RELAYED_ADDRESS)
        if seen is None or (self._relays and relayed is None):
            self.outcome = Outcome(False, None, "its answer names no address", latency_us, ADVICE)
            return
        said = f"it sees us as {bracketed(seen[0])}:{seen[1]}"
        if relayed is None:
            self.outcome = Outcome(True, None, said, latency_us)
            return
        open_to_all = "" if self._key else ", without asking for a password"
        said = f"it relays at {bracketed(relayed[0])}:{relayed[1]}{open_to_all}; {said}"
        self._gained = Outcome(True, None, said, latency_us)
        self._ask(Method.REFRESH, now_us)

    def _refused(self, answer: Message, now_us: int) -> None:
        code, reason = answer.error or (None, "an error without a code")
        realm, nonce = answer.get(Kind.REALM), answer.get(Kind.NONCE)
        challenged = code == STALE or (code == UNAUTHORIZED and self._key is None)
        if challenged and self._credentials and realm and nonce and self._attempts < MAX_ATTEMPTS:
            self._realm, self._nonce = realm, nonce
            user, password = self._credentials.user, self._credentials.password
            self._key = long_term_key(user, realm.decode("utf-8", "replace"), password)
            self._ask(Method.ALLOCATE if self._relays else Method.BINDING, now_us)
            return
        said = f"{code} {reason}".strip() if code else reason
        advice = ADVICE
        if code == UNAUTHORIZED:
            said += ": user or password was not accepted" if self._key else ": a password is asked for"
            advice = "check user, password and realm"
        self.outcome = Outcome(False, code, said, now_us - self._started_us, advice)

    def transport_failed(self, reason: str, advice: str, now_us: int) -> None:  # noqa: ARG002  # as machines have it
        """Take in that the request could not be delivered."""
        self.outcome = self.outcome or self._gained or unreachable(reason, advice)

    @property
    def next_timer_us(self) -> int | None:
        """When `on_timer` is due."""
        return self._deadline_us if self._resend_us is None else min(self._resend_us, self._deadline_us)

    def on_timer(self, now_us: int) -> None:
        """Repeat the request; at the deadline the outcome is a failure, or the allocation's."""
        if now_us >= self._deadline_us:
            silence = unanswered(self._timeout_us, self._sent)
            if self._unsigned:
                silence = unreachable(f"{self._unsigned} answers, none signed with the password", "check the password")
            self.outcome = self.outcome or self._gained or silence
        elif self._resend_us is not None and now_us >= self._resend_us:
            self._outbox = [self._request.encode(self._key)]
            self._pause_us *= 2
            self._resend_us = now_us + self._pause_us

    def to_send(self) -> list[bytes]:
        """Return what to send now."""
        outbox, self._outbox = self._outbox, []
        self._sent += len(outbox)
        return outbox
