"""Servers found by a real name server (NSD), and tried in turn over real sockets."""

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from clearline.sensors.probe.edge import probe_target
from clearline.sensors.probe.outcome import Outcome
from clearline.sensors.probe.target import Kind, Target

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(shutil.which("nsd") is None, reason="nsd is not installed (Debian package nsd)"),
]

CONFIG = """
server:
  ip-address: 127.0.0.1@{port}
  username: ""
  zonesdir: "{folder}"
  pidfile: ""
  database: ""
  zonelistfile: "{folder}/zone.list"
  xfrdfile: "{folder}/xfrd.state"
  server-count: 1
remote-control:
  control-enable: no
zone:
  name: voip.test
  zonefile: voip.zone
"""

HEAD = """
$ORIGIN voip.test.
$TTL 60
@ IN SOA ns hostmaster 1 3600 600 86400 60
@ IN NS ns
ns IN A 127.0.0.1
four IN A 127.0.0.1
six IN AAAA ::1
both IN A 127.0.0.1
both IN AAAA ::1
alias IN CNAME other
other IN CNAME four
loop IN CNAME pool
pool IN CNAME loop
text IN TXT "no address"
"""


@dataclass
class NameServer:
    port: int

    def probe(self, uri: str, kind: Kind = "options", timeout_us: int = 400_000) -> Outcome:
        target = Target("t", "t", uri, kind, timeout_us=timeout_us, name_server=("127.0.0.1", self.port))
        return asyncio.run(probe_target(target))


Start = Callable[[str], NameServer]


def closed_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def name_server(tmp_path: Path) -> Iterator[Start]:
    """Start NSD with the records of a zone beside those of HEAD."""
    running: list[subprocess.Popen[bytes]] = []

    def start(records: str) -> NameServer:
        made = NameServer(closed_port())
        (tmp_path / "voip.zone").write_text(HEAD + records)
        (tmp_path / "nsd.conf").write_text(CONFIG.format(port=made.port, folder=tmp_path))
        with (tmp_path / "log").open("wb") as log:
            running.append(subprocess.Popen(["nsd", "-d", "-c", str(tmp_path / "nsd.conf")], stdout=log, stderr=log))
        until = time.monotonic() + 15
        while not made.probe("sip:four.voip.test:5060", "dns").ok:
            assert time.monotonic() < until, (tmp_path / "log").read_text()
        return made

    yield start
    for process in running:
        process.terminate()
        process.wait(10)


def test_naptr_srv_and_addresses_are_followed_in_order(name_server: Start) -> None:
    made = name_server("""
@ IN NAPTR 20 10 "s" "SIP+D2T" "" _sip._tcp.voip.test.
@ IN NAPTR 10 20 "s" "SIP+D2T" "" _sip._tcp.voip.test.
@ IN NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp.voip.test.
_sips._tcp IN SRV 20 0 5071 four
_sips._tcp IN SRV 10 0 5070 both
_sip._tcp IN SRV 0 0 5080 alias
""")
    outcome = made.probe("sip:voip.test", "dns")
    assert outcome.ok
    assert outcome.reason == "[::1]:5070/tls, 127.0.0.1:5070/tls, 127.0.0.1:5071/tls, 127.0.0.1:5080/tcp"
    assert outcome.steps[0].startswith("NAPTR voip.test: ")
    assert "SRV _sip._tcp.voip.test: 0 0 alias.voip.test:5080" in outcome.steps


def test_a_refused_a_silent_and_an_unwilling_server_are_passed_over(
    name_server: Start, sip_server: Callable[..., int]
) -> None:
    refused, silent, unwilling, good = closed_port(), sip_server(0), sip_server(503), sip_server(200, "::1")
    made = name_server(f"""
_sip._udp IN SRV 1 0 {refused} four
_sip._udp IN SRV 2 0 {silent} alias
_sip._udp IN SRV 3 0 {unwilling} four
_sip._udp IN SRV 4 0 {good} six
""")
    outcome = made.probe("sip:voip.test;transport=udp")
    assert (outcome.ok, outcome.code, outcome.endpoint) == (True, 200, f"[::1]:{good}/udp")
    assert outcome.reason == (
        f"200 OK from [::1]:{good}/udp, after refused: nothing listens on 127.0.0.1:{refused}/udp (ICMP port"
        f" unreachable); 127.0.0.1:{silent}/udp: no answer within 0.4 s (sent once);"
        f" 127.0.0.1:{unwilling}/udp: 503 Service Unavailable: the server is overloaded or in maintenance"
    )


