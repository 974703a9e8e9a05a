"""The reflector's sockets: SIP over UDP and the echo ports."""

import asyncio
import secrets
import socket
import struct
from collections.abc import Callable

from clearline.sensors.reflector.endpoint import Endpoint, Hop, Settings
from clearline.sensors.reflector.limits import Bucket, Limits

RTP_HEAD_BYTES = 12
"""RFC 3550 section 5.1."""


def _now_us() -> int:
    return int(asyncio.get_running_loop().time() * 1_000_000)


class _Echo(asyncio.DatagramProtocol):
    """Sends each RTP packet back to the address it came from, under a source identifier of its own.

    Only once the caller has acknowledged, and only to one address: the first of the call's hosts that sends.
    """

    def __init__(self, hosts: frozenset[str], limits: Limits) -> None:
        self._hosts = hosts
        self._limits = limits
        self._bucket = Bucket(limits.packets_per_second, limits.packets_per_second, _now_us())
        self._mask = secrets.randbits(32) or 1
        self._peer: tuple[str, int] | None = None
        self._transport: asyncio.DatagramTransport
        self.confirmed = False
        self.received = self.echoed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # asyncio promises a datagram transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not self.confirmed or not self._is_rtp(data):
            return
        if self._peer is None and addr[0] in self._hosts:
            self._peer = addr
        if addr != self._peer:
            return
        self.received += 1
        if self._bucket.take(_now_us()):
            self.echoed += 1
            self._transport.sendto(self._under_own_ssrc(data), addr)

    def _is_rtp(self, data: bytes) -> bool:
        return RTP_HEAD_BYTES <= len(data) <= self._limits.packet_bytes and data[0] >> 6 == 2

    def _under_own_ssrc(self, data: bytes) -> bytes:
        """A sender that met its own identifier would take it for a loop (RFC 3550 section 8.2)."""
        (ssrc,) = struct.unpack_from(">I", data, 8)
        return data[:8] + struct.pack(">I", ssrc ^ self._mask) + data[RTP_HEAD_BYTES:]

    def error_received(self, exc: Exception) -> None:
        """A caller that has gone is no matter."""

    def close(self) -> None:
        self._transport.close()


class _Media:
    """The echo ports of the calls."""

    def __init__(self, host: str, limits: Limits) -> None:
        self._host = host
        self._limits = limits
        self._echoes: dict[int, _Echo | None] = {}
        self._confirmed: set[int] = set()
        self._opening: set[asyncio.Task[None]] = set()

    def open(self, hosts: frozenset[str]) -> int | None:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        opened = socket.socket(family, socket.SOCK_DGRAM)
        try:
            opened.bind((self._host, 0))
        except OSError:
            opened.close()
            return None
        port = int(opened.getsockname()[1])
        self._echoes[port] = None
        task = asyncio.create_task(self._start(opened, port, hosts))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        return port

    async def _start(self, opened: socket.socket, port: int, hosts: frozenset[str]) -> None:
        loop = asyncio.get_running_loop()
        _, echo = await loop.create_datagram_endpoint(lambda: _Echo(hosts, self._limits), sock=opened)
        if port in self._echoes:
            self._echoes[port] = echo
            echo.confirmed = port in self._confirmed
        else:
            echo.close()

    def confirm(self, port: int) -> None:
        self._confirmed.add(port)
        echo = self._echoes.get(port)
        if echo is not None:
            echo.confirmed = True

    def counts(self, port: int) -> tuple[int, int]:
        echo = self._echoes.get(port)
        return (echo.received, echo.echoed) if echo is not None else (0, 0)

    def close(self, port: int) -> None:
        self._confirmed.discard(port)
        echo = self._echoes.pop(port, None)
        if echo is not None:
            echo.close()

    async def finish(self) -> None:
        for port in list(self._echoes):
            self.close(port)
        await asyncio.gather(*self._opening, return_exceptions=True)


class _Udp(asyncio.DatagramProtocol):
    """Carries the SIP endpoint over one UDP socket."""

    def __init__(self, host: str, settings: Settings) -> None:
        self._host = host
        self.media = _Media(host, settings.limits)
        self.endpoint = Endpoint(settings, self.media, self._own, secrets.token_bytes(32))
        self._transport: asyncio.DatagramTransport
        self._timer: asyncio.TimerHandle | None = None
        self.port = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # asyncio promises a datagram transport
        self.port = transport.get_extra_info("sockname")[1]

    def _own(self, hop: Hop) -> tuple[str, int]:
        return own_host(self._host, hop.host), self.port

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.endpoint.receive(data, Hop(*addr[:2]), _now_us())
        self._pump()

    def error_received(self, exc: Exception) -> None:
        """An answer that nobody took is no matter."""

    def _on_timer(self) -> None:
        self.endpoint.on_timer(_now_us())
        self._pump()

    def _pump(self) -> None:
        for data, hop in self.endpoint.to_send():
            self._transport.sendto(data, hop[:2])
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due_us = self.endpoint.next_timer_us
        if due_us is not None:
            self._timer = asyncio.get_running_loop().call_at(due_us / 1_000_000 + 1e-6, self._on_timer)


def own_host(bound: str, other: str) -> str:
    """Return our address as the other side reaches it: the one we listen on, or for a wildcard the one routed to it."""
    if bound not in ("0.0.0.0", "::"):  # noqa: S104  # compared, not bound
        return bound
    family = socket.AF_INET6 if ":" in other else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asked:
        asked.connect((other, 9))
        return str(asked.getsockname()[0])


async def run_reflector(
    host: str,
    port: int,
    *,
    settings: Settings | None = None,
    stop: asyncio.Event | None = None,
    on_ready: Callable[[str, int], None] = lambda _host, _port: None,
) -> None:
    """Answer and echo until `stop` is set or the task is cancelled.

    Args:
        host: the address to listen on, also for the echo ports.
        port: 0 takes a free one.
        settings: limits and behaviour.
        stop: set it to end.
        on_ready: told the address and port once requests are answered.

    Raises:
        OSError: the address cannot be listened on.
    """
    stop = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    transport, served = await loop.create_datagram_endpoint(
        lambda: _Udp(host, settings or Settings()), local_addr=(host, port)
    )
    try:
        on_ready(host, served.port)
        await stop.wait()
    finally:
        transport.close()
        await served.media.finish()
