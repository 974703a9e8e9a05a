"""Servers that answer what they should not: each is a failure with its reason, in time, and never an error of ours."""

import asyncio
import json
import struct
import threading
from collections.abc import Awaitable, Callable

import pytest
from websockets.sync.server import ServerConnection
from websockets.sync.server import serve as serving

from clearline.sensors.probe.edge import probe_target
from clearline.sensors.probe.message import answer
from clearline.sensors.probe.outcome import Outcome
from clearline.sensors.probe.schedule import LONGEST_REASON, sample_of
from clearline.sensors.probe.target import Target
from clearline.voice.wire import sip

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def ok_to(data: bytes) -> bytes:
    return answer(sip.parse(data), 200, source=("127.0.0.1", 1), to_tag="x")


NONSENSE = [
    b"\0",
    b"\xff\xfe\0\0" * 300,
    b"SIP/2.0 200 OK\r\n\r\n",
    b"SIP/2.0 999999 OK\r\nVia: x\r\n\r\n",
    b"SIP/2.0 -200 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"SIP/2.0 200 OK\r\n" + b"Via: SIP/2.0/UDP a;branch=z9hG4bKx\r\n" * 1500,
    b"SIP/2.0 200 OK\r\n" + b"A" * 60_000,
]


@pytest.mark.parametrize("said", NONSENSE, ids=range(len(NONSENSE)))
def test_a_datagram_that_is_no_answer_to_the_request_is_as_good_as_none(
    udp_server: Callable[..., int], said: bytes
) -> None:
    port = udp_server(lambda _: said)
    outcome = asyncio.run(probe_target(Target("x", "t", f"sip:127.0.0.1:{port}", timeout_us=300_000)))
    assert (outcome.ok, outcome.code) == (False, None)
    assert outcome.reason == "no answer within 0.3 s (sent once)"


def test_an_answer_with_a_foreign_branch_is_not_taken(udp_server: Callable[..., int]) -> None:
    port = udp_server(lambda data: ok_to(data).replace(b"z9hG4bK", b"z9hG4bKforged"))
    outcome = asyncio.run(probe_target(Target("x", "t", f"sip:127.0.0.1:{port}", timeout_us=300_000)))
    assert not outcome.ok


def test_a_reason_of_any_length_is_kept_short(udp_server: Callable[..., int]) -> None:
    port = udp_server(lambda data: ok_to(data).replace(b"200 OK", b"503 " + b"x" * 30_000))
    target = Target("x", "t", f"sip:127.0.0.1:{port}", timeout_us=2_000_000)
    outcome = asyncio.run(probe_target(target))
    assert outcome.code == 503
    assert len(sample_of(target, outcome, vantage="v", at_us=1).reason) == LONGEST_REASON


def probed(serve: Serve, suffix: str = ";transport=tcp", timeout_us: int = 600_000) -> Outcome:
    async def run() -> Outcome:
        handlers: set[asyncio.Task[None]] = set()

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            handlers.add(task)
            try:
                await serve(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                return
            finally:
                writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            outcome = await probe_target(Target("x", "t", f"sip:127.0.0.1:{port}{suffix}", timeout_us=timeout_us))
            for task in handlers:
                task.cancel()
            await asyncio.gather(*handlers, return_exceptions=True)
            return outcome

    return asyncio.run(run())


def saying(*pieces: bytes) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        await reader.read()

    return serve


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"SIP/2.0 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "sends no SIP: Content-Length"),
        (b"SIP/2.0 200 OK\r\nContent-Length: -1\r\n\r\n", "sends no SIP: Content-Length"),
        (b"SIP/2.0 200 OK\r\n\r\n", "sends no SIP: a message on a stream has no Content-Length"),
        (b"x" * 70_000, "sends no SIP: the head is longer than"),
        (b"SIP/2.0 200 OK\r\n" + b"A: b\r\n" * 600 + b"\r\n", "sends no SIP: more than 512 headers"),
        (b"220 mail.example ESMTP\r\n\r\n", "sends no SIP: "),
    ],
)
def test_a_stream_that_cannot_be_followed_is_said_to_be_no_sip(said: bytes, why: str) -> None:
    outcome = probed(saying(said))
    assert not outcome.ok
    assert why in outcome.reason
    assert outcome.advice


def test_an_endless_trickle_ends_at_the_deadline() -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SIP/2.0 200 OK\r\nContent-Length: 900000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    assert probed(serve).reason.startswith("no answer within 0.6 s")


def test_an_answer_in_single_bytes_is_an_answer() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in ok_to(await reader.readuntil(b"\r\n\r\n")):
            writer.write(bytes([byte]))
            await writer.drain()
        await reader.read()

    assert probed(serve, timeout_us=4_000_000).ok


HANDSHAKE = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (
            b"HTTP/1.1 301 Moved\r\nLocation: https://elsewhere/\r\nContent-Length: 0\r\n\r\n",
            "refuses the WebSocket: 301 Moved",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "refuses the WebSocket: 200 OK"),
        (HANDSHAKE + b"Sec-WebSocket-Accept: forged\r\n\r\n", "opens no WebSocket: "),
        (b"SIP/2.0 400 Bad Request\r\n\r\n", "opens no WebSocket: "),
        (b"HTTP/1.1 101 x\r\n" + b"A: b\r\n" * 5000, "opens no WebSocket: "),
        (b"\xff" * 100_000, "opens no WebSocket: "),
    ],
    ids=["moved", "page", "forged", "sip", "headers", "binary"],
)
def test_what_is_no_websocket_is_said_to_be_none(said: bytes, why: str) -> None:
    outcome = probed(saying(said), ";transport=ws")
    assert not outcome.ok
    assert why in outcome.reason
    assert json.dumps(outcome.reason)


def test_a_server_that_never_ends_its_handshake_is_no_connection_in_time() -> None:
    assert "no connection to" in probed(saying(b"HTTP/1.1 101 Switching"), ";transport=ws").reason


def frame(opcode: int, payload: bytes, length: int | None = None) -> bytes:
    return struct.pack(">BBQ", 0x80 | opcode, 127, len(payload) if length is None else length) + payload


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (frame(1, b"x" * 70_000), "breaks the WebSocket protocol"),
        (frame(1, b"", 2**63 - 1), "breaks the WebSocket protocol"),
        (frame(0, b"no beginning"), "breaks the WebSocket protocol"),
        (b"\x88\x02\x03\xe8", "closed the WebSocket"),
        (frame(1, b"\xff\xfe") + frame(2, b"nonsense"), "no answer within"),
    ],
    ids=["large", "endless", "torn", "closed", "nonsense"],
)
def test_frames_that_are_too_large_torn_or_nonsense_are_failures(sent: bytes, why: str) -> None:
    def handle(connection: ServerConnection) -> None:
        connection.recv()
        connection.socket.sendall(sent)
        connection.socket.recv(1000)

    with serving(handle, "127.0.0.1", 0, subprotocols=["sip"]) as server:  # type: ignore[list-item]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        uri = f"sip:127.0.0.1:{server.socket.getsockname()[1]};transport=ws"
        outcome = asyncio.run(probe_target(Target("x", "t", uri, timeout_us=600_000)))
        server.shutdown()
        thread.join()
    assert not outcome.ok
    assert why in outcome.reason
