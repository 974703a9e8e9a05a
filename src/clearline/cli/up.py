"""`up`: runs the platform. One keeper, four children: web, worker, prober, reflector."""

import contextlib
import fcntl
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TextIO

import typer

from clearline.cli.configured import configured
from clearline.cli.exits import BAD_INPUT, NOT_SO, fail
from clearline.cli.keeper import Child, Keeper

app = typer.Typer(add_completion=False)

WEB = "127.0.0.1:8080"
REFLECTOR = "127.0.0.1:5062"
PORTS_TRIED = 20
"""When a default port is taken, this many after it are tried. A port that was asked for is taken or refused."""

FREED_WITHIN_S = 10.0
"""After the keeper was killed, its children end by themselves; their ports are free this soon."""

READY_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen: host and port."""

    host: str
    port: int

    def __str__(self) -> str:
        """Write it as `host:port`, an IPv6 host in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str, option: str) -> "Address":
        """Read `host:port`; leave with status 2 when it is not one."""
        host, _, port = text.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            fail(f"{option}: {text!r} is not HOST:PORT, such as {WEB}", BAD_INPUT)
        return cls(host.strip("[]"), int(port))

    def is_free(self, kind: socket.SocketKind) -> bool:
        """Say whether a socket of this kind could listen here now."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family, kind) as trial:
            if kind is socket.SOCK_STREAM:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((self.host, self.port))
            except OSError:
                return False
        return True


@app.command()
def up(
    listen: Annotated[str | None, typer.Option(envvar="CLEARLINE_LISTEN", help=f"Web address [{WEB}].")] = None,
    reflector: Annotated[str | None, typer.Option(help=f"The reflector's address [{REFLECTOR}].")] = None,
    target: Annotated[
        list[str] | None, typer.Option(help="A SIP endpoint to measure, such as sip:pbx.example.")
    ] = None,
) -> None:
    """Run the platform: sets up what is missing, prints its address and, at first, a one-time sign-in link."""
    data = data_directory()
    with only_one(data / "run") as lock_file:
        was_killed = (data / "run" / "status.json").exists()
        patience_s = FREED_WITHIN_S if was_killed else 0.0
        web_address = _choose(listen, WEB, "--listen", socket.SOCK_STREAM, patience_s)
        reflector_address = _choose(reflector, REFLECTOR, "--reflector", socket.SOCK_DGRAM, patience_s)
        lock_file.write(json.dumps({"pid": os.getpid(), "address": f"http://{web_address}"}))
        lock_file.flush()
        env = os.environ | {
            "CLEARLINE_DATA": str(data),
            "CLEARLINE_LISTEN": str(web_address),
            "CLEARLINE_REFLECTOR": f"sip:{reflector_address}",
        }
        if target:
            env["CLEARLINE_TARGETS"] = " ".join(target)
        sys.stderr.write("clearline: preparing the database in " + str(data) + "\n")
        said = _set_up(env)
        threading.Thread(target=_announce, args=(web_address, said, data), daemon=True).start()
        Keeper(children(env, web_address, reflector_address), data / "run", data / "log").run()
        sys.stderr.write("clearline: stopped\n")


def children(env: dict[str, str], web: Address, reflector: Address) -> list[Child]:
    """The processes of the platform, each safe to kill at any time."""
    python = sys.executable
    granian = [
        str(Path(python).parent / "granian"),
        *("--interface", "wsgi", "--host", web.host, "--port", str(web.port)),
        *("--workers", "1", "--blocking-threads", "4", "--respawn-failed-workers", "--no-ws"),
        "clearline.platform.wsgi:application",
    ]
    manage = [python, "-m", "clearline.platform"]
    return [
        Child("reflector", [python, "-m", "clearline", "reflector", "--listen", str(reflector)], env),
        Child("web", granian, env),
        Child("worker", [*manage, "work"], env),
        Child("prober", [*manage, "probe_targets"], env),
    ]


def data_directory() -> Path:
    """Where everything is kept: the setting `data`. Leave with status 2 when a setting is wrong."""
    return configured().data.resolve()


def running(run: Path) -> dict[str, str | int] | None:
    """Say which process runs the platform and its address; None when none does."""
    try:
        with (run / "up.lock").open("r") as lock_file:
            try:
                fcntl.flock(lock_file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                found: dict[str, str | int] = json.loads(lock_file.read() or "{}")
                return found
    except (FileNotFoundError, NotADirectoryError):
        pass
    return None


@contextlib.contextmanager
def only_one(run: Path) -> Iterator[TextIO]:
    """Hold the lock that makes this the only platform on this data; leave with status 1 when another one has it."""
    try:
        run.mkdir(parents=True, exist_ok=True)
        lock = (run / "up.lock").open("a")
    except OSError as error:
        fail(f"cannot write to {run}: {error.strerror}; name another folder by CLEARLINE_DATA", BAD_INPUT)
    with lock as lock_file:
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = running(run) or {}
            address = other.get("address", "an address not known yet")
            fail(f"runs already at {address} (process {other.get('pid', 'unknown')}); ./clearline stop ends it", NOT_SO)
        lock_file.truncate(0)
        yield lock_file


def _choose(asked: str | None, default: str, option: str, kind: socket.SocketKind, patience_s: float) -> Address:
    first = Address.parse(asked or default, option)
    deadline = time.monotonic() + patience_s
    while not first.is_free(kind) and time.monotonic() < deadline:
        time.sleep(0.1)
    if first.is_free(kind):
        return first
    if asked is None:
        for port in range(first.port + 1, first.port + PORTS_TRIED):
            if (address := Address(first.host, port)).is_free(kind):
                return address
    return fail(f"{first} is taken by another program; give a free one with {option} HOST:PORT", NOT_SO)


def _set_up(env: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "clearline.platform", "setup"], env=env, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        fail("the database could not be prepared; the lines above say why", done.returncode)
    return done.stdout


def _announce(web: Address, said: str, data: Path) -> None:
    """Print the address once the first page answers."""
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://{web}/healthz", timeout=2),
        ):  # our own address
            sys.stdout.write(f"Clearline is up at http://{web}\n{said}Stop it with Ctrl-C.\n")
            sys.stdout.flush()
            return
        time.sleep(0.1)
    sys.stderr.write(f"clearline: no answer at http://{web} yet; see {data / 'log' / 'web.log'}\n")
