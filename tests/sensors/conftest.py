"""Servers on loopback that say what a test wants."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from clearline.sensors.probe.message import answer
from clearline.voice.wire import sip

Answerer = Callable[..., int]
"""Starts a server; returns its port."""


@pytest.fixture
def udp_server() -> Iterator[Callable[..., int]]:
    """Start UDP servers that answer each datagram with what a function makes of it; None is silence."""
    with contextlib.ExitStack() as stack:

        def start(reply: Callable[[bytes], bytes | None], host: str = "127.0.0.1", port: int = 0) -> int:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            opened = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            opened.bind((host, port))
            thread = threading.Thread(target=serve, args=(opened, reply))
            thread.start()
            stack.callback(thread.join)
            stack.callback(end, opened)
            return int(opened.getsockname()[1])

        yield start


def serve(opened: socket.socket, reply: Callable[[bytes], bytes | None]) -> None:
    while data := opened.recvfrom(65_536):
        if not data[0]:
            return
        said = reply(data[0])
        if said is not None:
            opened.sendto(said, data[1])


def end(opened: socket.socket) -> None:
    """An empty datagram to itself ends the loop."""
    opened.sendto(b"", opened.getsockname())


@pytest.fixture
def sip_server(udp_server: Callable[..., int]) -> Answerer:
    """Start SIP servers that give every request the same final answer; status 0 is silence."""

    def start(status: int, host: str = "127.0.0.1") -> int:
        def reply(data: bytes) -> bytes | None:
            return answer(sip.parse(data), status, source=(host, 1), to_tag="x") if status else None

        return udp_server(reply, host)

    return start
