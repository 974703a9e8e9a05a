"""The sockets of the probes: the only file here that knows the event loop and the network."""

import asyncio
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from clearline.sensors.probe.options import Local, OptionsProbe, options_request
from clearline.sensors.probe.outcome import Outcome, unreachable
from clearline.sensors.probe.target import Target
from clearline.sensors.probe.transaction import Timers
from clearline.voice.wire import sip

DEFAULT_PORT = {"UDP": 5060, "TCP": 5060, "TLS": 5061}
"""RFC 3261 section 19.1.2."""


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


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a probe goes."""

    transport: str
    address: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}/{self.transport.lower()}"


class UnresolvedError(Exception):
    """The target's name has no address."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice


async def resolve(uri_text: str) -> Endpoint:
    """Find where a URI's server is: its address, or the first address of its name.

    Raises:
        UnresolvedError: the name does not resolve.
        SipError: it is no SIP URI.
    """
    uri = sip.uri(uri_text)
    transport = uri.params.get("transport", "tls" if uri.scheme == "sips" else "udp").upper()
    if transport == "TCP" and uri.scheme == "sips":
        transport = "TLS"
    if transport not in DEFAULT_PORT:
        raise UnresolvedError(f"transport {transport} is not one of udp, tcp, tls", "write ;transport=udp, tcp or tls")
    port = uri.port or DEFAULT_PORT[transport]
    kind = socket.SOCK_DGRAM if transport == "UDP" else socket.SOCK_STREAM
    try:
        found = await asyncio.get_running_loop().getaddrinfo(uri.host, port, type=kind)
    except (socket.gaierror, UnicodeError) as error:
        said = error.strerror if isinstance(error, socket.gaierror) else "no possible name"
        raise UnresolvedError(
            f"the name {uri.host} does not resolve: {said}", f"check the name with: getent hosts {uri.host}"
        ) from error
    return Endpoint(transport, str(found[0][4][0]), port)


class _Driver(asyncio.DatagramProtocol):
    """Carries one machine over one connected UDP socket until it has its outcome."""

    def __init__(self, make: Callable[[Local, int], Machine], endpoint: Endpoint) -> None:
        self._make = make
        self._endpoint = endpoint
        self._loop = asyncio.get_running_loop()
        self.finished: asyncio.Future[Outcome] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._machine: Machine
        self._transport: asyncio.DatagramTransport

    def _now_us(self) -> int:
        return int(self._loop.time() * 1_000_000)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # asyncio promises a datagram transport
        host, port = transport.get_extra_info("sockname")[:2]
        self._machine = self._make(Local(self._endpoint.transport, host, port), self._now_us())
        self._pump()

    def datagram_received(self, data: bytes, addr: tuple[object, ...]) -> None:  # noqa: ARG002  # the socket is connected
        self._machine.receive(data, self._now_us())
        self._pump()

    def error_received(self, exc: OSError) -> None:  # type: ignore[override]  # what the kernel reports is an OSError
        self._machine.transport_failed(*explain(exc, self._endpoint), self._now_us())
        self._pump()

    def _on_timer(self) -> None:
        self._machine.on_timer(self._now_us())
        self._pump()

    def _pump(self) -> None:
        for data in self._machine.to_send():
            self._transport.sendto(data)
        if self._timer is not None:
            self._timer.cancel()
        due_us = self._machine.next_timer_us
        if self._machine.outcome is not None:
            if not self.finished.done():
                self.finished.set_result(self._machine.outcome)
        elif due_us is not None:
            self._timer = self._loop.call_at(due_us / 1_000_000 + 1e-6, self._on_timer)


def explain(error: OSError, endpoint: Endpoint) -> tuple[str, str]:
    """Say in words what the kernel reports of a destination, and what to look at next."""
    if isinstance(error, ConnectionRefusedError):
        said = "ICMP port unreachable" if endpoint.transport == "UDP" else "connection reset"
        return f"refused: nothing listens on {endpoint} ({said})", "start the server, or correct host and port"
    return f"{endpoint} cannot be reached: {error.strerror or error}", "check the route and the address from this host"


async def converse(endpoint: Endpoint, make: Callable[[Local, int], Machine]) -> Outcome:
    """Run one machine against one endpoint.

    Args:
        endpoint: where to.
        make: makes the machine, once our end of the connection and the moment are known.
    """
    try:
        transport, driver = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Driver(make, endpoint), remote_addr=(endpoint.address, endpoint.port)
        )
    except OSError as error:
        return unreachable(*explain(error, endpoint))
    try:
        return await driver.finished
    finally:
        transport.close()


async def probe_target(target: Target, *, timers: Timers | None = None) -> Outcome:
    """Probe one target once, over real sockets. Never raises for what the target or the network does."""
    try:
        endpoint = await asyncio.wait_for(resolve(target.uri), target.timeout_us / 1_000_000)
    except UnresolvedError as error:
        return unreachable(error.reason, error.advice)
    except sip.SipError as error:
        return unreachable(str(error), "correct the target's URI")
    except TimeoutError:
        return unreachable(f"the name in {target.uri} was not resolved in time", "check this host's name server")

    def make(local: Local, now_us: int) -> OptionsProbe:
        return OptionsProbe(
            options_request(target.uri, local, secrets.token_hex(16)),
            reliable=local.reliable,
            timeout_us=target.timeout_us,
            now_us=now_us,
            timers=timers or Timers(),
        )

    return await converse(endpoint, make)
