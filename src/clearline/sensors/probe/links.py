"""Open ways to a server: whole messages in and out, whatever carries them.

This file opens the sockets of the probes' signalling; `call_edge` opens those of the audio.
"""

import asyncio
import socket
import ssl
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from clearline.sensors.probe.certificate import Certificate, certificate_of, shown_by
from clearline.sensors.probe.explain import Explained, explain, explain_certificate
from clearline.sensors.probe.framing import Framing, FramingError
from clearline.sensors.probe.locate import SECURE, Endpoint
from clearline.sensors.probe.options import Local

Place = tuple[str, int]
"""Address and port."""

IP_RECVERR, IPV6_RECVERR = 11, 25
"""Linux, ip(7) and ipv6(7): errors reach sockets that are not connected, too. Python has no names for them."""


GOODBYE_S = 0.5
"""Waited for the other side to close a connection, too."""


class LinkError(Exception):
    """No way could be opened."""

    def __init__(self, explained: Explained, certificate: Certificate | None = None) -> None:
        super().__init__(explained[0])
        self.reason, self.advice = explained
        self.certificate = certificate
        """What the server showed, where that is why."""


class Listener(Protocol):
    """Whoever talks over a link."""

    def received(self, data: bytes, source: Place) -> None:
        """Take in one message."""
        ...

    def failed(self, reason: str, advice: str) -> None:
        """Take in that nothing more comes, and why."""
        ...


class Link(Protocol):
    """An open way to one server."""

    local: Local
    server: Place
    certificate: Certificate | None
    opened_us: int
    """How long it took to open, handshakes included."""

    def attach(self, listener: Listener) -> None:
        """Name who listens; what has come before is given at once."""
        ...

    def send(self, data: bytes, hop: Place | None = None) -> None:
        """Send one message: to the server, or over UDP to another place."""
        ...

    async def close(self) -> None:
        """End it."""
        ...


class _Heard:
    """Keeps what comes until somebody listens."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.server: Place = (endpoint.address, endpoint.port)
        self.certificate: Certificate | None = None
        self.opened_us = 0
        self.local: Local
        self._listener: Listener | None = None
        self._early: list[Callable[[Listener], None]] = []

    def attach(self, listener: Listener) -> None:
        self._listener = listener
        for tell in self._early:
            tell(listener)
        self._early.clear()

    def _tell(self, tell: Callable[[Listener], None]) -> None:
        if self._listener is None:
            self._early.append(tell)
        else:
            tell(self._listener)

    def _failed(self, explained: Explained) -> None:
        self._tell(lambda listener: listener.failed(*explained))


class _Datagrams(_Heard, asyncio.DatagramProtocol):
    """Over UDP. Connected to the server, or free to send elsewhere, as calls through proxies need."""

    def __init__(self, endpoint: Endpoint, *, connected: bool) -> None:
        super().__init__(endpoint)
        self._connected = connected
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # asyncio promises a datagram transport
        host, port = transport.get_extra_info("sockname")[:2]
        self.local = Local("UDP", host, port)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._tell(lambda listener: listener.received(data, addr[:2]))

    def error_received(self, exc: Exception) -> None:
        if isinstance(exc, OSError) and (self._connected or isinstance(exc, ConnectionRefusedError)):
            self._failed(explain(exc, self.endpoint))

    def send(self, data: bytes, hop: Place | None = None) -> None:
        if self._connected:
            self._transport.sendto(data)
        else:
            self._transport.sendto(data, hop or self.server)

    async def close(self) -> None:
        self._transport.close()


class _Stream(_Heard, asyncio.Protocol):
    """Over TCP, TLS or a WebSocket: messages are cut out of the stream."""

    def __init__(self, endpoint: Endpoint, framing: Framing) -> None:
        super().__init__(endpoint)
        self._framing = framing
        self._transport: asyncio.Transport
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done once messages can be sent."""
        self._lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # asyncio promises a stream transport
        host, port = transport.get_extra_info("sockname")[:2]
        self.local = Local(self.endpoint.transport, host, port)
        self.certificate = certificate_of(transport.get_extra_info("ssl_object"))
        self._write(self._framing.to_send())
        self._look_whether_ready()

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._framing.receive(data):
                self._tell(lambda listener, message=message: listener.received(message, self.server))  # type: ignore[misc]
        except FramingError as error:
            self._failed((f"{self.endpoint} {error}", error.advice))
            self._transport.abort()
            return
        self._write(self._framing.to_send())
        self._look_whether_ready()

    def _look_whether_ready(self) -> None:
        if self._framing.ready and not self.ready.done():
            self.ready.set_result(None)

    def _failed(self, explained: Explained) -> None:
        if not self.ready.done():
            self.ready.set_exception(LinkError(explained, self.certificate))
        super()._failed(explained)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # however it was lost
        said = f"{self.endpoint} closed the connection without an answer"
        self._failed((said, "look at the server's own log"))
        self._lost.set()

    def send(self, data: bytes, hop: Place | None = None) -> None:  # noqa: ARG002  # one connection carries all
        self._write(self._framing.wrap(data))

    def _write(self, data: bytes) -> None:
        if data:
            self._transport.write(data)

    async def close(self) -> None:
        """Say goodbye, as TLS asks, and wait a moment for the other side's."""
        self._transport.close()
        try:
            async with asyncio.timeout(GOODBYE_S):
                await self._lost.wait()
        except TimeoutError:
            self._transport.abort()


