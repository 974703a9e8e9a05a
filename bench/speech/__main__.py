"""Judge, fit and report. Writes nothing into the tree without --write."""

import argparse
import os
import sys
from pathlib import Path

from speech import report
from speech.codecs import LibraryMissingError
from speech.material import SOUNDS
from speech.measure import measure
from speech.rows import Row, load, save

ROOT = Path(__file__).resolve().parents[2]
JUDGED = ROOT / "build" / "accuracy.csv"
MISSING = 3


def judge_all(share: float) -> list[Row]:
    """Judge all samples, or a share of them, saying how far it is."""
    os.nice(10)
    rows = []
    for row in measure(share):
        rows.append(row)
        if len(rows) % 500 == 0:
            sys.stderr.write(f"{len(rows)} samples judged\n")
    return rows


def missing(what: object) -> int:
    """Say what is missing and how to get it."""
    sys.stderr.write(f"{what} is not installed\ninstall what is missing with: {ROOT / 'tools' / 'accuracy'}\n")
    return MISSING


def main() -> int:
    """Run the bench.

    Returns:
        0, or 3 when something it needs is not there.
    """
    options = argparse.ArgumentParser(prog="clearline bench accuracy", description=__doc__)
    options.add_argument("--samples", type=float, default=1.0, metavar="SHARE", help="share of the usual samples")
    options.add_argument("--reuse", action="store_true", help="report on the last run's judgements")
    options.add_argument("--write", action="store_true", help="write docs/accuracy.md and the calibrated profile")
    chosen = options.parse_args()
    if chosen.reuse and not JUDGED.exists():
        sys.stderr.write("there are no judgements of an earlier run: run without --reuse\n")
        return MISSING
    if not chosen.reuse:
        if not SOUNDS.is_dir():
            return missing(SOUNDS)
        try:
            save(judge_all(chosen.samples), JUDGED)
        except LibraryMissingError as error:
            return missing(error)
    fits = report.fit_all(load(JUDGED))
    text = report.document(fits)
    if chosen.write:
        (ROOT / "docs" / "accuracy.md").write_text(text)
        (ROOT / "src" / "clearline" / "voice" / "calibration.py").write_text(report.calibration(fits))
    sys.stdout.write(text)
    return 0


sys.exit(main())
