"""`clearline evaluate`: statements on standard output, problems on standard error, and the documented statuses."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.agreement.samples import AGREEMENT, DEFAULT, EVIDENCE, varied
from tests.cli.invoke import Run, runner


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(monkeypatch, capsys)


def write(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document))
    return path


def month(number: int) -> dict[str, Any]:
    return varied(EVIDENCE, {"month": f"2026-{number:02}", "as_of": f"2026-{number + 1:02}-01T00:00:00Z"})


def test_a_month_is_printed_as_a_letter(run: Run, tmp_path: Path) -> None:
    made = run("evaluate", DEFAULT, write(tmp_path / "e.json", EVIDENCE))
    assert (made.status, made.err) == (0, "")
    assert made.out.startswith("VoIP Level Agreement, version 2022-05-05\nStatement for October 2026\n")


def test_json_is_one_document_a_line_in_the_order_given(run: Run, tmp_path: Path) -> None:
    files = [write(tmp_path / f"{number}.json", month(number)) for number in (10, 8, 9)]
    made = run("evaluate", DEFAULT, *files, "--json")
    statements = [json.loads(line) for line in made.out.splitlines()]
    assert [statement["month"] for statement in statements] == ["2026-10", "2026-08", "2026-09"]
    assert (made.status, made.err) == (0, "")


def test_several_letters_are_set_apart(run: Run, tmp_path: Path) -> None:
    made = run("evaluate", DEFAULT, write(tmp_path / "a.json", month(8)), write(tmp_path / "b.json", month(9)))
    assert made.out.count("\n\nVoIP Level Agreement, version 2022-05-05\n") == 1


def test_a_missed_commitment_counts_only_with_exit_code(run: Run, tmp_path: Path) -> None:
    missed = write(tmp_path / "missed.json", EVIDENCE)
    kept = write(tmp_path / "kept.json", varied(EVIDENCE, {"availability": None, "support": []}))
    assert run("evaluate", DEFAULT, missed).status == 0
    assert run("evaluate", DEFAULT, missed, "--exit-code").status == 1
    assert run("evaluate", DEFAULT, kept, "--exit-code").status == 0


def test_bad_evidence_is_refused_with_its_position_and_nothing_is_printed(run: Run, tmp_path: Path) -> None:
    good = write(tmp_path / "good.json", EVIDENCE)
    bad = write(
        tmp_path / "evidence.json",
        varied(
            EVIDENCE, {"availability.downtime.0.until": "2026-10-03T09:00:00Z", "service.monthly_fee.currency": "ZZZ"}
        ),
    )
    made = run("evaluate", DEFAULT, good, bad, "--json")
    assert (made.status, made.out) == (2, "")
    assert "evidence.json: availability.downtime[0].until: is before from" in made.err
    assert "evidence.json: service.monthly_fee.currency: must be a currency code of ISO 4217" in made.err


def test_a_bad_agreement_is_refused_with_its_position(run: Run, tmp_path: Path) -> None:
    terms = write(tmp_path / "terms.yaml", varied(AGREEMENT, {"credits.rules.0.count": "some", "colour": 1}))
    made = run("evaluate", terms, write(tmp_path / "e.json", EVIDENCE))
    assert (made.status, made.out) == (2, "")
    assert "terms.yaml: credits.rules[0].count: must be started or full or prorata, found 'some'" in made.err
    assert "terms.yaml: colour: is not a known key" in made.err


def test_the_same_month_twice_is_refused(run: Run, tmp_path: Path) -> None:
    files = [write(tmp_path / name, EVIDENCE) for name in ("a.json", "b.json")]
    made = run("evaluate", DEFAULT, *files)
    assert (made.status, made.out) == (2, "")
    assert f"b.json: month: 2026-10 of service S-1 of customer C-1001 is in {files[0]} already" in made.err


def test_json_lines_are_read_from_standard_input_and_from_files(run: Run, tmp_path: Path) -> None:
    lines = "\n".join(json.dumps(month(number)) for number in (8, 9)) + "\n\n"
    file = tmp_path / "year.jsonl"
    file.write_text(lines)
    from_file = run("evaluate", DEFAULT, file, "--json")
    from_stdin = run("evaluate", DEFAULT, "-", "--json", stdin=lines.encode())
    assert from_file.out == from_stdin.out
    assert len(from_stdin.out.splitlines()) == 2


def test_a_bad_line_is_named_by_its_number(run: Run) -> None:
    made = run("evaluate", DEFAULT, "-", stdin=json.dumps(EVIDENCE).encode() + b"\n{\n")
    assert (made.status, made.out) == (2, "")
    assert "-:2: is not JSON" in made.err


def test_what_cannot_be_read_is_said(run: Run, tmp_path: Path) -> None:
    assert "cannot read" in run("evaluate", tmp_path / "none.yaml", "-").err
    made = run("evaluate", DEFAULT, tmp_path / "none.json")
    assert (made.status, made.out) == (2, "")
    assert "none.json: No such file or directory" in made.err
    empty = run("evaluate", DEFAULT, "-")
    assert (empty.status, empty.err) == (2, "clearline: - is empty; give one evidence document a line\n")


def test_the_command_runs_from_the_shell_with_any_terminal_encoding(tmp_path: Path) -> None:
    evidence = write(tmp_path / "e.json", varied(EVIDENCE, {"customer.name": "会社", "customer.id": "会社"}))
    for form in ([], ["--json"]):
        ran = subprocess.run(
            [sys.executable, "-m", "clearline", "evaluate", str(DEFAULT), str(evidence), *form],
            capture_output=True,
            check=False,
            env={**os.environ, "PYTHONIOENCODING": "ascii:strict", "PYTHONUTF8": "0", "LC_ALL": "C"},
        )
        assert (ran.returncode, ran.stderr) == (0, b"")
        assert b"\\u4f1a\\u793e" in ran.stdout