async def open_link(
    endpoint: Endpoint,
    framing: Callable[[], Framing],
    *,
    timeout_us: int,
    ca_file: str | None = None,
    connected: bool = True,
) -> Link:
    """Open a way to a server.

    Args:
        endpoint: where to.
        framing: makes what cuts messages out of a stream.
        timeout_us: for the connection, with the handshakes of TLS and WebSocket.
        ca_file: certificates to trust instead of the system's.
        connected: over UDP: whether only this server is spoken to.

    Raises:
        LinkError: it cannot be opened, and why.
    """
    try:
        async with asyncio.timeout(timeout_us / 1_000_000):
            if endpoint.transport == "UDP":
                return await _open_datagrams(endpoint, connected=connected)
            return await _open_stream(endpoint, framing(), ca_file)
    except TimeoutError:
        said = f"no connection to {endpoint} within {timeout_us / 1_000_000:g} s"
        raise LinkError((said, "look whether a packet filter drops, and whether others reach it")) from None
    except ssl.SSLCertVerificationError as error:
        certificate = await _look(endpoint, timeout_us)
        raise LinkError(explain_certificate(error, endpoint, certificate), certificate) from error
    except OSError as error:
        raise LinkError(explain(error, endpoint)) from error


async def _open_datagrams(endpoint: Endpoint, *, connected: bool) -> Link:
    loop = asyncio.get_running_loop()
    if connected:
        where = (endpoint.address, endpoint.port)
        _, link = await loop.create_datagram_endpoint(lambda: _Datagrams(endpoint, connected=True), remote_addr=where)
    else:
        bound = bound_towards(endpoint.address)
        _, link = await loop.create_datagram_endpoint(lambda: _Datagrams(endpoint, connected=False), sock=bound)
    return link


async def _open_stream(endpoint: Endpoint, framing: Framing, ca_file: str | None) -> Link:
    secure = endpoint.transport in SECURE
    context = await asyncio.to_thread(trusting, ca_file) if secure else None
    loop = asyncio.get_running_loop()
    started = loop.time()
    transport, link = await loop.create_connection(
        lambda: _Stream(endpoint, framing),
        endpoint.address,
        endpoint.port,
        ssl=context,
        server_hostname=(endpoint.name or endpoint.address) if secure else None,
    )
    try:
        await link.ready
    except BaseException:
        transport.abort()
        await asyncio.sleep(0)  # so that it is closed when the loop ends
        raise
    link.opened_us = int((loop.time() - started) * 1_000_000)
    return link


def trusting(ca_file: str | None) -> ssl.SSLContext:
    """Return the context that trusts the system's authorities, or those of a file as it is now.

    Raises:
        OSError: the file cannot be read.
    """
    return _trusting(ca_file, 0 if ca_file is None else Path(ca_file).stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _trusting(ca_file: str | None, _changed_ns: int) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file)


async def _look(endpoint: Endpoint, timeout_us: int) -> Certificate | None:
    """Look at a certificate that was not accepted, to say what is wrong with it; nothing is sent over that way."""
    try:
        async with asyncio.timeout(timeout_us / 1_000_000):
            return await shown_by(endpoint.address, endpoint.port, endpoint.name)
    except (OSError, TimeoutError):
        return None


def bound_towards(address: str) -> socket.socket:
    """Return a UDP socket on the local address that routes to another; it is told of ICMP errors unconnected.

    Raises:
        OSError: there is no route.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asked:
        asked.connect((address, 9))
        own = asked.getsockname()
    opened = socket.socket(family, socket.SOCK_DGRAM)
    opened.bind((own[0], 0, *own[2:]))
    if sys.platform == "linux":
        if family == socket.AF_INET:
            opened.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        else:
            opened.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
    return opened
