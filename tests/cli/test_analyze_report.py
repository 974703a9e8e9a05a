from pathlib import Path

import pytest
from tests.voice import captures as c
from typer.testing import CliRunner, Result

from clearline.cli.analyze import app


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "office.pcap"
    path.write_bytes(c.pcap(c.in_time(c.call() + c.both_ways())))
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def test_a_report_is_written_beside_what_is_printed(capture: Path, tmp_path: Path) -> None:
    result = run(capture, "--json", "--html", tmp_path / "report.html")
    assert result.exit_code == 0
    assert result.stdout.startswith('{"schema": "clearline/analysis/1"')
    page = (tmp_path / "report.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert "sip:alice@example.com" in page
    assert page.count("<figure>") == 8


def test_a_report_is_of_one_capture(capture: Path, tmp_path: Path) -> None:
    result = run(capture, capture, "--html", tmp_path / "report.html")
    assert result.exit_code == 2
    assert "--html reports one capture" in result.stderr
    assert not (tmp_path / "report.html").exists()


def test_a_report_that_cannot_be_written_is_an_error_with_its_place(capture: Path, tmp_path: Path) -> None:
    result = run(capture, "--html", tmp_path / "nowhere" / "report.html")
    assert result.exit_code == 2
    assert f"{tmp_path}/nowhere/report.html: No such file or directory" in result.stderr
