"""SIPp calls the reflector: a foreign user agent's view of our server side."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(shutil.which("sipp") is None, reason="sipp is not installed (Debian package sip-tester)"),
]


@pytest.fixture
def reflector() -> Iterator[str]:
    command = [sys.executable, "-m", "clearline", "reflector", "--listen", "127.0.0.1:0", "--ring", "0.05"]
    command += ["--requests-per-second", "500"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1].removesuffix("/udp")
        process.terminate()


def sipp(folder: Path, place: str, *options: str) -> tuple[int, str]:
    command = ["sipp", place, "-i", "127.0.0.1", "-nostdin", "-trace_stat", "-stf", str(folder / "stat.csv"), *options]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=40)
    return result.returncode, result.stdout + result.stderr


def column(folder: Path, name: str) -> int:
    lines = (folder / "stat.csv").read_text().splitlines()
    found = dict(zip(lines[0].split(";"), lines[-1].split(";"), strict=False))
    return int(re.sub(r"\D", "", found[name]))


def test_sipps_caller_scenario_completes_every_call(reflector: str, tmp_path: Path) -> None:
    status, said = sipp(tmp_path, reflector, "-sn", "uac", "-m", "20", "-r", "20", "-l", "8", "-d", "200")
    assert status == 0, said[-2000:]
    assert column(tmp_path, "SuccessfulCall(C)") == 20
    assert column(tmp_path, "FailedCall(C)") == 0


def test_more_calls_at_a_time_than_one_source_may_have_are_refused(reflector: str, tmp_path: Path) -> None:
    status, _ = sipp(tmp_path, reflector, "-sn", "uac", "-m", "15", "-r", "100", "-l", "15", "-d", "1500")
    assert status == 1
    assert column(tmp_path, "SuccessfulCall(C)") == 10
    assert column(tmp_path, "FailedCall(C)") == 5
