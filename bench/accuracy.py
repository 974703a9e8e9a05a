"""How near the scores come to P.862 on recorded speech through real codecs, beside the formulas of other programs.

Runs `bench/speech` in the environment that tools/accuracy makes.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv-accuracy" / "bin" / "python"
MISSING = 3


def main(argv: list[str]) -> int:
    """Run the bench in its environment.

    Returns:
        0; 2 for options it does not know; 3 when something it needs is not installed.
    """
    if not PYTHON.exists():
        sys.stderr.write(
            "bench accuracy needs recorded speech, codecs and reference scores that are not here\n"
            f"install them with: {ROOT / 'tools' / 'accuracy'}\n"
        )
        return MISSING
    paths = os.pathsep.join(map(str, (ROOT / "bench", ROOT / "src")))
    environment = os.environ | {"PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.call([PYTHON, "-m", "speech", *argv], env=environment)
