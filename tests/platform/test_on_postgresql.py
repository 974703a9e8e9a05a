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
    "test_public_components.py::test_where_customers_fared_differently_the_page_says_how_it_was_for_the_worst",
    "test_reports.py::test_reports_are_limited_by_customer",
    "test_status.py::test_who_asks_is_told_after_confirming_and_leaves_by_one_click",
    "test_status.py::test_maintenance_of_a_listed_component_is_told_without_the_customer",
    "test_webhooks.py::test_a_subscriber_confirms_by_webhook_and_is_told_of_an_incident_that_it_can_verify",
    "test_statements.py::test_a_late_answer_is_credited_by_the_hour",
    "test_statements.py::test_announced_maintenance_is_taken_out",
]


@pytest.mark.peer
@pytest.mark.slow
def test_set_up_doors_leases_the_audit_trail_the_status_page_and_statements_work_on_it(
    postgresql: Server,
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", *(str(HERE / name) for name in SUBSET)],
        cwd=ROOT,
        env={**os.environ, "CLEARLINE_DATABASE": f"{postgresql.url}?application_name=clearline"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