def test_an_account_registers_at_the_next_server_when_the_first_says_503(
    name_server: Start, sip_server: Callable[..., int]
) -> None:
    first, second = sip_server(503), sip_server(200)
    made = name_server(f"_sip._udp IN SRV 1 0 {first} four\n_sip._udp IN SRV 2 0 {second} four\n")
    outcome = made.probe("sip:alice@voip.test;transport=udp", "register")
    assert (outcome.ok, outcome.endpoint) == (True, f"127.0.0.1:{second}/udp")


def test_a_final_answer_that_is_not_503_ends_the_search(name_server: Start, sip_server: Callable[..., int]) -> None:
    first, second = sip_server(400), sip_server(200)
    made = name_server(f"_sip._udp IN SRV 1 0 {first} four\n_sip._udp IN SRV 2 0 {second} four\n")
    assert made.probe("sip:voip.test;transport=udp").code == 400


def test_when_all_fail_each_is_named_with_its_reason(name_server: Start, sip_server: Callable[..., int]) -> None:
    first, second = sip_server(503), closed_port()
    made = name_server(f"_sip._udp IN SRV 1 0 {first} four\n_sip._udp IN SRV 2 0 {second} four\n")
    outcome = made.probe("sip:voip.test;transport=udp")
    assert not outcome.ok
    assert outcome.reason.startswith(f"none of 2 servers serves: 127.0.0.1:{first}/udp: 503 Service Unavailable: ")
    assert f"nothing listens on 127.0.0.1:{second}/udp" in outcome.reason


def test_without_service_records_the_host_itself_answers_and_a_cname_is_followed(
    name_server: Start, sip_server: Callable[..., int]
) -> None:
    port = sip_server(200)
    made = name_server("")
    assert made.probe(f"sip:alias.voip.test:{port}").ok
    assert made.probe("sip:six.voip.test", "dns").reason == "[::1]:5060/udp"


@pytest.mark.parametrize("host", ["nosuch", "text", "loop"])
def test_no_such_name_no_address_and_a_circle_are_failures_of_the_dns(name_server: Start, host: str) -> None:
    outcome = name_server("").probe(f"sip:{host}.voip.test")
    assert (outcome.ok, outcome.code) == (False, None)
    assert outcome.reason == f"the name {host}.voip.test does not resolve: it has no address"
    assert outcome.steps[0].startswith(f"NAPTR {host}.voip.test: ")


def test_a_question_the_name_server_may_not_answer_is_refused_and_said_so(name_server: Start) -> None:
    outcome = name_server("").probe("sip:elsewhere.example")
    assert not outcome.ok
    assert "NAPTR elsewhere.example: the name server refuses or fails" in outcome.steps


def test_a_silent_name_server_is_named_with_the_question(udp_server: Callable[..., int]) -> None:
    silent = NameServer(udp_server(lambda _: None))
    outcome = silent.probe("sip:voip.test", timeout_us=300_000)
    assert outcome.reason == "the name server did not answer when asked for NAPTR voip.test"


@pytest.mark.parametrize("reply", [lambda _: b"\0", lambda data: data[:2] + b"\xff" * 40, lambda data: data[:12]])
def test_a_name_server_that_answers_nonsense_is_no_answer(
    udp_server: Callable[..., int], reply: Callable[[bytes], bytes]
) -> None:
    outcome = NameServer(udp_server(reply)).probe("sip:voip.test", timeout_us=300_000)
    assert not outcome.ok
    assert outcome.reason
    assert outcome.steps
