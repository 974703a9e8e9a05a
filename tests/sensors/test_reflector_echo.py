"""The reflector's echo over loopback: for whom it sounds, and for whom it is silent."""

import asyncio
import secrets
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from clearline.sensors.probe.call import invite_request
from clearline.sensors.probe.options import Local
from clearline.sensors.reflector.edge import run_reflector
from clearline.voice.wire import sdp, sip

PACKET = struct.pack(">BBHII", 0x80, 0, 1, 160, 0xABCD) + bytes(160)


@contextmanager
def sockets(number: int) -> Iterator[list[socket.socket]]:
    opened = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(number)]
    for each in opened:
        each.bind(("127.0.0.1", 0))
        each.setblocking(False)
    try:
        yield opened
    finally:
        for each in opened:
            each.close()


async def heard(opened: socket.socket, seconds: float = 2.0) -> bytes:
    try:
        async with asyncio.timeout(seconds):
            return await asyncio.get_running_loop().sock_recv(opened, 2000)
    except TimeoutError:
        return b""


async def conversation(signalling: socket.socket, media: socket.socket, other: socket.socket, port: int) -> None:
    where = ("127.0.0.1", port)
    local = Local("UDP", *signalling.getsockname())
    invite = invite_request(f"sip:echo@127.0.0.1:{port}", "a", local, media.getsockname()[1], secrets.token_hex(16))
    signalling.sendto(invite.encode(), where)
    answer = sip.parse(await heard(signalling))
    assert answer.status == 200
    echo = ("127.0.0.1", sdp.parse(answer.body.decode()).media[0].port)
    media.sendto(PACKET, echo)
    assert await heard(media, 0.3) == b""  # the caller has not acknowledged yet
    ack = invite.replacing(to=answer.header("to") or "", cseq="1 ACK").encode().replace(b"INVITE ", b"ACK ", 1)
    signalling.sendto(ack, where)
    signalling.sendto(invite.replacing(cseq="9 OPTIONS").encode().replace(b"INVITE ", b"OPTIONS ", 1), where)
    assert sip.parse(await heard(signalling)).status == 200  # it is behind the ACK now
    media.sendto(PACKET, echo)
    back = await heard(media)
    assert (back[:8], back[12:]) == (PACKET[:8], PACKET[12:])
    assert back[8:12] != PACKET[8:12]
    other.sendto(PACKET, echo)
    assert await heard(other, 0.3) == b""  # one address has the echo
    media.sendto(b"no RTP", echo)
    assert await heard(media, 0.3) == b""


def test_the_echo_sounds_after_the_ack_for_one_address_and_no_other() -> None:
    async def run() -> None:
        stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(
            run_reflector("127.0.0.1", 0, stop=stop, on_ready=lambda _, port: ready.set_result(port))
        )
        port = await ready
        try:
            with sockets(3) as (signalling, media, other):
                await conversation(signalling, media, other, port)
        finally:
            stop.set()
            await serving

    asyncio.run(run())


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_call_of_our_own_probe_is_never_longer_answered_than_asked(host: str) -> None:
    """What a stranger's first call needs: our INVITE pays for the answer."""
    from clearline.sensors.reflector.endpoint import Endpoint, Hop, Settings  # noqa: PLC0415

    class Ports:
        def open(self, *_: object) -> int:
            return 65_000

        def confirm(self, port: int) -> None: ...

        def counts(self, *_: object) -> tuple[int, int]:
            return 0, 0

        def close(self, port: int) -> None: ...

    endpoint = Endpoint(Settings(ring_us=1000), Ports(), lambda _: (host, 65_001), b"key")
    invite = invite_request(
        f"sip:echo@[{host}]:65001" if ":" in host else f"sip:echo@{host}:65001",
        "probe",
        Local("UDP", host, 65_002),
        65_003,
        secrets.token_hex(16),
    ).encode()
    endpoint.receive(invite, Hop(host, 65_002), 0)
    endpoint.on_timer(1000)
    (answer,) = [data for data, _ in endpoint.to_send() if sip.parse(data).status == 200]
    assert len(answer) <= len(invite)
