"""One probe of one target over the network: its servers found, and tried in order until one has the last word."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from clearline.sensors.probe.exchange import Context
from clearline.sensors.probe.framing import Framing, WebSocket, sip_framing, stun_framing
from clearline.sensors.probe.links import Link, LinkError, Place, open_link
from clearline.sensors.probe.locate import (
    Endpoint,
    Located,
    Names,
    UnresolvedError,
    locate,
    locate_host,
    locate_service,
)
from clearline.sensors.probe.names import SystemNames, system_names
from clearline.sensors.probe.options import Local, OptionsProbe, options_request
from clearline.sensors.probe.outcome import Outcome, unreachable
from clearline.sensors.probe.register import RegisterProbe, register_request
from clearline.sensors.probe.relay import RelayProbe
from clearline.sensors.probe.target import PORTS, SCHEMES, Target, server_uri
from clearline.sensors.probe.transaction import Timers
from clearline.voice.wire import sip


class Machine(Protocol):
    """A probe without socket or clock, as a conversation drives it."""

    outcome: Outcome | None

    @property
    def next_timer_us(self) -> int | None:
        """When `on_timer` is due."""
        ...

    def receive(self, data: bytes, now_us: int) -> None:
        """Take in one message."""
        ...

    def transport_failed(self, reason: str, advice: str, now_us: int) -> None:
        """Take in that the transport failed."""
        ...

    def on_timer(self, now_us: int) -> None:
        """Let due timers fire."""
        ...

    def to_send(self) -> list[bytes]:
        """Return what to send now."""
        ...


class Conversation:
    """Carries one machine over one link until it has its outcome."""

    def __init__(self, link: Link, make: Callable[[Local, int], Machine]) -> None:
        """Start: what is due goes out."""
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._machine = make(link.local, self._now_us())
        self.finished: asyncio.Future[Outcome] = self._loop.create_future()
        link.attach(self)
        self._pump()

    def _now_us(self) -> int:
        return int(self._loop.time() * 1_000_000)

    def received(self, data: bytes, source: Place) -> None:  # noqa: ARG002  # there is but one
        """Take in one message of the server."""
        self._step(lambda now_us: self._machine.receive(data, now_us))

    def failed(self, reason: str, advice: str) -> None:
        """Take in that nothing more comes."""
        self._step(lambda now_us: self._machine.transport_failed(reason, advice, now_us))

    def _step(self, step: Callable[[int], None]) -> None:
        """Go on; what breaks is our fault and reaches whoever waits, who else would wait for ever."""
        try:
            step(self._now_us())
            self._pump()
        except Exception as error:  # noqa: BLE001  # the event loop would only log it
            if not self.finished.done():
                self.finished.set_exception(error)

    def _pump(self) -> None:
        for data in self._machine.to_send():
            self._link.send(data)
        if self._timer is not None:
            self._timer.cancel()
        due_us = self._machine.next_timer_us
        if self._machine.outcome is not None:
            if not self.finished.done():
                self.finished.set_result(self._machine.outcome)
        elif due_us is not None:
            self._timer = self._loop.call_at(due_us / 1_000_000 + 1e-6, self._step, self._machine.on_timer)


def machine_of(target: Target, timers: Timers) -> Callable[[Local, int], Machine]:
    """Return what makes the machine of a target's kind, once our end of the connection and the moment are known."""

    def options(local: Local, now_us: int) -> Machine:
        request = options_request(target.uri, local, secrets.token_hex(16))
        reliable, timeout_us = local.reliable, target.timeout_us
        return OptionsProbe(request, reliable=reliable, timeout_us=timeout_us, now_us=now_us, timers=timers)

    def register(local: Local, now_us: int) -> Machine:
        token = secrets.token_hex(16)
        context = Context(target.credentials, local.reliable, timers, token)
        request = register_request(target, local, token)
        return RegisterProbe(request, context, timeout_us=target.timeout_us, now_us=now_us)

    def relay(local: Local, now_us: int) -> Machine:
        return RelayProbe(
            target.credentials,
            relays=target.kind == "turn",
            reliable=local.reliable,
            timeout_us=target.timeout_us,
            now_us=now_us,
            new_transaction=lambda: secrets.token_bytes(12),
        )

    return {"options": options, "register": register, "stun": relay, "turn": relay}[target.kind]


def framing_of(target: Target, endpoint: Endpoint) -> Callable[[], Framing]:
    """Return what makes the framing of a stream to this endpoint."""
    if endpoint.transport in ("WS", "WSS"):
        path = server_uri(target.uri).path if target.kind == "websocket" else target.path
        return lambda: WebSocket(endpoint, path)
    return stun_framing if target.kind in ("stun", "turn") else sip_framing


