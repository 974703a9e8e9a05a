"""`clearline records` that change something: corrections, rules, frozen months, people, holds, retention."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.records.make import NOON, call
from typer.testing import CliRunner

from clearline.cli.records import app
from clearline.records.store import Records

WHO = ["--who", "ann", "--why", "asked"]
SPAN = ["--since", "2026-09-01", "--until", "2026-10-01"]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    records = Records(tmp_path / "store")
    records.append([call(1), call(2, customer=None, service=None, caller="sip:+12025550007@a")])
    records.close()
    return tmp_path / "store"


def run(store: Path, *arguments: str | Path) -> tuple[int, list[dict[str, Any]]]:
    done = CliRunner().invoke(app, [*map(str, arguments), "--store", str(store)])
    return done.exit_code, [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def test_a_closed_month_stays_and_the_difference_is_stated(store: Path) -> None:
    of = ["--tenant", "t"]
    _, (taken,) = run(store, "snapshot", *of, *SPAN, *WHO)
    name = taken["snapshot"]
    moved = ["--set", "start_us=2026-10-02T08:00:00Z", "--set", "mos_x100=310"]
    status, (row,) = run(store, "correct", "calls", call(1).key, *of, "--at", "2026-09-21T12:00:00Z", *moved, *WHO)
    assert (status, row["mos_x100"], row["start_us"] > NOON) == (0, 310, True)
    _, states = run(store, "history", "calls", call(1).key, *of, "--since", "2026-09-01", "--until", "2026-11-01")
    assert [(state["who"], state["moved_to_us"]) for state in states] == [
        (None, None),
        ("ann", row["start_us"]),
        ("ann", None),
    ]
    _, (change,) = run(store, "difference", name)
    assert (change["customer"], change["attempts"], change["mos_x100"]) == ("C-1", -1, -430)
    status, (again,) = run(store, "recompute", name)
    assert (status, again["same"], again["figures"]) == (0, True, taken["figures"])
    assert run(store, "correct", "calls", "none", *of, "--at", "2026-09-21T12:00:00Z", *moved, *WHO)[0] == 1
    assert run(store, "correct", "calls", "x", *of, "--at", "2026-09-21", "--set", "wings=2", *WHO)[0] == 2


def test_rules_say_what_they_change(store: Path, tmp_path: Path) -> None:
    of, file = ["--tenant", "t"], tmp_path / "rules.json"
    assert [row["caller"] for row in run(store, "unattributed", *of, *SPAN)[1]] == ["sip:+12025550007@a"]
    rule = {"id": "r", "kind": "number", "value": "+12025550007", "customer": "C-9", "service": "S-9"}
    file.write_text(json.dumps([rule]))
    assert run(store, "rules", file, *of, *WHO) == (0, [{"from": [None, None], "to": ["C-9", "S-9"], "rows": 1}])
    assert [row["to_customer"] for row in run(store, "attribution", *of)[1]] == ["C-9"]
    assert [row["id"] for row in run(store, "rules", *of)[1]] == ["r"]
    assert run(store, "unattributed", *of, *SPAN)[1] == []
    file.write_text('[{"kind": "number"}]')
    assert run(store, "rules", file, *of, *WHO)[0] == 2


def test_a_person_goes_unless_held_and_old_numbers_are_hidden_at_night(store: Path) -> None:
    of = ["--tenant", "t"]
    _, (held,) = run(store, "hold", *of, *WHO)
    assert run(store, "erase-person", "+12025550007", *of, *WHO)[0] == 1
    run(store, "release", held["hold"], *WHO)
    assert len(run(store, "export-person", "+1 202 555 0007", *of)[1]) == 1
    assert run(store, "erase-person", "+12025550007", *of, *WHO)[1][0]["rows"] == {"calls": 1}
    assert run(store, "export-person", "+12025550007", *of)[1] == []
    assert run(store, "retain", "numbers", "30", "--who", "ann")[0] == 0
    assert run(store, "nightly") == (0, [{"problems": []}])
    assert [row["caller"] for row in run(store, "export-person", "+12025550100", *of)[1]] == []
    status, (report,) = run(store, "check")
    assert (status, report["problems"], report["alerts"]) == (0, [], [])


def test_a_damaged_file_is_a_sentence_whatever_is_done_with_it(store: Path, tmp_path: Path) -> None:
    of, rules = ["--tenant", "t"], tmp_path / "rules.json"
    assert run(store, "seal")[0] == 0
    for path in (store / "data" / "calls").glob("*/*.parquet"):
        path.write_bytes(path.read_bytes()[:2000])
    rule = {"id": "r", "kind": "number", "value": "+12025550007", "customer": "C-9", "service": "S-9"}
    rules.write_text(json.dumps([rule]))
    for asked in (
        ["search", *of, *SPAN, "--number", "+12025550007"],
        ["export", "calls", tmp_path / "x.csv", *of, *SPAN],
        ["pseudonymise", "2026-09", "--before", "2026-10-01"],
        ["erase-person", "+12025550007", *of, *WHO],
        ["erase-customer", "C-1", *of, *WHO],
        ["rules", rules, *of, *WHO],
        ["seal"],
    ):
        done = CliRunner().invoke(app, [*map(str, asked), "--store", str(store)])
        assert (done.exit_code, "cannot be read" in done.stderr) == (1, True), asked
    assert not (tmp_path / "x.csv").exists()
    assert "upkeep" in str(run(store, "look")[1])


def test_what_cannot_be_meant_is_refused(store: Path, tmp_path: Path) -> None:
    of = ["--tenant", "t"]
    assert run(store, "totals", *of, "--since", "2026-10-01", "--until", "2026-09-01")[0] == 2
    assert run(store, "export", "calls", tmp_path / "none" / "x.csv", *of, *SPAN)[0] == 1
    assert run(store, "history", "calls", "nosuchkey", *of, *SPAN)[0] == 1
    assert run(store, "pseudonymise", "../x", "--before", "2026-10-01")[0] == 1
    assert not (store / "x.key").exists()
    _, rows = run(store, "totals", *of, *SPAN, "--by", "customer", "--by", "service")
    assert [row["service"] for row in rows] == ["S-1", None]
