"""The figures of a real Kamailio, as a signal reads them: it does not hang up after its answer."""

import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.peers.servers import Server, free_port

from clearline.platform.alerts.scraping import UnreadError, fetch, figure

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(
        shutil.which("kamailio") is None or not list(Path("/usr/lib").glob("*/kamailio/modules/xhttp_prom.so")),
        reason="the Debian package kamailio is not installed",
    ),
]

CONFIG = """
debug=0
log_stderror=yes
children=1
dns=off
rev_dns=off
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
tcp_accept_no_cl=yes
loadmodule "kex.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "usrloc.so"
loadmodule "xhttp.so"
loadmodule "xhttp_prom.so"
modparam("xhttp_prom", "xhttp_prom_stats", "all")
request_route {{ sl_send_reply("503", "Maintenance"); }}
event_route[xhttp:request] {{ if (prom_check_uri()) {{ prom_dispatch(); }} }}
"""

INVITE = (
    "INVITE sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKx{number}\r\n"
    "From: <sip:x@h>;tag={number}\r\nTo: <sip:x@h>\r\nCall-ID: {number}\r\nCSeq: 1 INVITE\r\nMax-Forwards: 9\r\n"
    "Content-Length: 0\r\n\r\n"
)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    port, config = free_port(), tmp_path / "kamailio.cfg"
    config.write_text(CONFIG.format(port=port))
    server = Server(tmp_path, ["kamailio", "-f", str(config), "-DD", "-E", "-m", "32", "-M", "4", "-Y", str(tmp_path)])
    server.start()
    yield port
    server.kill()


def told(port: int) -> str:
    url = f"http://127.0.0.1:{port}/metrics"
    deadline = time.monotonic() + 30
    while isinstance(found := fetch([url])[url], UnreadError):
        assert "not reached" in str(found), found
        assert time.monotonic() < deadline, found
    return found


def test_the_figures_that_the_documentation_names_are_told_and_rise(port: int) -> None:
    told(port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in range(12):
            sender.sendto(INVITE.format(number=number).encode(), ("127.0.0.1", port))
    deadline = time.monotonic() + 30
    while figure(text := told(port), "kamailio_sl_5xx_replies")[0] < 12:
        assert time.monotonic() < deadline, text
    assert figure(text, "kamailio_core_rcv_requests_invite")[0] == 12
    assert figure(text, "kamailio_usrloc_registered_users") == (0, 1)
