"""A PostgreSQL server of the tests' own, from Debian's package: in a temporary directory, on loopback, unprivileged."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

USER = "clearline"


def programs() -> Path | None:
    """Where `initdb` and `pg_ctl` are: on the path, or where Debian keeps them."""
    found = shutil.which("pg_ctl")
    places = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((place for place in reversed(places) if (place / "initdb").exists()), None)


class Server:
    """One server. PostgreSQL will not run as root, so root runs it as `nobody`."""

    def __init__(self, directory: Path, bin_directory: Path) -> None:
        self._directory = directory
        self._bin = bin_directory
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        if self._user:
            os.chown(directory, self._user.pw_uid, self._user.pw_gid)
        self._run("initdb", "--auth=trust", f"--username={USER}", "--encoding=UTF8", "--no-locale", "--no-sync")

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._bin / program), "-D", str(self._directory / "data"), *arguments],
            user=self._user.pw_uid if self._user else None,
            group=self._user.pw_gid if self._user else None,
            extra_groups=[] if self._user else None,
            cwd=self._directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # the server keeps it open: a pipe would never end
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            raise AssertionError(f"{program} failed: {self.log()}")

    def log(self) -> str:
        path = self._directory / "log"
        return path.read_text() if path.exists() else ""

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self._directory} -c fsync=off"
        self._run("pg_ctl", "start", "-w", "-l", str(self._directory / "log"), "-o", options)

    def stop(self, mode: str = "fast") -> None:
        """Stop; `immediate` is a crash, from which it recovers at the next start."""
        self._run("pg_ctl", "stop", "-w", "-m", mode)

    @property
    def url(self) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"


@contextmanager
def running() -> Iterator[Server]:
    """A server for a while. Skips the test where there is none on the machine."""
    found = programs()
    if found is None:
        pytest.skip("PostgreSQL's server is not installed: apt-get install postgresql")
    with tempfile.TemporaryDirectory(prefix="clearline-pg-", ignore_cleanup_errors=True) as name:
        server = Server(Path(name), found)
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")
