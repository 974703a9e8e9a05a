"""`clearline records`: look, export, check and keep up a store."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.records.make import DAY, NOON, call, sample

from clearline.records import snapshot
from clearline.records.store import Records

SPAN = ["--tenant", "t", "--since", "2026-09-20", "--until", "2026-09-24T00:00:00Z"]


def run(*arguments: str | Path) -> tuple[int, list[Any], str]:
    done = subprocess.run(
        [sys.executable, "-m", "clearline", "records", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")},
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store")
    records = Records(path)
    records.append([call(1), call(2, tenant="u"), call(3, customer="C-2", start_us=NOON + DAY), sample(1)])
    records.close()
    return path


def test_seal_look_totals_search_and_check(store: Path) -> None:
    status, (sealed,), _ = run("seal", "--store", store)
    assert status == 0
    assert ["calls", "2026-09-21"] in sealed["sealed"]
    _, (seen,), _ = run("look", "--store", store)
    assert (seen["tables"]["calls"]["rows"], seen["tables"]["calls"]["last_day"]) == (3, "2026-09-22")
    _, sums, _ = run("totals", *SPAN, "--by", "customer", "--store", store)
    assert {row["customer"]: row["attempts"] for row in sums} == {"C-1": 1, "C-2": 1}
    _, found, _ = run("search", *SPAN, "--call-id", "1@pbx", "--store", store)
    assert [row["key"] for row in found] == [call(1).key]
    status, (report,), _ = run("check", "--store", store)
    assert (status, report["problems"]) == (0, [])


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_export_writes_one_tenants_records(store: Path, tmp_path: Path, ending: str) -> None:
    target = tmp_path / f"calls.{ending}"
    _, (said,), _ = run("export", "calls", target, *SPAN, "--store", store)
    assert said["rows"] == 2
    rows = (
        pq.read_table(target).to_pylist()
        if ending == "parquet"
        else list(csv.DictReader(target.read_text().splitlines()))
    )
    assert [row["key"] for row in rows] == [call(1).key, call(3).key]
    assert {row["tenant"] for row in rows} == {"t"}


def test_a_damaged_file_fails_the_check_and_a_lost_manifest_is_rebuilt(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.append([call(1)])
    name = snapshot.take(records, tenant="t", since_us=NOON, until_us=NOON + DAY, who="ann", why="closed")
    records.close()
    for path in tmp_path.glob("manifest.sqlite3*"):
        path.unlink()
    status, (report,), _ = run("rebuild", "--store", tmp_path)
    assert (status, report["rows"]["calls"]) == (0, 1)
    status, (again,), _ = run("recompute", name, "--store", tmp_path)
    assert (status, again["same"]) == (0, True)
    (file,) = (tmp_path / "data" / "calls").rglob("*.parquet")
    file.write_bytes(file.read_bytes()[:-9])
    status, (report,), _ = run("check", "--store", tmp_path)
    assert status == 1
    assert file.name in report["problems"][0]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["look", "--store", "/nowhere/at/all"], "--store"),
        (["export", "faxes", "x.csv", *SPAN], "no table"),
        (["export", "calls", "x.xls", *SPAN], ".parquet or .csv"),
        (["search", *SPAN], "--number"),
        (["totals", "--tenant", "t", "--since", "soon", "--until", "2026-10-01"], "not a moment"),
    ],
)
def test_bad_input_is_a_sentence_and_status_2(store: Path, arguments: list[str], word: str) -> None:
    more = [] if "--store" in arguments else ["--store", str(store)]
    status, said, error = run(*arguments, *more)
    assert (status, said) == (2, [])
    assert word in error
