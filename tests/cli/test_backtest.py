"""`clearline backtest`: a table of months, sums, and other terms beside them."""

import json
from pathlib import Path

import pytest
from tests.agreement.samples import AGREEMENT, DEFAULT, EVIDENCE, varied
from tests.cli.invoke import Run, runner
from tests.cli.test_evaluate import month, write


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(monkeypatch, capsys)


# Down for the last 11 of 31, 12 of 31 and 12 of 30 days: 36, 39 and 40 started percents below 99.9.
@pytest.fixture
def months(tmp_path: Path) -> list[Path]:
    outage = {"id": "O-1", "until": None}
    return [
        write(
            tmp_path / f"{number}.json",
            varied(
                month(number),
                {
                    "availability.observed": [[f"2026-{number:02}-01T00:00:00Z", f"2026-{number + 1:02}-01T00:00:00Z"]],
                    "availability.downtime": [outage | {"from": f"2026-{number:02}-{28 - number}T00:00:00Z"}],
                },
            ),
        )
        for number in (9, 7, 8)
    ]


def squeezed(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_months_are_a_table_with_sums_and_rights(run: Run, months: list[Path]) -> None:
    made = run("backtest", DEFAULT, *months)
    assert (made.status, made.err) == (0, "")
    lines = squeezed(made.out)
    assert lines[0] == "VoIP Level Agreement, version 2022-05-05 on 3 months"
    assert lines[2] == "Month Customer Service Fee 1.1 2.2 3.2 Credited"
    assert lines[3] == "2026-07 C-1001 S-1 1,000.00 3,600.00 0.00 0.00 1,000.00 USD"
    assert "Credited 3,000.00 USD, 100 % of 3,000.00 USD in fees" in lines
    assert "Of which service availability 11,500.00 USD (before stacking and cap)" in lines
    assert "Worst month 2026-07 of S-1 of C-1001: 1,000.00 USD" in lines
    assert "May leave C-1001 with S-1: in 2026-10" in lines


def test_other_terms_stand_beside_these(run: Run, months: list[Path], tmp_path: Path) -> None:
    other = write(tmp_path / "other.yaml", varied(AGREEMENT, {"credits.cap_percent": "25", "version": "2"}))
    made = run("backtest", DEFAULT, *months, "--against", other)
    lines = squeezed(made.out)
    assert "2026-07 C-1001 S-1 1,000.00 3,600.00 0.00 0.00 1,000.00 250.00 USD" in lines
    assert lines[-1] == "VoIP Level Agreement, version 2 credits 2,250.00 USD less."
    swapped = squeezed(run("backtest", other, *months, "--against", DEFAULT).out)
    assert swapped[-1] == "VoIP Level Agreement, version 2022-05-05 credits 2,250.00 USD more."
    same = squeezed(run("backtest", DEFAULT, *months, "--against", DEFAULT).out)
    assert same[-1] == "VoIP Level Agreement, version 2022-05-05 credits as much, in USD."


def test_a_quiet_year_says_so(run: Run, tmp_path: Path) -> None:
    quiet = write(tmp_path / "e.json", varied(EVIDENCE, {"availability.downtime": [], "support": []}))
    lines = squeezed(run("backtest", DEFAULT, quiet).out)
    assert lines[0].endswith("on 1 month")
    assert "Credited 0.00 USD, 0 % of 1,000.00 USD in fees" in lines
    assert "May leave nobody: the right to terminate never opened" in lines
    assert not [line for line in lines if line.startswith(("Worst", "Of which"))]


def test_json_is_one_document(run: Run, months: list[Path]) -> None:
    alone = json.loads(run("backtest", DEFAULT, *months, "--json").out)
    assert (alone["schema"], alone["against"]) == ("clearline/backtest/1", None)
    assert alone["totals"][0]["credits"] == "3000.00"
    beside = json.loads(run("backtest", DEFAULT, *months, "--against", DEFAULT, "--json").out)
    assert beside["against"]["totals"] == alone["totals"]


def test_bad_input_is_refused(run: Run, months: list[Path], tmp_path: Path) -> None:
    bad = write(tmp_path / "bad.yaml", varied(AGREEMENT, {"reviews": 1}))
    for words in (["backtest", bad, *months], ["backtest", DEFAULT, *months, "--against", bad]):
        made = run(*words)
        assert (made.status, made.out) == (2, "")
        assert "bad.yaml: reviews: must be monthly or quarterly or yearly, found 1" in made.err
