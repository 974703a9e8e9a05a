"""SIP client transactions without socket or clock (RFC 3261 section 17.1, RFC 6026 for the Accepted state).

The two tables are the specification: state and event give the next state and what to do. An event that a state does
not list changes nothing. Moments are microseconds of whatever clock the driver counts on.
"""

from dataclasses import dataclass
from enum import Enum, auto

from clearline.sensors.probe.message import Request, acknowledgement
from clearline.voice.wire.sip import SipMessage, via


class State(Enum):
    """Where a transaction stands."""

    CALLING = auto()
    TRYING = auto()
    PROCEEDING = auto()
    ACCEPTED = auto()
    COMPLETED = auto()
    TERMINATED = auto()


class Event(Enum):
    """What can happen to a transaction."""

    PROVISIONAL = auto()
    SUCCESS = auto()
    FAILURE = auto()
    """A final answer above 299."""
    RESEND_DUE = auto()
    """Timer A of INVITE, E of the others."""
    GIVE_UP_DUE = auto()
    """Timer B of INVITE, F of the others."""
    LINGER_DUE = auto()
    """Timers D and M of INVITE, K of the others: late retransmissions have been absorbed."""
    TRANSPORT_FAILED = auto()


class Action(Enum):
    """What a step of the table asks for."""

    SEND = auto()
    ACK = auto()
    REPORT = auto()
    """Pass the answer on to whoever made the transaction."""
    TIME_OUT = auto()
    FAIL = auto()


Table = dict[tuple[State, Event], tuple[State, tuple[Action, ...]]]

INVITE_TABLE: Table = {
    (State.CALLING, Event.RESEND_DUE): (State.CALLING, (Action.SEND,)),
    (State.CALLING, Event.GIVE_UP_DUE): (State.TERMINATED, (Action.TIME_OUT,)),
    (State.CALLING, Event.TRANSPORT_FAILED): (State.TERMINATED, (Action.FAIL,)),
    (State.CALLING, Event.PROVISIONAL): (State.PROCEEDING, (Action.REPORT,)),
    (State.CALLING, Event.SUCCESS): (State.ACCEPTED, (Action.REPORT,)),
    (State.CALLING, Event.FAILURE): (State.COMPLETED, (Action.ACK, Action.REPORT)),
    (State.PROCEEDING, Event.PROVISIONAL): (State.PROCEEDING, (Action.REPORT,)),
    (State.PROCEEDING, Event.SUCCESS): (State.ACCEPTED, (Action.REPORT,)),
    (State.PROCEEDING, Event.FAILURE): (State.COMPLETED, (Action.ACK, Action.REPORT)),
    (State.PROCEEDING, Event.TRANSPORT_FAILED): (State.TERMINATED, (Action.FAIL,)),
    (State.ACCEPTED, Event.SUCCESS): (State.ACCEPTED, (Action.REPORT,)),
    (State.ACCEPTED, Event.LINGER_DUE): (State.TERMINATED, ()),
    (State.COMPLETED, Event.FAILURE): (State.COMPLETED, (Action.ACK,)),
    (State.COMPLETED, Event.TRANSPORT_FAILED): (State.TERMINATED, (Action.FAIL,)),
    (State.COMPLETED, Event.LINGER_DUE): (State.TERMINATED, ()),
}
"""RFC 3261 figure 5 with RFC 6026 section 7.2."""

OTHER_TABLE: Table = {
    (State.TRYING, Event.RESEND_DUE): (State.TRYING, (Action.SEND,)),
    (State.TRYING, Event.GIVE_UP_DUE): (State.TERMINATED, (Action.TIME_OUT,)),
    (State.TRYING, Event.TRANSPORT_FAILED): (State.TERMINATED, (Action.FAIL,)),
    (State.TRYING, Event.PROVISIONAL): (State.PROCEEDING, (Action.REPORT,)),
    (State.TRYING, Event.SUCCESS): (State.COMPLETED, (Action.REPORT,)),
    (State.TRYING, Event.FAILURE): (State.COMPLETED, (Action.REPORT,)),
    (State.PROCEEDING, Event.RESEND_DUE): (State.PROCEEDING, (Action.SEND,)),
    (State.PROCEEDING, Event.GIVE_UP_DUE): (State.TERMINATED, (Action.TIME_OUT,)),
    (State.PROCEEDING, Event.TRANSPORT_FAILED): (State.TERMINATED, (Action.FAIL,)),
    (State.PROCEEDING, Event.PROVISIONAL): (State.PROCEEDING, (Action.REPORT,)),
    (State.PROCEEDING, Event.SUCCESS): (State.COMPLETED, (Action.REPORT,)),
    (State.PROCEEDING, Event.FAILURE): (State.COMPLETED, (Action.REPORT,)),
    (State.COMPLETED, Event.LINGER_DUE): (State.TERMINATED, ()),
}
"""RFC 3261 figure 6."""


@dataclass(frozen=True, slots=True)
class Timers:
    """RFC 3261 section 17.1.1.1 and table 4."""

    t1_us: int = 500_000
    """Estimate of the round trip."""
    t2_us: int = 4_000_000
    """Longest pause between retransmissions of anything but INVITE."""
    t4_us: int = 5_000_000
    """Longest time a message stays in the network."""

    @property
    def give_up_us(self) -> int:
        """Timers B and F."""
        return 64 * self.t1_us


