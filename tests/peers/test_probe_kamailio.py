"""Probes against a real Kamailio that asks for passwords and records its route, with the reflector behind it."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from clearline.sensors.probe.edge import probe_target
from clearline.sensors.probe.outcome import Outcome
from clearline.sensors.probe.target import Credentials, Kind, Target

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(shutil.which("kamailio") is None, reason="kamailio is not installed (Debian package kamailio)"),
]

CONFIG = """
debug=0
log_stderror=yes
children=2
tcp_children=1
auto_aliases=no
dns=off
rev_dns=off
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "auth.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
modparam("auth", "nonce_expire", 30)
modparam("auth", "qop", "auth")
modparam("auth", "algorithm", "{algorithm}")
request_route {{
  if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
  if (is_method("OPTIONS")) {{
    if ($rU == "broken") {{ sl_send_reply("503", "Maintenance"); exit; }}
    sl_send_reply("200", "Keepalive"); exit;
  }}
  if (is_method("REGISTER")) {{
    if (!pv_www_authenticate("voip.test", "secret", "0")) {{ www_challenge("voip.test", "1"); exit; }}
    save("location"); exit;
  }}
  if (has_totag()) {{
    if (loose_route()) {{ t_relay(); exit; }}
    if (is_method("ACK")) {{ t_relay(); exit; }}
    sl_send_reply("404", "Not in a dialog"); exit;
  }}
  if (is_method("CANCEL")) {{ t_relay(); exit; }}
  if (is_method("INVITE")) {{
    if (!pv_proxy_authenticate("voip.test", "secret", "0")) {{ proxy_challenge("voip.test", "1"); exit; }}
    consume_credentials();
    record_route();
    if ($rU == "nobody") {{ sl_send_reply("404", "Not Found"); exit; }}
    $du = "sip:127.0.0.1:{reflector}";
    t_relay(); exit;
  }}
  sl_send_reply("405", "Method Not Allowed");
}}
"""

ALICE = Credentials("alice", "secret")


@dataclass
class Service:
    port: int
    process: "subprocess.Popen[bytes]"

    def probe(self, user: str, kind: Kind, credentials: Credentials | None = None, suffix: str = "") -> Outcome:
        uri = f"sip:{user}@127.0.0.1:{self.port}{suffix}"
        target = Target("t", "t", uri, kind, credentials=credentials, talk_us=1_000_000)
        return asyncio.run(probe_target(target))


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def reflector() -> Iterator[int]:
    command = [sys.executable, "-m", "clearline", "reflector", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline().rpartition(":")[2].partition("/")[0])
        process.terminate()


@pytest.fixture(scope="module", params=["MD5", "SHA-256"])
def service(
    request: pytest.FixtureRequest, reflector: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("kamailio")
    port = free_port()
    config = folder / "kamailio.cfg"
    config.write_text(CONFIG.format(port=port, reflector=reflector, algorithm=request.param))
    command = ["kamailio", "-f", str(config), "-DD", "-E", "-m", "32", "-M", "4", "-Y", str(folder), "-w", str(folder)]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True) as process,
    ):
        made = Service(port, process)
        until = time.monotonic() + 15
        while not made.probe("x", "options").ok:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < until, (folder / "log").read_text()
        yield made
        os.killpg(process.pid, signal.SIGCONT)
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def test_options_is_answered_over_udp_and_tcp(service: Service) -> None:
    assert service.probe("x", "options").reason == "200 Keepalive"
    assert service.probe("x", "options", suffix=";transport=tcp").reason == "200 Keepalive"


def test_a_server_that_says_503_is_down_with_its_reason(service: Service) -> None:
    outcome = service.probe("broken", "options")
    assert (outcome.ok, outcome.code) == (False, 503)
    assert outcome.reason.startswith("503 Maintenance: ")


@pytest.mark.parametrize("suffix", ["", ";transport=tcp"])
def test_an_account_registers_and_takes_its_registration_back(service: Service, suffix: str) -> None:
    outcome = service.probe("alice", "register", ALICE, suffix)
    assert (outcome.ok, outcome.code) == (True, 200), outcome


def test_a_wrong_password_is_said_to_be_wrong(service: Service) -> None:
    outcome = service.probe("alice", "register", Credentials("alice", "wrong"))
    assert (outcome.ok, outcome.code) == (False, 401)
    assert "user or password was not accepted" in outcome.reason


def test_a_call_goes_through_the_record_routing_proxy_and_its_audio_comes_back(service: Service) -> None:
    outcome = service.probe("echo", "call", ALICE)
    assert (outcome.ok, outcome.code) == (True, 200), outcome
    assert outcome.media is not None
    assert (outcome.media.sent, outcome.media.lost) == (50, 0)
    assert outcome.media.mos_lq_x100 is not None
    assert outcome.media.mos_lq_x100 >= 430


def test_a_call_without_the_password_and_one_to_nobody_are_refused_with_their_reason(service: Service) -> None:
    assert service.probe("echo", "call", Credentials("alice", "wrong")).code == 407
    assert service.probe("nobody", "call", ALICE).reason == "404 Not Found"


def test_a_frozen_server_is_no_answer_and_a_thawed_one_answers(service: Service) -> None:
    os.killpg(service.process.pid, signal.SIGSTOP)
    frozen = service.probe("x", "options")
    os.killpg(service.process.pid, signal.SIGCONT)
    assert frozen.reason == "no answer within 4 s (sent 4 times)"
    assert service.probe("x", "options").ok
