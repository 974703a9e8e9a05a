"""Both forms of the packet code are tested: which one runs here is known, and the compiled one is never stale."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clearline.voice import packets, streams, timing
from clearline.voice.wire import ethernet, pcap

ROOT = Path(__file__).parents[2]
STAMP = ROOT / "src" / "clearline" / "voice" / ".compiled"


def test_the_tests_run_the_form_they_are_told_to() -> None:
    suffixes = {Path(str(module.__file__)).suffix for module in (packets, streams, timing, ethernet, pcap)}
    wanted = ".so" if os.environ.get("CLEARLINE_COMPILED") and STAMP.exists() else ".py"
    assert suffixes == {wanted}


@pytest.mark.skipif(not (os.environ.get("CLEARLINE_COMPILED") and STAMP.exists()), reason="the sources are tested here")
def test_compiling_again_what_is_up_to_date_is_quiet() -> None:
    done = subprocess.run([sys.executable, ROOT / "tools" / "compile"], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_importing_the_part_imports_nothing_heavy() -> None:
    script = "import clearline.voice, sys; print(sorted(m for m in sys.modules if m.startswith('clearline')))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT / "src")
    assert done.stdout.strip() == "['clearline', 'clearline.voice']"
