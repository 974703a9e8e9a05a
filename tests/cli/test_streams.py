"""Standard streams that are closed, full or cut: a plain error or a quiet end, never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TERMS = ROOT / "agreements" / "voip-level-agreement.yaml"
CLEARLINE = f"{sys.executable} -m clearline"


def shell(line: str, data: Path) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"CLEARLINE_DATA": str(data), "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(["/bin/sh", "-c", line], env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("words", ["analyze -", f"evaluate {TERMS} -", "notices bounce -"])
def test_a_closed_standard_input_is_an_empty_one(words: str, tmp_path: Path) -> None:
    said = shell(f"{CLEARLINE} {words} <&-", tmp_path)
    assert said.returncode in {1, 2}
    assert said.stderr.startswith("clearline: ")
    assert "Traceback" not in said.stderr


def test_a_closed_standard_output_is_no_error(tmp_path: Path) -> None:
    said = shell(f"{CLEARLINE} agreement lint {TERMS} >&-", tmp_path)
    assert (said.returncode, said.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_behind_the_output_is_said_with_status_2(tmp_path: Path) -> None:
    said = shell(f"{CLEARLINE} agreement lint {TERMS} >/dev/full", tmp_path)
    assert said.returncode == 2
    assert (
        said.stderr == "clearline: the output cannot be written: No space left on device; make room and run it again\n"
    )


def test_a_reader_that_leaves_early_ends_it_quietly(tmp_path: Path) -> None:
    assert shell(f"{CLEARLINE} agreement lint {TERMS} | true", tmp_path).stderr == ""


def test_notices_without_a_platform_say_how_to_start_one(tmp_path: Path) -> None:
    notice = tmp_path / "notice.ics"
    notice.write_text("BEGIN:VCALENDAR\nEND:VCALENDAR\n")
    said = shell(f"{CLEARLINE} notices read {notice}", tmp_path / "nowhere")
    assert said.returncode == 2
    assert "./clearline up makes it" in said.stderr
    assert "Traceback" not in said.stderr
