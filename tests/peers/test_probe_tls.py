"""Probes over TLS, against certificates that are good, expired, or for another name."""

import asyncio
import re
import ssl
from pathlib import Path

import pytest
from tests.certificates import write_certificate

from clearline.sensors.probe.edge import probe_target
from clearline.sensors.probe.message import answer
from clearline.sensors.probe.outcome import Outcome
from clearline.sensors.probe.target import Target
from clearline.voice.wire import sip


def serving(folder: Path, *, name: str, days: int) -> ssl.SSLContext:
    """Make a server that shows a certificate valid until so many days from now, or from then if that is far off."""
    write_certificate(folder, name, from_days=-30 if days < 100 else days - 90, until_days=days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        request = sip.parse(await reader.readuntil(b"\r\n\r\n"))
    except (asyncio.IncompleteReadError, ConnectionError):  # somebody who only looks at the certificate
        writer.close()
        return
    whole = answer(request, 200, source=("127.0.0.1", 1), to_tag="x")
    writer.write(b"\r\n" + whole[:20])  # in two pieces, behind a keep-alive
    await writer.drain()
    writer.write(whole[20:])
    await writer.drain()
    await reader.read()
    writer.close()
    await writer.wait_closed()


async def not_sip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()
    await reader.read()
    writer.close()
    await writer.wait_closed()


async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()


def probed(serve: object, context: ssl.SSLContext | None, folder: Path | None, *, host: str = "localhost") -> Outcome:
    async def run() -> Outcome:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)  # type: ignore[arg-type]
        async with server:
            port = server.sockets[0].getsockname()[1]
            transport = "tls" if context else "tcp"
            uri = f"sip:{host}:{port};transport={transport}"
            ca_file = str(folder / "cert.pem") if folder else None
            outcome = await probe_target(Target("x", "t", uri, timeout_us=5_000_000, ca_file=ca_file))
            await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)
            return outcome

    return asyncio.run(run())


def test_a_trusted_certificate_for_the_name_is_accepted(tmp_path: Path) -> None:
    outcome = probed(answering, serving(tmp_path, name="localhost", days=30), tmp_path)
    assert (outcome.ok, outcome.reason) == (True, "200 OK")


@pytest.mark.parametrize(
    ("name", "days", "trusted", "says"),
    [
        ("localhost", -1, True, r"certificate has expired \(20\d\d-\d\d-\d\d \d\d:\d\d UTC\)"),
        ("localhost", 300, True, r"certificate is not yet valid \(valid from 20\d\d-\d\d-\d\d "),
        ("other.example", 30, True, r"Hostname mismatch, .* \(it is for other\.example\)"),
        ("localhost", 30, False, r"self-signed certificate \(issued by CN=localhost\)"),
    ],
)
def test_a_certificate_that_is_expired_foreign_or_unknown_is_a_failure_that_says_so(
    tmp_path: Path, *, name: str, days: int, trusted: bool, says: str
) -> None:
    outcome = probed(answering, serving(tmp_path, name=name, days=days), tmp_path if trusted else None)
    assert (outcome.ok, outcome.code) == (False, None)
    assert "is not accepted" in outcome.reason
    assert re.search(says, outcome.reason)
    assert outcome.expires_at_us is not None
    assert "look at it with: openssl" in outcome.advice


def test_a_server_that_speaks_no_sip_or_hangs_up_is_explained() -> None:
    assert "sends no SIP" in probed(not_sip, None, None, host="127.0.0.1").reason
    assert "closed the connection without an answer" in probed(closing, None, None, host="127.0.0.1").reason
