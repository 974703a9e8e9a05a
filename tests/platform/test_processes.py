"""The long-running commands end cleanly, and `setup` may run again and again."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from clearline.records.store import Records

MEASURES_WITHIN_S = 120.0
ENDS_WITHIN_S = 30.0
"""On an idle machine it takes seconds, and well under one; a test machine may be busy with other tests."""


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that end with the test, however it ends."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def start(data: Path, *words: str, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "clearline.platform", *words],
        env=os.environ | {"CLEARLINE_DATA": str(data)} | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(data: Path, *words: str, **env: str) -> str:
    process = start(data, *words, **env)
    said, errors = process.communicate(timeout=180)
    assert process.returncode == 0, errors
    return said


@pytest.mark.slow
def test_setup_prints_one_link_and_the_prober_measures_before_anybody_signs_in(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    reflector = {"CLEARLINE_REFLECTOR": "sip:127.0.0.1:9", "CLEARLINE_PROBE_INTERVAL_SECONDS": "1"}
    links = {run(tmp_path, "setup", **reflector) for _ in range(2)}
    assert all(re.fullmatch(r"Sign in, once and within an hour: http://\S+/welcome/\S+/\n", link) for link in links)
    started += [start(tmp_path, "probe_targets", **reflector), start(tmp_path, "work")]
    store = Records(tmp_path / "records")
    deadline = time.monotonic() + MEASURES_WITHIN_S
    while time.monotonic() < deadline:
        found = store.probe_samples(tenant="provider-1", targets=["target-1"], since_us=0, until_us=time.time_ns())
        if found:
            break
        time.sleep(0.2)
    assert found
    assert not found[0].ok
    for process in started:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=ENDS_WITHIN_S)
        assert process.returncode == 0, errors
