"""What one probe found, and which answers count as working, by kind."""

from dataclasses import dataclass

OPTIONS_FAILURES = {
    408: "a proxy speaks for a server that did not answer it",
    430: "the flow to the server is gone",
    480: "a proxy has nobody behind it to pass the request to",
    500: "the server fails",
    502: "the next server behind it fails",
    503: "the server is overloaded or in maintenance",
    504: "the next server behind it did not answer",
}
"""Final answers to OPTIONS that prove a failure, with what each says.

Every other final answer comes from a working SIP server: 401 and 407 ask for a password, 403, 404 and 405 refuse, 483
says the hop count
was used up, 501 that OPTIONS is not implemented, 3xx point elsewhere. Whether a *user* can register or be called is
what the kinds
`register` and `call` ask; for those only the success they are after counts.
"""


CALL_FAILURES = {
    403: ("this account may not call this number", "look whether this account may call this number"),
    404: ("nobody has this number", "correct the number, or register who should answer it"),
    408: ("a proxy found nobody who answers", "look who should answer this number"),
    480: ("nobody is registered under this number", "register who should answer it"),
    486: ("it is busy", "call a number that is always free, or look who holds the line"),
    488: ("the other side speaks no G.711, or only encrypted", "allow PCMU or PCMA for this account"),
    500: ("the server fails", "look at the server's own log"),
    502: ("the next server behind it fails", "look at the gateway behind it"),
    503: ("the server is overloaded, in maintenance, or has no way to this number", "look at the server's own log"),
    504: ("the next server behind it did not answer", "look at the gateway behind it"),
    603: ("the other side declines", "look who should answer this number"),
}
"""What final answers to INVITE say, and what to look at next."""


@dataclass(frozen=True, slots=True)
class MediaFigures:
    """How the audio came back. Unknown is None."""

    sent: int
    """Packets."""
    received: int
    lost: int | None
    """Of those sent and expected back, over both ways together when the other side echoes."""
    jitter_us: int | None
    """RFC 3550's, averaged over the packets."""
    round_trip_us: int | None
    """Mean, from an echo; None when the other side says something of its own."""
    mos_lq_x100: int | None
    """Listening quality of what came back, by the voice engine."""
    digits: str = ""
    """Keys that came back whole, in order (RFC 4733)."""
    silent: bool | None = None
    """Whether nothing can be heard in what came back; None: that is not known."""
    pesq_x100: int | None = None
    """P.862.1 of what came back, against what was said; None: not asked for, or no echo."""

    @property
    def loss_ppm(self) -> int | None:
        """The share of what was sent and expected back that was lost, in parts per million."""
        if self.lost is None or self.lost + self.received == 0:
            return None
        return self.lost * 1_000_000 // (self.lost + self.received)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One probe's result."""

    ok: bool
    code: int | None
    """The final answer's status; None when none came."""
    reason: str
    """In words: the answer's status and phrase, or why there was none."""
    latency_us: int | None
    """From the first transmission to the final answer, of a call to its first ringing or answer (RFC 6076); None:
    none.
    """
    advice: str = ""
    """The next step for the person who reads of the failure."""
    media: MediaFigures | None = None
    """Of a call: how the audio came back."""
    post_dial_delay_us: int | None = None
    """Of a call: from the first INVITE to the first ringing or answer (RFC 6076 section 4.3)."""
    expires_at_us: int | None = None
    """Until when the server's certificate is good, in microseconds since the epoch; None where it showed none."""
    try_next: bool = False
    """Whether a client would now ask the next server (RFC 3263 section 4.3): no answer, no way there, or 503."""
    endpoint: str = ""
    """Which server this is of: `192.0.2.1:5060/udp`."""
    steps: tuple[str, ...] = ()
    """What the DNS said, and which servers were tried before, in order."""


def answered(status: int, phrase: str, latency_us: int) -> Outcome:
    """Judge a final answer to OPTIONS."""
    meaning = OPTIONS_FAILURES.get(status)
    said = f"{status} {phrase}".strip()
    if meaning is None:
        return Outcome(True, status, said, latency_us)
    advice = "look at the server's own log"
    return Outcome(False, status, f"{said}: {meaning}", latency_us, advice, try_next=status == 503)


def refused(status: int, phrase: str, latency_us: int) -> Outcome:
    """Say that a call was refused."""
    meaning, advice = CALL_FAILURES.get(status, ("", "look at the server's own log"))
    said = f"{status} {phrase}".strip()
    reason = f"{said}: {meaning}" if meaning else said
    return Outcome(False, status, reason, latency_us, advice, try_next=status == 503)


def unanswered(timeout_us: int, sent: int) -> Outcome:
    """Say that no final answer came in time."""
    seconds = f"{timeout_us / 1_000_000:g}"
    times = "once" if sent == 1 else f"{sent} times"
    advice = "the server is stopped, frozen or behind a packet filter: see whether it runs and whether others reach it"
    return Outcome(False, None, f"no answer within {seconds} s (sent {times})", None, advice, try_next=True)


def unreachable(reason: str, advice: str) -> Outcome:
    """Say that the request could not be delivered."""
    return Outcome(False, None, reason, None, advice, try_next=True)
