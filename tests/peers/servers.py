"""Real SIP servers to break: Kamailio and rtpengine from Debian, each in a process group of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.certificates import Authority

REALM = "voip.test"

CONFIG = """
debug=0
log_stderror=yes
children=1
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
loadmodule "cfgutils.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "auth.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
modparam("auth", "nonce_expire", 30)
modparam("pv", "shvset", "password=s:secret")
#!ifdef WITH_TLS
listen=tls:127.0.0.1:{tls}
enable_tls=yes
loadmodule "tls.so"
modparam("tls", "config", "{folder}/tls.cfg")
loadmodule "ctl.so"
modparam("ctl", "binrpc", "unix:{folder}/ctl")
#!endif
#!ifdef WITH_MEDIA
loadmodule "rtpengine.so"
modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:{control}")
#!endif
request_route {{
  if (is_method("OPTIONS")) {{
    if ($rU == "slow") {{ usleep("100000"); }}
    if ($rU == "other-password") {{ $shv(password) = "other"; }}
    if ($rU == "first-password") {{ $shv(password) = "secret"; }}
    sl_send_reply("200", "OK"); exit;
  }}
  if (is_method("REGISTER")) {{
    if (!pv_www_authenticate("voip.test", "$shv(password)", "0")) {{ www_challenge("voip.test", "1"); exit; }}
    save("location"); exit;
  }}
#!ifdef WITH_MEDIA
  if (has_totag()) {{
    if (is_method("BYE")) {{ rtpengine_delete(); }}
    if (loose_route()) {{ t_relay(); exit; }}
    if (is_method("ACK")) {{ t_relay(); exit; }}
    sl_send_reply("404", "Not in a dialog"); exit;
  }}
  if (is_method("INVITE")) {{
    record_route();
    if (!rtpengine_offer("replace-origin replace-session-connection")) {{
      sl_send_reply("503", "No media relay"); exit;
    }}
    t_on_reply("media");
    $du = "sip:127.0.0.1:{reflector}";
    t_relay(); exit;
  }}
#!endif
  sl_send_reply("405", "Method Not Allowed");
}}
#!ifdef WITH_MEDIA
onreply_route[media] {{
  if (has_body("application/sdp")) {{ rtpengine_answer("replace-origin replace-session-connection"); }}
}}
#!endif
"""

TLS_CONFIG = """
[server:default]
method = TLSv1.2+
certificate = {folder}/cert.pem
private_key = {folder}/key.pem
[client:default]
verify_certificate = no
"""


def missing() -> str:
    """Which Debian packages are needed and not there; empty when all are."""
    modules = next(Path("/usr/lib").glob("*/kamailio/modules"), Path("/nowhere"))
    needed = {
        "kamailio": shutil.which("kamailio"),
        "kamailio-tls-modules": (modules / "tls.so").exists(),
        "rtpengine-daemon": shutil.which("rtpengine"),
    }
    return " ".join(package for package, there in needed.items() if not there)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Server:
    """A program that can be started, killed, asked to end, frozen and thawed."""

    def __init__(self, folder: Path, command: list[str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, start_new_session=True)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, number)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
        self._process = None

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
        self._process = None

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")


class Kamailio(Server):
    """A registrar that answers OPTIONS; with `media` it sends calls through rtpengine to a reflector."""

    def __init__(self, folder: Path, *, tls: bool = False, media: "tuple[int, int] | None" = None) -> None:
        self.port, self.tls = free_port(), free_port()
        control, reflector = media or (0, 0)
        folder.mkdir(parents=True)
        config = folder / "kamailio.cfg"
        config.write_text(
            CONFIG.format(port=self.port, tls=self.tls, folder=folder, control=control, reflector=reflector)
        )
        defined = [*(["-A", "WITH_TLS"] if tls else []), *(["-A", "WITH_MEDIA"] if media else [])]
        run = ["kamailio", "-f", str(config), "-DD", "-E", "-m", "32", "-M", "4", "-Y", str(folder)]
        super().__init__(folder, [*run, *defined])
        if tls:
            (folder / "tls.cfg").write_text(TLS_CONFIG.format(folder=folder))
            self._authority = Authority("tests")
            self._authority.write_own(folder / "trusted.pem")
            self._authority.write(folder, "localhost", from_days=-30, until_days=30)

    def ask(self, user: str, times: int = 1) -> None:
        """Send OPTIONS for a user that means something to the configuration, without waiting for the answers."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for number in range(times):
                request = (
                    f"OPTIONS sip:{user}@127.0.0.1:{self.port} SIP/2.0\r\n"
                    f"Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK{user}{number}\r\n"
                    f"From: <sip:x@127.0.0.1>;tag={number}\r\nTo: <sip:{user}@127.0.0.1>\r\n"
                    f"Call-ID: {user}-{number}-{time.monotonic_ns()}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 9\r\n"
                    "Content-Length: 0\r\n\r\n"
                )
                sender.sendto(request.encode(), ("127.0.0.1", self.port))

    def show_certificate(self, *, valid: bool) -> None:
        """Show another certificate from the next connection on, one that is valid or one that has expired."""
        self._authority.write(self.folder, "localhost", from_days=-30, until_days=30 if valid else -1)
        subprocess.run(
            ["kamcmd", "-s", f"unix:{self.folder}/ctl", "tls.reload"], check=True, capture_output=True, timeout=10
        )


class Rtpengine(Server):
    """The media relay, in userspace."""

    PORTS = 200

    def __init__(self, folder: Path) -> None:
        self.control = free_port()
        self.first = 40_000 + (os.getpid() * 7) % 60 * self.PORTS
        always = "--config-file=none --foreground --log-stderr --table=-1 --interface=127.0.0.1 --num-threads=1"
        ports = [f"--port-min={self.first}", f"--port-max={self.first + self.PORTS - 1}"]
        super().__init__(folder, ["rtpengine", *always.split(), f"--listen-ng=127.0.0.1:{self.control}", *ports])

    def block(self, *, blocked: bool) -> None:
        """Let a packet filter drop what comes to its media ports."""
        ports = f"{self.first}:{self.first + self.PORTS - 1}"
        rule = ["INPUT", "-i", "lo", "-p", "udp", "--dport", ports, "-j", "DROP"]
        subprocess.run(["iptables", "-w", "-I" if blocked else "-D", *rule], check=True, capture_output=True)


def can_block() -> bool:
    """Whether this process may change the packet filter."""
    if shutil.which("iptables") is None:
        return False
    return subprocess.run(["iptables", "-w", "-L", "INPUT", "-n"], capture_output=True, check=False).returncode == 0


class Reflector(Server):
    """Our own endpoint, which echoes the media of calls."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        where = f"127.0.0.1:{self.port}"
        super().__init__(folder, [sys.executable, "-m", "clearline", "reflector", "--listen", where])