async def probe_endpoint(target: Target, endpoint: Endpoint, timers: Timers) -> Outcome:
    """Probe one server of a target once."""
    try:
        link = await open_link(
            endpoint,
            framing_of(target, endpoint),
            timeout_us=target.timeout_us,
            ca_file=target.ca_file,
            connected=target.kind != "call",
        )
    except LinkError as error:
        failed = unreachable(error.reason, error.advice)
        return failed if error.certificate is None else replace(failed, expires_at_us=error.certificate.expires_at_us)
    try:
        outcome = await _talk(target, link, timers)
    finally:
        await link.close()
    return outcome if link.certificate is None else replace(outcome, expires_at_us=link.certificate.expires_at_us)


async def _talk(target: Target, link: Link, timers: Timers) -> Outcome:
    if target.kind == "tls":
        shown = "no certificate was shown" if link.certificate is None else f"for {link.certificate.for_whom()}"
        return Outcome(True, None, f"the certificate is accepted, {shown}", link.opened_us)
    if target.kind == "websocket":
        return Outcome(True, 101, "101 Switching Protocols: it speaks SIP over WebSocket", link.opened_us)
    if target.kind == "call":
        from clearline.sensors.probe.call_edge import call_over  # noqa: PLC0415  # it loads the voice engine

        if not target.registers:
            return await call_over(link, target, timers)
        registration = _registration(target, link.local, timers)
        registered = await Conversation(link, lambda *_: registration).finished
        if not registered.ok:
            return replace(registered, reason=f"it cannot register: {registered.reason}")
        try:
            return await call_over(link, target, timers)
        finally:
            registration.leave(int(asyncio.get_running_loop().time() * 1_000_000))
            await Conversation(link, lambda *_: registration).finished
    return await Conversation(link, machine_of(target, timers)).finished


def _registration(target: Target, local: Local, timers: Timers) -> RegisterProbe:
    """The registration that a call's account stays in meanwhile."""
    token = secrets.token_hex(16)
    context = Context(target.credentials, local.reliable, timers, token)
    request = register_request(target, local, token)
    now_us = int(asyncio.get_running_loop().time() * 1_000_000)
    return RegisterProbe(request, context, timeout_us=target.timeout_us, now_us=now_us, stays=True)


async def find(target: Target, names: Names, located: Located) -> None:
    """Find a target's servers, by the rules of its scheme."""
    if "sip" in SCHEMES[target.kind]:
        await locate(sip.uri(target.uri), names, located=located)
        return
    read = server_uri(target.uri)
    if read.service is not None:
        await locate_service(read.host, read.service, read.transport, names, located)
    if not located.endpoints:
        await locate_host(read.host, read.port or PORTS[read.scheme], read.transport, names, located)


def names_of(target: Target) -> Names:
    """Return whom to ask for a target's names.

    Raises:
        UnresolvedError: this host has no name server, and the target names none.
    """
    if target.name_server is None and target.kind != "dns":
        return system_names()
    return SystemNames(target.name_server, patience_s=target.timeout_us / 2_000_000)


async def probe_target(target: Target, *, timers: Timers | None = None) -> Outcome:
    """Probe one target once, over real sockets. Never raises for what the target or the network does."""
    located = Located()
    loop = asyncio.get_running_loop()
    started = loop.time()
    try:
        async with asyncio.timeout(target.timeout_us / 1_000_000):
            await find(target, names_of(target), located)
    except UnresolvedError as error:
        return replace(unreachable(error.reason, error.advice), steps=tuple(located.steps))
    except sip.SipError as error:
        return unreachable(str(error), "correct the target's URI")
    except TimeoutError:
        last = located.steps[-1] if located.steps else target.uri
        said = f"the name in {target.uri} was not resolved in time ({last})"
        return replace(unreachable(said, "check this host's name server"), steps=tuple(located.steps))
    if target.kind == "dns":
        places = ", ".join(map(str, located.endpoints))
        return Outcome(True, None, places, int((loop.time() - started) * 1_000_000), steps=tuple(located.steps))
    return await _in_turn(target, located.endpoints, timers or Timers(), located.steps)


async def _in_turn(target: Target, endpoints: Sequence[Endpoint], timers: Timers, steps: Sequence[str]) -> Outcome:
    """Try one server after the other, as a client must while there is no answer or a 503 (RFC 3263 section 4.3)."""
    tried: list[str] = []
    outcome = unreachable("no server was found", "correct the target's URI")
    for endpoint in endpoints:
        outcome = replace(await probe_endpoint(target, endpoint, timers), endpoint=str(endpoint))
        if not outcome.try_next:
            break
        tried.append(outcome.reason if str(endpoint) in outcome.reason else f"{endpoint}: {outcome.reason}")
    reason = outcome.reason
    if outcome.ok and tried:
        reason = f"{reason} from {outcome.endpoint}, after {'; '.join(tried)}"
    elif len(tried) > 1:
        reason = f"none of {len(tried)} servers serves: {'; '.join(tried)}"
    return replace(outcome, reason=reason, steps=(*steps, *tried))
