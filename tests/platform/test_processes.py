"""The long-running commands end cleanly, and `setup` may run again and again."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clearline.records.store import Records

ENDS_WITHIN_S = 10.0
"""On an idle machine it is well under a second; a test machine may be busy with other tests."""


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
    said, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return said


@pytest.mark.slow
def test_setup_prints_one_link_and_the_prober_measures_before_anybody_signs_in(tmp_path: Path) -> None:
    reflector = {"CLEARLINE_REFLECTOR": "sip:127.0.0.1:9", "CLEARLINE_PROBE_INTERVAL_SECONDS": "1"}
    links = {run(tmp_path, "setup", **reflector) for _ in range(2)}
    assert all(re.fullmatch(r"Sign in, once and within an hour: http://\S+/welcome/\S+/\n", link) for link in links)
    prober, worker = start(tmp_path, "probe_targets", **reflector), start(tmp_path, "work")
    store = Records(tmp_path / "records")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = store.probe_samples(tenant="provider-1", targets=["target-1"], since_us=0, until_us=time.time_ns())
        if found:
            break
        time.sleep(0.2)
    assert found
    assert not found[0].ok
    for process in (prober, worker):
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=ENDS_WITHIN_S)
        assert process.returncode == 0, errors
