"""STUN and TURN probes against Debian's coturn, over UDP, TCP and TLS, IPv4 and IPv6."""

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.certificates import write_certificate

from clearline.sensors.probe.edge import probe_target
from clearline.sensors.probe.outcome import Outcome
from clearline.sensors.probe.target import Credentials, Kind, Target, checked_uri

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(shutil.which("turnserver") is None, reason="coturn is not installed (Debian package coturn)"),
]

ALICE = Credentials("alice", "secret")


@dataclass
class Relay:
    port: int
    tls: int
    folder: Path

    def probe(self, uri: str, kind: Kind, credentials: Credentials | None = None) -> Outcome:
        ca_file = str(self.folder / "cert.pem")
        target = Target("t", "t", checked_uri(uri, kind), kind, credentials=credentials, ca_file=ca_file)
        return asyncio.run(probe_target(target))


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    folder = tmp_path_factory.mktemp("coturn")
    write_certificate(folder, "localhost", from_days=-1, until_days=30)
    made = Relay(free_port(), free_port(), folder)
    command = ["turnserver", "-n", "--no-cli", "--lt-cred-mech", "--realm=voip.test", "--user=alice:secret"]
    command += ["--user-quota=8"]
    command += ["--listening-ip=127.0.0.1", "--listening-ip=::1", "--relay-ip=127.0.0.1", "--relay-ip=::1"]
    command += [f"--listening-port={made.port}", f"--tls-listening-port={made.tls}", "--no-dtls", "--log-file=stdout"]
    command += [f"--cert={folder}/cert.pem", f"--pkey={folder}/key.pem", f"--pidfile={folder}/pid", f"--db={folder}/db"]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log, cwd=folder) as process:
        until = time.monotonic() + 15
        while not made.probe(f"127.0.0.1:{made.port}", "stun").ok:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < until, (folder / "log").read_text()
        yield made
        process.kill()  # it takes seconds to end politely


@pytest.mark.parametrize(
    ("uri", "seen"),
    [
        ("stun:127.0.0.1:{port}", "it sees us as 127.0.0.1:"),
        ("stun:[::1]:{port}", "it sees us as [::1]:"),
        ("stun:localhost:{port}?transport=tcp", "it sees us as 127.0.0.1:"),
        ("stuns:localhost:{tls}", "it sees us as 127.0.0.1:"),
    ],
)
def test_a_stun_server_says_how_we_are_seen(relay: Relay, uri: str, seen: str) -> None:
    outcome = relay.probe(uri.format(port=relay.port, tls=relay.tls), "stun")
    assert outcome.ok, outcome
    assert outcome.reason.startswith(seen)
    assert (outcome.expires_at_us is not None) == uri.startswith("stuns")


@pytest.mark.parametrize(
    "uri", ["turn:127.0.0.1:{port}", "turn:localhost:{port}?transport=tcp", "turns:localhost:{tls}"]
)
def test_a_turn_server_relays_for_the_account(relay: Relay, uri: str) -> None:
    outcome = relay.probe(uri.format(port=relay.port, tls=relay.tls), "turn", ALICE)
    assert outcome.ok, outcome
    assert outcome.reason.startswith("it relays at ")
    assert outcome.latency_us is not None


def test_allocations_are_given_back_so_that_probing_never_fills_the_relay(relay: Relay) -> None:
    """The account may hold eight, each for ten minutes unless given back; the server frees one a second later."""
    until = time.monotonic() + 20
    relayed = 0
    while relayed < 12:
        outcome = relay.probe(f"turn:127.0.0.1:{relay.port}", "turn", ALICE)
        assert outcome.ok or (outcome.code == 486 and time.monotonic() < until), outcome
        relayed += outcome.ok
        time.sleep(0 if outcome.ok else 0.2)  # asking on and on would come back to a port whose allocation still ends


def test_a_wrong_password_and_none_are_told_apart(relay: Relay) -> None:
    uri = f"turn:127.0.0.1:{relay.port}"
    wrong, none = relay.probe(uri, "turn", Credentials("alice", "wrong")), relay.probe(uri, "turn")
    assert (wrong.code, none.code) == (401, 401)
    assert wrong.reason.endswith("user or password was not accepted")
    assert none.reason.endswith("a password is asked for")
