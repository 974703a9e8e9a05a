"""The sockets of the probes: the only file here that knows the event loop and the network."""

import asyncio
import secrets
import ssl
from collections.abc import Callable
from typing import Protocol

from clearline.sensors.probe.exchange import Context
from clearline.sensors.probe.options import Local, OptionsProbe, options_request
from clearline.sensors.probe.outcome import Outcome, unreachable
from clearline.sensors.probe.register import RegisterProbe, register_request
from clearline.sensors.probe.resolve import Endpoint, UnresolvedError, resolve
from clearline.sensors.probe.target import Target
from clearline.sensors.probe.transaction import Timers
from clearline.voice.wire import sip


class Machine(Protocol):
    """A probe without socket or clock, as the edge drives it."""

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


class _Driver(asyncio.BaseProtocol):
    """Carries one machine over one connection until it has its outcome."""

    def __init__(self, make: Callable[[Local, int], Machine], endpoint: Endpoint) -> None:
        self._make = make
        self._endpoint = endpoint
        self._loop = asyncio.get_running_loop()
        self.finished: asyncio.Future[Outcome] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._machine: Machine
        self._send: Callable[[bytes], None]

    def _now_us(self) -> int:
        return int(self._loop.time() * 1_000_000)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._send = transport.sendto if self._endpoint.transport == "UDP" else transport.write  # type: ignore[attr-defined]  # as asyncio promises
        host, port = transport.get_extra_info("sockname")[:2]
        try:
            self._machine = self._make(Local(self._endpoint.transport, host, port), self._now_us())
        except Exception as error:  # noqa: BLE001  # asyncio would only log it, and whoever waits would wait for ever
            self.finished.set_exception(error)
            return
        self._pump()

    def _take(self, data: bytes) -> None:
        self._machine.receive(data, self._now_us())
        self._pump()

    def _fail(self, reason: str, advice: str) -> None:
        self._machine.transport_failed(reason, advice, self._now_us())
        self._pump()

    def _on_timer(self) -> None:
        self._machine.on_timer(self._now_us())
        self._pump()

    def _pump(self) -> None:
        for data in self._machine.to_send():
            self._send(data)
        if self._timer is not None:
            self._timer.cancel()
        due_us = self._machine.next_timer_us
        if self._machine.outcome is not None:
            if not self.finished.done():
                self.finished.set_result(self._machine.outcome)
        elif due_us is not None:
            self._timer = self._loop.call_at(due_us / 1_000_000 + 1e-6, self._on_timer)


class _Datagrams(_Driver, asyncio.DatagramProtocol):
    """Over a connected UDP socket: the kernel reports ICMP errors to it."""

    def datagram_received(self, data: bytes, addr: tuple[object, ...]) -> None:  # noqa: ARG002  # the socket is connected
        self._take(data)

    def error_received(self, exc: Exception) -> None:
        if isinstance(exc, OSError):
            self._fail(*explain(exc, self._endpoint))


class _Stream(_Driver, asyncio.Protocol):
    """Over TCP or TLS: messages are cut out of the stream."""

    _buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            while True:
                message, self._buffer = sip.frame(self._buffer)
                if message is None:
                    return
                self._take(message)
        except sip.SipError as error:
            self._fail(f"{self._endpoint} sends no SIP: {error}", "check that the port is a SIP server's")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # however it was lost
        self._fail(f"{self._endpoint} closed the connection without an answer", "look at the server's own log")


def explain(error: OSError, endpoint: Endpoint) -> tuple[str, str]:
    """Say in words what the kernel or TLS reports of a destination, and what to look at next."""
    if isinstance(error, ssl.SSLCertVerificationError):
        said = f"the certificate of {endpoint} is not accepted: {error.verify_message}"
        return said, f"look at it with: openssl s_client -connect {endpoint.address}:{endpoint.port} -showcerts"
    if isinstance(error, ssl.SSLError):
        return f"no TLS with {endpoint}: {error.reason or error}", "check that the port speaks TLS 1.2 or newer"
    if isinstance(error, ConnectionRefusedError):
        said = "ICMP port unreachable" if endpoint.transport == "UDP" else "connection reset"
        return f"refused: nothing listens on {endpoint} ({said})", "start the server, or correct host and port"
    return f"{endpoint} cannot be reached: {error.strerror or error}", "check the route and the address from this host"


async def _connect(
    endpoint: Endpoint, make: Callable[[Local, int], Machine], ca_file: str | None
) -> tuple[asyncio.BaseTransport, _Driver]:
    loop = asyncio.get_running_loop()
    if endpoint.transport == "UDP":
        where = (endpoint.address, endpoint.port)
        return await loop.create_datagram_endpoint(lambda: _Datagrams(make, endpoint), remote_addr=where)
    context = None
    if endpoint.transport == "TLS":
        context = await asyncio.to_thread(ssl.create_default_context, cafile=ca_file)
    return await loop.create_connection(
        lambda: _Stream(make, endpoint),
        endpoint.address,
        endpoint.port,
        ssl=context,
        server_hostname=endpoint.name if context else None,
    )


async def converse(
    endpoint: Endpoint, make: Callable[[Local, int], Machine], *, timeout_us: int, ca_file: str | None = None
) -> Outcome:
    """Run one machine against one endpoint.

    Args:
        endpoint: where to.
        make: makes the machine, once our end of the connection and the moment are known.
        timeout_us: for the connection alone; the machine has its own deadline.
        ca_file: certificates to trust instead of the system's.
    """
    try:
        async with asyncio.timeout(timeout_us / 1_000_000):
            transport, driver = await _connect(endpoint, make, ca_file)
    except TimeoutError:
        advice = "look whether a packet filter drops, and whether others reach it"
        return unreachable(f"no connection to {endpoint} within {timeout_us / 1_000_000:g} s", advice)
    except OSError as error:
        return unreachable(*explain(error, endpoint))
    try:
        return await driver.finished
    finally:
        transport.close()


def machine_of(target: Target, timers: Timers) -> Callable[[Local, int], Machine]:
    """Return what makes the machine of a target's kind."""

    def options(local: Local, now_us: int) -> Machine:
        request = options_request(target.uri, local, secrets.token_hex(16))
        reliable, timeout_us = local.reliable, target.timeout_us
        return OptionsProbe(request, reliable=reliable, timeout_us=timeout_us, now_us=now_us, timers=timers)

    def register(local: Local, now_us: int) -> Machine:
        token = secrets.token_hex(16)
        context = Context(target.credentials, local.reliable, timers, token)
        request = register_request(target, local, token)
        return RegisterProbe(request, context, timeout_us=target.timeout_us, now_us=now_us)

    return {"options": options, "register": register}[target.kind]


async def probe_target(target: Target, *, timers: Timers | None = None) -> Outcome:
    """Probe one target once, over real sockets. Never raises for what the target or the network does."""
    try:
        async with asyncio.timeout(target.timeout_us / 1_000_000):
            endpoint = await resolve(target.uri)
    except UnresolvedError as error:
        return unreachable(error.reason, error.advice)
    except sip.SipError as error:
        return unreachable(str(error), "correct the target's URI")
    except TimeoutError:
        return unreachable(f"the name in {target.uri} was not resolved in time", "check this host's name server")
    timers = timers or Timers()
    if target.kind == "call":
        from clearline.sensors.probe.call_edge import call_target  # noqa: PLC0415  # it loads the voice engine

        return await call_target(target, endpoint, timers)
    make = machine_of(target, timers)
    return await converse(endpoint, make, timeout_us=target.timeout_us, ca_file=target.ca_file)
