"""The platform's own data in PostgreSQL, by configuration alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.postgresql import Server

ROOT = Path(__file__).parents[2]
HERE = Path("tests/platform")
SUBSET = [
    "postgresql_rivals.py",
    "test_processes.py::test_setup_prints_one_link_and_the_prober_measures_before_anybody_signs_in",
    "test_tenancy.py",
    "test_audit.py",
    "test_calls.py::test_a_dead_workers_capture_is_taken_over",
    "test_calls.py::test_what_kills_its_workers_is_given_up",
    "test_statements.py::test_a_late_answer_is_credited_by_the_hour",
    "test_statements.py::test_announced_maintenance_is_taken_out",
]


@pytest.mark.peer
@pytest.mark.slow
def test_set_up_doors_leases_the_audit_trail_and_statements_are_the_same_on_postgresql(postgresql: Server) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", *(str(HERE / name) for name in SUBSET)],
        cwd=ROOT,
        env={**os.environ, "CLEARLINE_DATABASE": f"{postgresql.url}?application_name=clearline"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
