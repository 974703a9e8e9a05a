"""Calls to a real telephone, baresip, that insists on encrypted audio, or knows none."""

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.certificates import write_certificate
from tests.peers.servers import free_port

from clearline.sensors.probe.edge import probe_target
from clearline.sensors.probe.target import Target

MODULES = Path("/usr/lib/baresip/modules")

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(
        shutil.which("baresip") is None or not (MODULES / "srtp.so").exists(),
        reason="the Debian package baresip-core is not installed",
    ),
]

CONFIG = """
module_path {modules}
sip_listen 127.0.0.1:{port}
sip_certificate {folder}/both.pem
audio_source aubridge,echo
audio_player aubridge,echo
audio_alert aubridge,bell
ausrc_srate 8000
auplay_srate 8000
net_interface 127.0.0.1
module g711.so
module srtp.so
module aubridge.so
module_app account.so
module_app menu.so
"""
"""What it hears it says: source and player are one."""


def telephone(folder: Path, encryption: str) -> Iterator[Target]:
    """A telephone that answers each call; TLS is one port above UDP."""
    port = free_port()
    write_certificate(folder, "localhost", from_days=-1, until_days=30)
    (folder / "both.pem").write_bytes((folder / "key.pem").read_bytes() + (folder / "cert.pem").read_bytes())
    (folder / "config").write_text(CONFIG.format(modules=MODULES, port=port, folder=folder))
    account = f"<sip:echo@localhost:{port + 1};transport=tls>;regint=0;answermode=auto;audio_codecs=PCMU,PCMA"
    (folder / "accounts").write_text(f"{account}{encryption}\n")
    (folder / "contacts").write_text("")
    uri = f"sip:echo@localhost:{port + 1};transport=tls"
    target = Target("t", "t", uri, "call", talk_us=600_000, ca_file=str(folder / "cert.pem"))
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(["baresip", "-f", str(folder)], stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process,
    ):
        until = time.monotonic() + 30
        while not listens(port + 1):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < until, (folder / "log").read_text()
            time.sleep(0.05)
        yield target
        process.terminate()


def listens(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def encrypting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    yield from telephone(tmp_path_factory.mktemp("srtp"), ";mediaenc=srtp-mand")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    yield from telephone(tmp_path_factory.mktemp("plain"), "")


def test_audio_is_encrypted_both_ways(encrypting: Target) -> None:
    """It hears our speech, or there would be silence; and says in its answer to the BYE how many packets."""
    outcome = asyncio.run(probe_target(replace(encrypting, encrypts=True)))
    assert (outcome.ok, outcome.reason) == (True, "200 OK")
    assert outcome.media is not None
    assert outcome.media.sent == 30
    assert outcome.media.received > 20
    assert outcome.media.silent is False


def test_a_telephone_that_insists_on_it_takes_no_other_call(encrypting: Target) -> None:
    assert asyncio.run(probe_target(encrypting)).code == 488


def test_a_telephone_that_knows_none_is_said_to(plain: Target) -> None:
    assert asyncio.run(probe_target(plain)).ok
    outcome = asyncio.run(probe_target(replace(plain, encrypts=True)))
    assert (outcome.code, outcome.reason) == (488, "488 Not Acceptable Here: the other side does not encrypt as we do")
    assert "AES_CM_128_HMAC_SHA1_80" in outcome.advice


def test_keys_are_not_told_in_the_clear(encrypting: Target) -> None:
    port = int(encrypting.uri.rpartition(":")[2].partition(";")[0]) - 1
    outcome = asyncio.run(probe_target(replace(encrypting, uri=f"sip:echo@127.0.0.1:{port}", encrypts=True)))
    assert not outcome.ok
    assert "in the clear" in outcome.reason
