"""The whole platform as a user starts it: it comes up, measures, survives kills, and ends."""

import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from clearline.records.schema import ProbeSample
from clearline.records.store import Records

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("up")]

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("CLEARLINE_", "DJANGO_"))}
OWN_TARGET = "sip:127.0.0.1:9"
PROCESSES = ("reflector", "web", "worker", "prober")


def wait_for(what: Callable[[], Any], within_s: float = 25) -> Any:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.05)
    raise AssertionError("did not come about in time")


def status_of(address: str) -> int | None:
    with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=10) as page:  # noqa: S310  # ours
        return int(page.status)
    return None


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def run_clearline(data: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "clearline", *arguments]
    env = ENVIRONMENT | {"CLEARLINE_DATA": str(data)}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)


class Platform:
    """A platform of its own in a folder of its own, probing every second."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.env = ENVIRONMENT | {
            "CLEARLINE_DATA": str(data),
            "CLEARLINE_PROBE_INTERVAL_SECONDS": "1",
            "CLEARLINE_TARGETS": OWN_TARGET,
        }
        self.web = f"127.0.0.1:{free_port(socket.SOCK_STREAM)}"
        self.reflector = f"127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
        self.said = ""
        self.process = self.up()
        self.until_it_says("Stop it with")

    def up(self) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "clearline", "up", "--listen", self.web, "--reflector", self.reflector]
        return subprocess.Popen(command, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def end(self) -> int:
        self.process.terminate()
        self.process.communicate(timeout=30)
        return self.process.returncode

    def until_it_says(self, words: str) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if words in line:
                return line
        raise AssertionError(f"never said {words!r}, but: {self.said}")

    def clearline(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return run_clearline(self.data, *arguments)

    def pid(self, name: str) -> int | None:
        with contextlib.suppress(FileNotFoundError):
            rows = json.loads((self.data / "run" / "status.json").read_text())
            return next((row["pid"] for row in rows if row["name"] == name), None)
        return None

    def samples(self) -> list[ProbeSample]:
        with contextlib.closing(sqlite3.connect(self.data / "clearline.sqlite3")) as database:
            found = database.execute("select id, provider_id from availability_target where built_in").fetchall()
        if not found:
            return []
        records = Records(self.data / "records")
        try:
            return records.probe_samples(
                tenant=f"provider-{found[0][1]}", targets=[f"target-{found[0][0]}"], since_us=0, until_us=2**62
            )
        finally:
            records.close()


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    platform = Platform(tmp_path_factory.mktemp("data"))
    yield platform
    platform.end()


def test_it_says_where_it_is_and_how_to_sign_in(platform: Platform) -> None:
    assert f"Clearline is up at http://{platform.web}\n" in platform.said
    link = re.search(r"http://\S+/welcome/\S+", platform.said)
    assert link
    assert status_of(link.group()) == 200


def test_a_second_one_on_the_same_data_says_that_one_runs_already(platform: Platform) -> None:
    second = platform.clearline("up")
    assert second.returncode == 1
    assert f"runs already at http://{platform.web} (process {platform.process.pid})" in second.stderr


def test_its_status_is_told_to_programs_as_its_schema_says(platform: Platform) -> None:
    rows = json.loads(platform.clearline("status", "--json").stdout)
    jsonschema.validate(
        rows, json.loads((Path(__file__).parents[2] / "docs" / "schemas" / "processes.json").read_text())
    )
    assert {row["name"] for row in rows} == {"reflector", "web", "worker", "prober"}


def test_a_target_named_by_its_setting_is_kept(platform: Platform) -> None:
    with contextlib.closing(sqlite3.connect(platform.data / "clearline.sqlite3")) as database:
        found = database.execute("select uri from availability_target where not built_in").fetchall()
    assert found == [(OWN_TARGET,)]


def test_the_reflector_is_measured_at_once(platform: Platform) -> None:
    sample = wait_for(platform.samples)[0]
    assert (sample.ok, sample.code, sample.kind) == (True, 200, "options")


@pytest.mark.parametrize("name", PROCESSES)
def test_a_killed_process_is_started_again_and_nothing_acknowledged_is_lost(platform: Platform, name: str) -> None:
    before = wait_for(platform.samples)
    pid = wait_for(lambda: platform.pid(name))
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: platform.pid(name) not in {None, pid})
    after = wait_for(lambda: (found := platform.samples()) and len(found) > len(before) + 1 and found)
    assert after[: len(before)] == before
    assert wait_for(lambda: status_of(f"http://{platform.web}/healthz")) == 200


def test_a_stopped_reflector_fails_its_probes_until_it_is_started(platform: Platform) -> None:
    assert platform.clearline("stop", "reflector").returncode == 0
    wait_for(lambda: not platform.samples()[-1].ok)
    assert "stopped" in platform.clearline("status").stdout
    assert platform.clearline("start", "reflector").returncode == 0
    wait_for(lambda: platform.samples()[-1].ok)


def test_what_is_not_a_process_is_refused_with_the_names_that_are(platform: Platform) -> None:
    refused = platform.clearline("stop", "database")
    assert refused.returncode == 2
    assert "there are reflector, web, worker, prober" in refused.stderr


def test_without_a_platform_the_commands_say_how_to_start_one(tmp_path: Path) -> None:
    said = run_clearline(tmp_path, "status")
    assert said.returncode == 1
    assert "./clearline up starts it" in said.stderr


@pytest.mark.parametrize("wrong", ["8080", "localhost", "127.0.0.1:0", "127.0.0.1:99999", "127.0.0.1:http"])
def test_an_address_that_is_none_is_refused(tmp_path: Path, wrong: str) -> None:
    said = run_clearline(tmp_path, "up", "--listen", wrong)
    assert said.returncode == 2
    assert "is not HOST:PORT" in said.stderr


@pytest.mark.parametrize(
    ("name", "wrong"), [("CLEARLINE_LISTEN", "nowhere"), ("CLEARLINE_LOG_LEVEL", "loud"), ("CLEARLINE_URL", "ftp://x")]
)
def test_a_wrong_setting_is_told_by_its_name(tmp_path: Path, name: str, wrong: str) -> None:
    command = [sys.executable, "-m", "clearline", "status"]
    env = ENVIRONMENT | {"CLEARLINE_DATA": str(tmp_path), name: wrong}
    said = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert said.returncode == 2
    assert f"clearline: {name}: " in said.stderr
    assert "Traceback" not in said.stderr


def test_a_data_directory_that_cannot_be_is_said_with_status_2(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    said = run_clearline(file / "data", "up")
    assert said.returncode == 2
    assert "name another folder by CLEARLINE_DATA" in said.stderr
    assert "Traceback" not in said.stderr
    assert run_clearline(file / "data", "status").returncode == 1


def test_a_port_that_was_asked_for_and_is_taken_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        said = run_clearline(tmp_path, "up", "--listen", taken)
    assert said.returncode == 1
    assert f"{taken} is taken by another program" in said.stderr


def test_sigterm_ends_every_process(tmp_path: Path) -> None:
    platform = Platform(tmp_path)
    pids = [wait_for(lambda name=name: platform.pid(name)) for name in PROCESSES]
    assert platform.end() == 0
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
