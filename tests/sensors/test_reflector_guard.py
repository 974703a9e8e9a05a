"""A reflector that lets only its own account call."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from clearline.sensors.probe.digest import Challenge, authorization
from clearline.sensors.probe.edge import probe_target
from clearline.sensors.probe.outcome import Outcome
from clearline.sensors.probe.target import Credentials, Target
from clearline.sensors.reflector.guard import REALM, Guard
from clearline.voice.wire import sip

ALICE = Credentials("alice", "secret")
MINUTE_US = 60_000_000


def signed(guard: Guard, credentials: Credentials, algorithm: str, *, uri: str = "sip:x@h") -> sip.SipMessage:
    value = next(value for _, value in guard.challenges(0) if f"algorithm={algorithm}," in value)
    nonce = value.split('nonce="')[1].split('"')[0]
    challenge = Challenge(REALM, nonce, algorithm, True, None, False, False)
    name, answer = authorization(challenge, credentials, method="INVITE", uri=uri, cnonce="c", count=1)
    return sip.parse(f"INVITE sip:x@h SIP/2.0\r\n{name}: {answer}\r\n\r\n".encode())


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_the_right_answer_is_admitted_for_two_minutes_at_most(algorithm: str) -> None:
    guard = Guard(ALICE, b"key")
    request = signed(guard, ALICE, algorithm)
    assert guard.admits(request, 0)
    assert guard.admits(request, 2 * MINUTE_US - 1)
    assert not guard.admits(request, 2 * MINUTE_US)


def test_a_wrong_password_user_address_or_nonce_is_not_admitted() -> None:
    guard = Guard(ALICE, b"key")
    assert not guard.admits(signed(guard, Credentials("alice", "wrong"), "MD5"), 0)
    assert not guard.admits(signed(guard, Credentials("bob", "secret"), "MD5"), 0)
    assert not guard.admits(signed(guard, ALICE, "MD5", uri="sip:other"), 0)
    assert not guard.admits(signed(Guard(ALICE, b"other key"), ALICE, "MD5"), 0)


@pytest.mark.parametrize(
    "header", ["", "Authorization: Digest", "Authorization: Basic x", "Authorization: Digest nc=zzzzzzzz"]
)
def test_no_answer_or_a_garbled_one_is_not_admitted(header: str) -> None:
    request = sip.parse(f"INVITE sip:x@h SIP/2.0\r\n{header}\r\n\r\n".encode())
    assert not Guard(ALICE, b"key").admits(request, 0)


def test_only_the_account_can_call_but_anybody_may_ask_for_options(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")
    command = [sys.executable, "-m", "clearline", "reflector", "--listen", "127.0.0.1:0"]
    command += ["--user", "alice", "--password-file", str(tmp_path / "password")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        uri = "sip:" + process.stdout.readline().split()[-1].removesuffix("/udp")

        def call(credentials: Credentials | None) -> Outcome:
            target = Target("x", "t", uri, "call", credentials=credentials, talk_us=200_000)
            return asyncio.run(probe_target(target))

        assert call(ALICE).ok
        assert (call(Credentials("alice", "wrong")).code, call(None).code) == (401, 401)
        assert asyncio.run(probe_target(Target("x", "t", uri))).ok
        process.terminate()
