"""The reflector's SIP side, without socket or clock (RFC 3261 sections 8.2, 9.2, 13.3, 15.1.2 and 17.2).

Requests outside a call are answered statelessly, so that forged ones cost no memory; a call is kept from its INVITE
to half a minute after
its end, to answer retransmissions.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple, Protocol

from clearline.sensors.probe import dialog, message
from clearline.sensors.probe.target import Credentials
from clearline.sensors.probe.transaction import ClientTransaction, Timers
from clearline.sensors.reflector.calls import Call, CallState
from clearline.sensors.reflector.guard import Guard
from clearline.sensors.reflector.limits import Limits, PerSource, source_of
from clearline.sensors.reflector.offer import answer_sdp, contact, read_offer
from clearline.voice.wire import sip

ALLOW = ("allow", "INVITE, ACK, BYE, CANCEL, OPTIONS")
SDP = ("content-type", "application/sdp")
SERVER = ("server", message.USER_AGENT)


class Hop(NamedTuple):
    """Where a message came from or goes to."""

    host: str
    port: int
    transport: str = "UDP"
    connection: int = 0
    """Of a stream: which; 0 for UDP."""


class MediaPorts(Protocol):
    """The echo side: one port a call."""

    def open(self, hosts: frozenset[str]) -> int | None:
        """Open a port for what comes from these addresses, silent yet; None when there is none left."""
        ...

    def confirm(self, port: int) -> None:
        """Begin to echo there: the caller has acknowledged."""
        ...

    def counts(self, port: int) -> tuple[int, int]:
        """Return how many packets came to a port and how many were sent back; 0, 0 when it is closed."""
        ...

    def close(self, port: int) -> None:
        """Close it."""
        ...


@dataclass(frozen=True, slots=True)
class Settings:
    """How the reflector behaves."""

    limits: Limits = field(default_factory=Limits)
    ring_us: int = 0
    """How long a call rings (180) before it is answered."""
    timers: Timers = field(default_factory=Timers)
    credentials: Credentials | None = None
    """The account that may call; None: anybody may."""


class Endpoint:
    """Drive it with `receive` and `on_timer`; after each, send what `to_send` returns."""

    def __init__(
        self, settings: Settings, media: MediaPorts, own: Callable[[Hop], tuple[str, int]], key: bytes
    ) -> None:
        """Start with no call.

        Args:
            settings: limits, ringing time, timers.
            media: opens the echo ports.
            own: our address and port as the other side of a hop reaches them.
            key: secret of this process, from which tags are derived.
        """
        self._settings = settings
        self._media = media
        self._own = own
        self._key = key
        self._sources = PerSource(settings.limits)
        self._guard = Guard(settings.credentials, key) if settings.credentials else None
        self._calls: dict[tuple[str, str], Call] = {}
        self._byes: list[tuple[ClientTransaction, Hop]] = []
        self._outbox: list[tuple[bytes, Hop]] = []
        self._now_us = 0
        """Of the latest call of `receive` or `on_timer`."""
        self.counted: Counter[str] = Counter()
        """What has happened: requests by method, `malformed`, `limited`, `refused`, `unpaid` (not sent)."""

    @property
    def calls(self) -> int:
        """How many calls are up."""
        return sum(call.is_up for call in self._calls.values())

    def receive(self, data: bytes, hop: Hop, now_us: int) -> None:
        """Take in one datagram, or one message of a stream."""
        if not data.strip(b"\r\n\0"):
            return  # a keep-alive
        self._now_us = now_us
        if not self._sources.allows(hop.host, len(data), now_us):
            self.counted["limited"] += 1
            return
        try:
            self._take(sip.parse(data), hop, now_us)
        except sip.SipError:
            self.counted["malformed"] += 1

    def to_send(self) -> list[tuple[bytes, Hop]]:
        """Return what to send now and where to."""
        due, self._outbox = self._outbox, []
        for bye, hop in self._byes:
            due += [(data, hop) for data in bye.to_send()]
        paid = [(data, hop) for data, hop in due if self._sources.pays(hop.host, len(data), self._now_us)]
        self.counted["unpaid"] += len(due) - len(paid)
        return paid

    @property
    def next_timer_us(self) -> int | None:
        """When `on_timer` is due."""
        moments = [call.due_us for call in self._calls.values()]
        moments += [bye.next_timer_us for bye, _ in self._byes if bye.next_timer_us is not None]
        return min(moments, default=None)

    def on_timer(self, now_us: int) -> None:
        """Let due timers fire."""
        self._now_us = now_us
        for call in [call for call in self._calls.values() if call.due_us <= now_us]:
            self._on_call_timer(call, now_us)
        for bye, _ in self._byes:
            bye.on_timer(now_us)
            bye.events()
        self._byes = [(bye, hop) for bye, hop in self._byes if bye.next_timer_us is not None]

    def _take(self, received: sip.SipMessage, hop: Hop, now_us: int) -> None:
        if received.method is None:
            self._answered(received, now_us)
            return
        if not received.values("via"):
            raise sip.SipError("a request without Via cannot be answered")
        self.counted[
            received.method if received.method in ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS") else "other"
        ] += 1
        if received.method == "ACK":
            self._acknowledged(received, now_us)
        elif not _is_complete(received):
            self._answer(received, 400, hop)
        elif required := received.header("require"):
            self._answer(received, 420, hop, ("unsupported", message.clean(required)))
        else:
            take = {
                "OPTIONS": self._asked,
                "INVITE": self._invited,
                "BYE": self._hung_up,
                "CANCEL": self._cancelled,
            }.get(received.method, self._not_understood)
            take(received, hop, now_us)

    def _answered(self, response: sip.SipMessage, now_us: int) -> None:
        """Take in an answer to one of our BYEs."""
        for bye, _ in self._byes:
            if bye.matches(response):
                bye.receive(response, now_us)

    def _asked(self, options: sip.SipMessage, hop: Hop, _now_us: int) -> None:
        self._answer(options, 200, hop, ALLOW, ("accept", "application/sdp"))

    def _not_understood(self, request: sip.SipMessage, hop: Hop, _now_us: int) -> None:
        self._answer(request, 405, hop, ALLOW)

    # calls -----------------------------------------------------------------

    def _invited(self, invite: sip.SipMessage, hop: Hop, now_us: int) -> None:
        call = self._calls.get(_key(invite))
        if call is not None:
            self._invited_again(call, invite, hop)
        elif sip.address(invite.header("to") or "").tag:
            self._answer(invite, 481, hop)
        elif self._guard is not None and not self._guard.admits(invite, now_us):
            self._answer(invite, 401, hop, *self._guard.challenges(now_us))
        elif (refusal := self._refusal(invite, hop)) is not None:
            self.counted["refused"] += 1
            self._answer(invite, refusal, hop, *([("retry-after", "30")] if refusal == 503 else []))
        else:
            self._accept(invite, hop, now_us)

    def _refusal(self, invite: sip.SipMessage, hop: Hop) -> int | None:
        limits = self._settings.limits
        source = source_of(hop.host)
        theirs = [call for call in self._calls.values() if call.is_up and source_of(call.hop.host) == source]
        if self.calls >= limits.calls:
            return 503
        unacknowledged = sum(call.state is CallState.ANSWERED for call in theirs)
        if len(theirs) >= limits.calls_per_source or unacknowledged >= limits.unacknowledged_per_source:
            return 486
        return 488 if invite.body and read_offer(invite.body) is None else None

    def _accept(self, invite: sip.SipMessage, hop: Hop, now_us: int) -> None:
        if self._guard is not None:
            self._sources.prove(hop.host, now_us)  # it answered a nonce of ours
        to_tag = self._tag(invite)
        ours = dialog.from_request(invite, to_tag)
        audio = read_offer(invite.body) if invite.body else None
        hosts = (audio.hosts if audio else frozenset()) | {hop.host}
        port = self._media.open(hosts)
        if port is None:
            self._answer(invite, 503, hop, ("retry-after", "30"))
            return
        host, sip_port = self._own(hop)
        where = ("contact", contact(host, sip_port, hop.transport))
        ok = self._fitting(invite, 200, hop, where, SDP, ALLOW, body=answer_sdp(audio, host, port), least=2)
        room = self._sources.room(hop.host, now_us)
        if len(ok) > room:
            self._media.close(port)
            self._answer(invite, 488, hop)
            return
        destination = _destination(invite, hop)
        call = Call(_key(invite), invite, hop, destination, ours, to_tag, port, ok, self._settings.timers)
        self._forget_oldest()
        self._calls[call.key] = call
        if self._settings.ring_us:
            ringing = message.answer(invite, 180, source=hop[:2], to_tag=to_tag, headers=(where,))
            call.ring(ringing, now_us + self._settings.ring_us)
            if len(ringing) + len(ok) <= room:  # else what may be sent there is kept for the answer
                self._outbox.append((ringing, destination))
        else:
            self._pick_up(call, now_us)

    def _invited_again(self, call: Call, invite: sip.SipMessage, hop: Hop) -> None:
        """Give a retransmission the last answer again, and a re-INVITE the same session."""
        if invite.cseq[0] == call.invite.cseq[0]:
            self._outbox.append((call.last, call.destination))
        elif call.state is not CallState.CONFIRMED:
            self._answer(invite, 481, hop)
        else:
            host, sip_port = self._own(hop)
            where = ("contact", contact(host, sip_port, hop.transport))
            audio = read_offer(invite.body) if invite.body else None
            self._answer(invite, 200, hop, where, SDP, ALLOW, body=answer_sdp(audio, host, call.port))

    def _pick_up(self, call: Call, now_us: int) -> None:
        call.pick_up(now_us, self._settings.limits.call_us)
        self._outbox.append((call.last, call.destination))

    def _acknowledged(self, ack: sip.SipMessage, now_us: int) -> None:
        """Take in an ACK. Its tag was sent to the caller's address alone: whoever knows it is there."""
        call = self._calls.get(_key(ack))
        if call is None or ack.cseq[0] != call.invite.cseq[0]:
            return
        if sip.address(ack.header("to") or "").tag != call.to_tag:
            return
        self._sources.prove(call.hop.host, now_us)
        if call.state is CallState.ANSWERED:
            self._media.confirm(call.port)
        call.acknowledge()

    def _hung_up(self, bye: sip.SipMessage, hop: Hop, now_us: int) -> None:
        call = self._calls.get(_key(bye))
        if call is None or sip.address(bye.header("to") or "").tag != call.to_tag:
            self._answer(bye, 481, hop)
            return
        received, echoed = self._media.counts(call.port)
        self._answer(bye, 200, hop, ("x-rtp-stat", f"PS={echoed};PR={received}"))
        self._end(call, now_us)

    def _cancelled(self, cancel: sip.SipMessage, hop: Hop, now_us: int) -> None:
        call = self._calls.get(_key(cancel))
        if call is None or sip.via(cancel.values("via")[0]).branch != sip.via(call.invite.values("via")[0]).branch:
            self._answer(cancel, 481, hop)
            return
        self._answer(cancel, 200, hop)
        if call.state is CallState.RINGING:
            call.refuse(message.answer(call.invite, 487, source=call.hop[:2], to_tag=call.to_tag), now_us)
            self._outbox.append((call.last, call.destination))
            self._media.close(call.port)

    def _on_call_timer(self, call: Call, now_us: int) -> None:
        if call.state is CallState.RINGING:
            self._pick_up(call, now_us)
        elif call.state is CallState.ENDED or (call.state is CallState.REFUSED and call.gives_up(now_us)):
            del self._calls[call.key]
        elif call.is_up and call.gives_up(now_us):
            self._say_bye(call, now_us)
            self._end(call, now_us)
        elif call.resend(now_us):
            self._outbox.append((call.last, call.destination))

    def _say_bye(self, call: Call, now_us: int) -> None:
        host, port = self._own(call.hop)
        branch = f"z9hG4bK{self._tag(call.invite)}bye"
        bye = call.dialog.request("BYE", transport=call.hop.transport, host=host, port=port, branch=branch)
        reliable = call.hop.transport != "UDP"
        transaction = ClientTransaction(bye, reliable=reliable, now_us=now_us, timers=self._settings.timers)
        self._byes.append((transaction, call.hop))  # to the hop the call came from, never to an address it names

    def _end(self, call: Call, now_us: int) -> None:
        if call.is_up:
            self._media.close(call.port)
        call.end(now_us)

    def _forget_oldest(self) -> None:
        """Keep at most as many ended calls as there may be calls: under a flood the oldest is forgotten early."""
        ended = [key for key, call in self._calls.items() if not call.is_up]
        for key in ended[: max(0, len(ended) - self._settings.limits.calls + 1)]:
            del self._calls[key]

    # answers ---------------------------------------------------------------

    def _tag(self, request: sip.SipMessage) -> str:
        """The same request gets the same tag each time (8.2.7), without being kept."""
        branch = sip.via(request.values("via")[0]).branch
        named = "\0".join((request.call_id, request.header("from") or "", branch)).encode()
        return blake2b(named, digest_size=8, key=self._key).hexdigest()

    def _answer(
        self, request: sip.SipMessage, status: int, hop: Hop, *headers: tuple[str, str], body: bytes = b""
    ) -> None:
        data = self._fitting(request, status, hop, *headers, body=body, least=0 if not body else len(headers))
        self._outbox.append((data, _destination(request, hop)))

    def _fitting(
        self, request: sip.SipMessage, status: int, hop: Hop, *headers: tuple[str, str], body: bytes = b"", least: int
    ) -> bytes:
        """Make an answer that fits into what may be sent there: of our headers the last go first, to the first few."""
        room = self._sources.room(hop.host, self._now_us)
        kept = [*headers, SERVER]
        while True:
            made = message.answer(
                request, status, source=hop[:2], to_tag=self._tag(request), headers=tuple(kept), body=body
            )
            if len(made) <= room or len(kept) <= least:
                return made
            kept.pop()


def _is_complete(request: sip.SipMessage) -> bool:
    """Whether the headers every request must have are there and agree (8.1.1)."""
    try:
        agrees = request.cseq[1] == request.method
        tagged = bool(sip.address(request.header("from") or "").tag)
        sip.address(request.header("to") or "")
        return agrees and tagged and bool(request.call_id and request.header("to"))
    except sip.SipError:
        return False


def _key(request: sip.SipMessage) -> tuple[str, str]:
    return request.call_id, sip.address(request.header("from") or "").tag


def _destination(request: sip.SipMessage, hop: Hop) -> Hop:
    """Where an answer goes (18.2.2, RFC 3581 section 4): always to the address the request came from."""
    top = sip.via(request.values("via")[0])
    if hop.connection or "rport" in top.params:
        return hop
    return hop._replace(port=top.port or 5060)
