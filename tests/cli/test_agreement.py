"""`clearline agreement lint` and `agreement diff`."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.agreement.samples import AGREEMENT, DEFAULT, ROOT, varied
from tests.cli.invoke import Run, runner
from tests.cli.test_evaluate import write


def published(name: str, said: str) -> Any:
    """What was said, which is as the published schema has it."""
    document = json.loads(said)
    jsonschema.validate(document, json.loads((ROOT / "docs" / "schemas" / f"{name}.json").read_text()))
    return document


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(monkeypatch, capsys)


def test_lint_says_what_the_default_agreement_comes_to(run: Run) -> None:
    made = run("agreement", "lint", DEFAULT)
    assert (made.status, made.err) == (0, "")
    assert "- There is no availability credit before 43 min 12 s of downtime in a 30-day month.\n" in made.out
    assert "warning" not in made.out


def test_lint_leaves_with_1_when_it_warns(run: Run, tmp_path: Path) -> None:
    terms = write(tmp_path / "terms.yaml", varied(AGREEMENT, {"commitments.availability.unknown": "up"}))
    made = run("agreement", "lint", terms)
    assert made.status == 1
    assert "warning: commitments.availability.unknown: time that nobody observed counts as up" in made.out
    as_json = run("agreement", "lint", terms, "--json")
    assert as_json.status == 1
    assert len(published("agreement-lint", as_json.out)["warnings"]) == 1


def test_lint_refuses_what_is_no_agreement(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "terms.yaml"
    file.write_text("a: &b [*b]")
    made = run("agreement", "lint", file)
    assert (made.status, made.out) == (2, "")
    assert "terms.yaml: is not plain YAML: anchors and aliases are not allowed (line 1, column 4)" in made.err


def test_diff_says_what_is_better_worse_and_changed(run: Run, tmp_path: Path) -> None:
    changes = {
        "version": "2",
        "effective": "2027-01-01",
        "commitments.availability.target": "99.95",
        "credits.cap_percent": "50",
        "commitments.maintenance_notice": None,
        "time_zone": "Europe/Berlin",
        "termination.any_of": [{"missed_months_in_a_row": 2}, *AGREEMENT["termination"]["any_of"]],
        "origins": {},
    }
    new = write(tmp_path / "new.yaml", varied(AGREEMENT, changes))
    made = run("agreement", "diff", DEFAULT, new, "--notified", "2026-12-01")
    assert (made.status, made.err) == (0, "")
    for line in (
        'Better for the customer:\n  commitments.availability.target: "99.9" → "99.95"\n',
        "  termination.any_of missed_months_in_a_row 2: new\n",
        "Worse for the customer:\n  commitments.maintenance_notice: gone\n",
        '  credits.cap_percent: "100" → "50"\n',
        '  time_zone: "UTC" → "Europe/Berlin"\n',
        "Customers must be notified by 2 December 2026.\n",
    ):
        assert line in made.out


def test_diff_leaves_with_1_when_the_rules_for_changes_are_broken(run: Run, tmp_path: Path) -> None:
    new = write(tmp_path / "new.yaml", varied(AGREEMENT, {"version": "2", "effective": "2027-01-15"}))
    made = run("agreement", "diff", DEFAULT, new)
    assert made.status == 1
    assert "No term changes.\n" in made.out
    assert "problem: effective: 15 January 2027 is not the first day of a month\n" in made.out
    as_json = published("agreement-diff", run("agreement", "diff", DEFAULT, new, "--json").out)
    assert (as_json["changes"], as_json["notify_by"]) == ([], "2026-12-16")


def test_diff_refuses_a_day_that_is_none(run: Run) -> None:
    made = run("agreement", "diff", DEFAULT, DEFAULT, "--notified", "soon")
    assert (made.status, made.out) == (2, "")
    assert made.err == "clearline: --notified must be a day such as 2026-11-01, not 'soon'\n"


def test_the_group_without_a_command_shows_its_help(run: Run) -> None:
    made = run("agreement")
    assert "lint" in made.out + made.err
    assert "diff" in made.out + made.err