class TimedOut:
    """Event: no (final) answer came before timer B or F."""


@dataclass(frozen=True, slots=True)
class TransportFailed:
    """Event: the request could not be delivered."""

    reason: str


class ClientTransaction:
    """One request on its way to its final answer.

    Drive it with `receive`, `transport_failed` and `on_timer`; after each, send what `to_send` returns, read
    `events`, and call
    `on_timer` again at `next_timer_us`.
    """

    def __init__(self, request: Request, *, reliable: bool, now_us: int, timers: Timers) -> None:
        """Start the transaction: the request is due to be sent.

        Args:
            request: with the Via this transaction is known by.
            reliable: whether the transport delivers (TCP, TLS): then nothing is retransmitted.
            now_us: the present moment.
            timers: T1, T2 and T4.
        """
        self.request = request
        self.is_invite = request.method == "INVITE"
        self.state = State.CALLING if self.is_invite else State.TRYING
        self._table = INVITE_TABLE if self.is_invite else OTHER_TABLE
        self._timers = timers
        self._reliable = reliable
        self._resend_pause_us = timers.t1_us
        self._due: dict[Event, int] = {Event.GIVE_UP_DUE: now_us + timers.give_up_us}
        if not reliable:
            self._due[Event.RESEND_DUE] = now_us + timers.t1_us
        self._outbox = [request.encode()]
        self._events: list[SipMessage | TimedOut | TransportFailed] = []

    def matches(self, response: SipMessage) -> bool:
        """Whether an answer belongs to this transaction: its branch and method (RFC 3261 section 17.1.3).

        Raises:
            SipError: its Via or CSeq cannot be read.
        """
        vias = response.values("via")
        return bool(vias) and via(vias[0]).branch == self.request.branch and response.cseq[1] == self.request.method

    def receive(self, response: SipMessage, now_us: int) -> None:
        """Take in an answer that `matches`."""
        status = response.status or 0
        event = Event.PROVISIONAL if status < 200 else Event.SUCCESS if status < 300 else Event.FAILURE
        self._step(event, now_us, response)

    def transport_failed(self, reason: str, now_us: int) -> None:
        """Take in that the transport could not deliver, and why."""
        self._step(Event.TRANSPORT_FAILED, now_us, reason=reason)

    @property
    def next_timer_us(self) -> int | None:
        """When `on_timer` is to be called next; None when the transaction has ended."""
        return min(self._due.values(), default=None)

    def on_timer(self, now_us: int) -> None:
        """Let the timers that are due fire, in the order they became due."""
        while self._due:
            event, due_us = min(self._due.items(), key=lambda item: item[1])
            if due_us > now_us:
                return
            del self._due[event]
            self._step(event, due_us)

    def to_send(self) -> list[bytes]:
        """Return the messages to send now, and forget them."""
        outbox, self._outbox = self._outbox, []
        return outbox

    def events(self) -> list[SipMessage | TimedOut | TransportFailed]:
        """Return what has happened since the last call."""
        events, self._events = self._events, []
        return events

    def _step(self, event: Event, now_us: int, response: SipMessage | None = None, reason: str = "") -> None:
        step = self._table.get((self.state, event))
        if step is None:
            return
        before, (self.state, actions) = self.state, step
        for action in actions:
            self._act(action, response, reason)
        if event is Event.RESEND_DUE:
            self._resend_again(now_us)
        if self.state is not before:
            self._enter(now_us)

    def _act(self, action: Action, response: SipMessage | None, reason: str) -> None:
        if action is Action.SEND:
            self._outbox.append(self.request.encode())
        elif action is Action.ACK and response is not None:
            self._outbox.append(acknowledgement(self.request, response).encode())
        elif action is Action.REPORT and response is not None:
            self._events.append(response)
        elif action is Action.TIME_OUT:
            self._events.append(TimedOut())
        elif action is Action.FAIL:
            self._events.append(TransportFailed(reason))

    def _resend_again(self, now_us: int) -> None:
        """Timer A doubles without bound; E doubles up to T2 and is T2 once a provisional answer came (17.1.2.2)."""
        self._resend_pause_us *= 2
        if not self.is_invite:
            longest = self._timers.t2_us
            self._resend_pause_us = longest if self.state is State.PROCEEDING else min(self._resend_pause_us, longest)
        self._due[Event.RESEND_DUE] = now_us + self._resend_pause_us

    def _enter(self, now_us: int) -> None:
        """Set the timers of the state just entered."""
        if self.state is State.PROCEEDING:
            if self.is_invite:  # ringing may last: how long is the caller's business (17.1.1.2)
                self._due.clear()
            return
        self._due.clear()
        if self.state is State.ACCEPTED:
            self._due[Event.LINGER_DUE] = now_us + self._timers.give_up_us  # M
        elif self.state is State.COMPLETED:
            linger_us = 0 if self._reliable else 64 * self._timers.t1_us if self.is_invite else self._timers.t4_us
            self._due[Event.LINGER_DUE] = now_us + linger_us  # D, at least 32 s, or K
