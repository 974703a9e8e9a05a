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
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.certificates import write_certificate

from clearline.sensors.probe.edge import probe_target
from clearline.sensors.probe.outcome import Outcome
from clearline.sensors.probe.target import Credentials, Kind, Target

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(
        not list(Path("/usr/lib").glob("*/kamailio/modules/websocket.so")) or shutil.which("kamailio") is None,
        reason="Debian packages kamailio, kamailio-tls-modules, kamailio-websocket-modules are not installed",
    ),
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
listen=udp:[::1]:{port}
listen=tcp:[::1]:{port}
listen=tls:127.0.0.1:{tls}
enable_tls=yes
tcp_accept_no_cl=yes
loadmodule "tls.so"
modparam("tls", "private_key", "{folder}/key.pem")
modparam("tls", "certificate", "{folder}/cert.pem")
modparam("tls", "tls_method", "TLSv1.2+")
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
loadmodule "xhttp.so"
loadmodule "websocket.so"
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
    if ($rU == "members" && !registered("location", "$fu")) {{ sl_send_reply("403", "Register First"); exit; }}
    record_route();
    if ($rU == "nobody") {{ sl_send_reply("404", "Not Found"); exit; }}
    $du = "sip:127.0.0.1:{reflector}";
    if (af == INET6) {{ $du = "sip:[::1]:{reflector6}"; }}
    t_relay(); exit;
  }}
  sl_send_reply("405", "Method Not Allowed");
}}
event_route[xhttp:request] {{
  if ($hu == "/sip" && $hdr(Upgrade) =~ "websocket") {{ if (ws_handle_handshake()) {{ exit; }} }}
  xhttp_reply("404", "Not Found", "text/plain", "no");
}}
"""

ALICE = Credentials("alice", "secret")


@dataclass
class Service:
    port: int
    tls: int
    """The port of TLS and WSS."""
    folder: Path
    process: "subprocess.Popen[bytes]"

    def probe(self, user: str, kind: Kind, credentials: Credentials | None = None, over: str = "udp") -> Outcome:
        return self.ask(self.uri(user, over), kind, credentials)

    def ask(self, uri: str, kind: Kind, credentials: Credentials | None = None, path: str = "/sip") -> Outcome:
        ca_file = str(self.folder / "cert.pem")
        target = Target("t", "t", uri, kind, credentials=credentials, talk_us=400_000, ca_file=ca_file, path=path)
        return asyncio.run(probe_target(target))

    def uri(self, user: str, over: str) -> str:
        transport = over.removesuffix("6")
        host = "[::1]" if over.endswith("6") else "localhost" if over in ("tls", "wss") else "127.0.0.1"
        port = self.tls if over in ("tls", "wss") else self.port
        return f"sip:{user}@{host}:{port};transport={transport}"


TRANSPORTS = ["udp", "tcp", "tls", "ws", "wss", "udp6", "tcp6"]


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def reflecting(host: str) -> Iterator[int]:
    command = [sys.executable, "-m", "clearline", "reflector", "--listen", f"{host}:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline().rpartition(":")[2].partition("/")[0])
        process.terminate()


@pytest.fixture(scope="module")
def reflector() -> Iterator[int]:
    yield from reflecting("127.0.0.1")


@pytest.fixture(scope="module")
def reflector6() -> Iterator[int]:
    yield from reflecting("[::1]")


@pytest.fixture(scope="module")
def service(
    request: pytest.FixtureRequest, reflector: int, reflector6: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("kamailio")
    port, tls = free_port(), free_port()
    write_certificate(folder, "localhost", from_days=-1, until_days=30)
    config = folder / "kamailio.cfg"
    config.write_text(
        CONFIG.format(
            port=port,
            tls=tls,
            folder=folder,
            reflector=reflector,
            reflector6=reflector6,
            algorithm=getattr(request, "param", "MD5"),
        )
    )
    command = ["kamailio", "-f", str(config), "-DD", "-E", "-m", "32", "-M", "4", "-Y", str(folder), "-w", str(folder)]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True) as process,
    ):
        made = Service(port, tls, folder, process)
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


@pytest.mark.parametrize("over", TRANSPORTS)
def test_options_is_answered_over_every_transport(service: Service, over: str) -> None:
    outcome = service.probe("x", "options", over=over)
    assert (outcome.ok, outcome.reason) == (True, "200 Keepalive")
    assert (outcome.expires_at_us is not None) == (over in ("tls", "wss"))


def test_a_server_that_says_503_is_down_with_its_reason(service: Service) -> None:
    outcome = service.probe("broken", "options")
    assert (outcome.ok, outcome.code) == (False, 503)
    assert outcome.reason.startswith("503 Maintenance: ")


@pytest.mark.parametrize("service", ["SHA-256"], indirect=True)
def test_a_password_is_proven_by_sha_256(service: Service) -> None:
    assert service.probe("alice", "register", ALICE).ok
    assert service.probe("alice", "register", Credentials("alice", "wrong")).code == 401
    assert service.probe("echo", "call", ALICE).ok


@pytest.mark.parametrize("over", TRANSPORTS)
def test_an_account_registers_and_takes_its_registration_back(service: Service, over: str) -> None:
    outcome = service.probe("alice", "register", ALICE, over)
    assert (outcome.ok, outcome.code) == (True, 200), outcome


def test_a_wrong_password_is_said_to_be_wrong(service: Service) -> None:
    outcome = service.probe("alice", "register", Credentials("alice", "wrong"))
    assert (outcome.ok, outcome.code) == (False, 401)
    assert "user or password was not accepted" in outcome.reason


@pytest.mark.parametrize("over", TRANSPORTS)
def test_a_call_goes_through_the_record_routing_proxy_and_its_audio_comes_back(service: Service, over: str) -> None:
    outcome = service.probe("echo", "call", ALICE, over)
    assert (outcome.ok, outcome.code) == (True, 200), outcome
    assert outcome.media is not None
    assert (outcome.media.sent, outcome.media.lost) == (20, 0)
    assert outcome.media.mos_lq_x100 is not None
    assert outcome.media.mos_lq_x100 >= 430


def test_keys_pressed_in_a_call_come_back_through_the_proxy(service: Service) -> None:
    target = Target("t", "t", service.uri("echo", "udp"), "call", credentials=ALICE, talk_us=400_000, digits="1#")
    outcome = asyncio.run(probe_target(target))
    assert outcome.ok, outcome
    assert outcome.media is not None
    assert (outcome.media.digits, outcome.media.silent) == ("1#", False)


def test_a_call_without_the_password_and_one_to_nobody_are_refused_with_their_reason(service: Service) -> None:
    assert service.probe("echo", "call", Credentials("alice", "wrong")).code == 407
    assert service.probe("nobody", "call", ALICE).reason == "404 Not Found: nobody has this number"


@pytest.mark.parametrize("over", ["udp", "tcp", "tls", "wss"])
def test_where_only_registered_telephones_may_call_the_account_is_registered_meanwhile(
    service: Service, over: str
) -> None:
    ca_file, uri = str(service.folder / "cert.pem"), service.uri("members", over)
    target = Target("t", "t", uri, "call", credentials=ALICE, talk_us=400_000, ca_file=ca_file, path="/sip")
    codes = [asyncio.run(probe_target(replace(target, registers=registers))).code for registers in (False, True, False)]
    assert codes == [403, 200, 403]
    outcome = asyncio.run(probe_target(replace(target, registers=True, credentials=Credentials("alice", "wrong"))))
    assert outcome.reason == "it cannot register: 401 Unauthorized: user or password was not accepted"


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_a_websocket_is_found_under_its_path_alone(service: Service, scheme: str) -> None:
    place = f"localhost:{service.tls}" if scheme == "wss" else f"127.0.0.1:{service.port}"
    found, missed = (service.ask(f"{scheme}://{place}{path}", "websocket") for path in ("/sip", "/chat"))
    assert (found.ok, found.code) == (True, 101), found
    assert not missed.ok
    assert missed.reason.endswith("refuses the WebSocket: 404 Not Found")


def test_a_wrong_path_fails_the_probe_over_websocket(service: Service) -> None:
    outcome = service.ask(service.uri("x", "ws"), "options", path="/chat")
    assert not outcome.ok
    assert "refuses the WebSocket: 404" in outcome.reason


def test_a_tls_probe_tells_when_the_certificate_ends(service: Service) -> None:
    outcome = service.ask(f"tls:localhost:{service.tls}", "tls")
    assert outcome.ok, outcome
    assert outcome.reason == "the certificate is accepted, for localhost"
    assert outcome.expires_at_us is not None
    assert 29 <= (outcome.expires_at_us / 1e6 - time.time()) / 86_400 <= 30


def test_a_frozen_server_is_no_answer_and_a_thawed_one_answers(service: Service) -> None:
    os.killpg(service.process.pid, signal.SIGSTOP)
    frozen = service.probe("x", "options")
    os.killpg(service.process.pid, signal.SIGCONT)
    assert frozen.reason == "no answer within 4 s (sent 4 times)"
    assert service.probe("x", "options").ok
