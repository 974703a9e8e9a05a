"""One call at the reflector: its state and its timers."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from clearline.sensors.probe.dialog import Dialog
from clearline.sensors.probe.transaction import Timers
from clearline.voice.wire import sip

if TYPE_CHECKING:
    from clearline.sensors.reflector.endpoint import Hop


class CallState(Enum):
    """Where a call stands."""

    RINGING = auto()
    ANSWERED = auto()
    """200 was sent and is sent again until its ACK comes (13.3.1.4)."""
    CONFIRMED = auto()
    REFUSED = auto()
    """487 was sent and is sent again until its ACK comes (17.2.1)."""
    ENDED = auto()
    """Kept to answer a retransmitted BYE."""


UP = (CallState.RINGING, CallState.ANSWERED, CallState.CONFIRMED)


@dataclass(slots=True)
class Call:
    """A call from its INVITE until it is forgotten."""

    key: tuple[str, str]
    """Call-ID and the caller's tag."""
    invite: sip.SipMessage
    hop: "Hop"
    """Where the INVITE came from."""
    destination: "Hop"
    """Where its answers go."""
    dialog: Dialog
    to_tag: str
    port: int
    """Of the echo."""
    last: bytes
    """The answer to send for a retransmitted INVITE."""
    timers: Timers
    state: CallState = CallState.ANSWERED
    due_us: int = 0
    """When its next timer fires."""
    _ok: bytes = b""
    _pause_us: int = 0
    _limit_us: int = 0
    """When it is given up: no ACK, or the longest call is reached."""
    _ends_us: int = 0

    @property
    def is_up(self) -> bool:
        """Whether it counts as a call and its echo is open."""
        return self.state in UP

    def ring(self, ringing: bytes, until_us: int) -> None:
        """Ring until then."""
        self.state, self._ok, self.last, self.due_us = CallState.RINGING, self.last, ringing, until_us

    def pick_up(self, now_us: int, longest_us: int) -> None:
        """Answer: the 200 goes out now and again until it is acknowledged."""
        self.state, self.last = CallState.ANSWERED, self._ok or self.last
        self._ends_us = now_us + longest_us
        self._await_ack(now_us)

    def refuse(self, answer: bytes, now_us: int) -> None:
        """Send a final refusal until it is acknowledged."""
        self.state, self.last = CallState.REFUSED, answer
        self._await_ack(now_us)

    def _await_ack(self, now_us: int) -> None:
        self._pause_us = self.timers.t1_us
        self._limit_us = now_us + self.timers.give_up_us
        self.due_us = now_us + self._pause_us

    def acknowledge(self) -> None:
        """The ACK has come."""
        if self.state is CallState.ANSWERED:
            self.state, self.due_us = CallState.CONFIRMED, self._ends_us
            self._limit_us = self._ends_us
        elif self.state is CallState.REFUSED:
            self.state, self.due_us = CallState.ENDED, self._limit_us

    def gives_up(self, now_us: int) -> bool:
        """Whether waiting for the ACK, or the longest call, is over."""
        return now_us >= self._limit_us

    def resend(self, now_us: int) -> bool:
        """Plan the next retransmission, doubling the pause up to T2; True when one is due now."""
        if self.state not in (CallState.ANSWERED, CallState.REFUSED):
            return False
        self._pause_us = min(2 * self._pause_us, self.timers.t2_us)
        self.due_us = min(now_us + self._pause_us, self._limit_us)
        return True

    def end(self, now_us: int) -> None:
        """Hang up; keep the call as long as a BYE may be retransmitted (timer J)."""
        self.state, self.due_us = CallState.ENDED, now_us + self.timers.give_up_us
