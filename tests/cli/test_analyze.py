"""The command: tables, JSON, standard input, several files, and errors that say what is wrong."""

import gzip
import io
import json
from pathlib import Path

import pytest
from tests.voice import captures as c
from typer.testing import CliRunner

from clearline.cli.analyze import app

RUN = CliRunner()


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "office.pcap"
    path.write_bytes(c.pcap(c.in_time(c.call() + c.both_ways())))
    return path


def test_a_table_names_calls_and_streams_with_their_scores(capture: Path) -> None:
    done = RUN.invoke(app, [str(capture)])
    assert done.exit_code == 0
    for said in (
        "1 call",
        "2 streams",
        "sip:alice@example.com",
        "caller",
        "PCMU",
        "4.41",
        "fixed-60/1",
        "10.0.0.1:4000",
    ):
        assert said in done.stdout


def test_what_a_sender_chose_does_nothing_to_the_terminal_and_takes_no_more_than_its_column(tmp_path: Path) -> None:
    path = tmp_path / "hostile.pcap"
    dialog = c.Dialog(caller="sip:\x1b[2J\u202eala@example.com", callee=f"sip:{'9' * 500}@example.com")
    path.write_bytes(c.pcap(c.in_time(c.call(dialog) + c.both_ways())))
    done = RUN.invoke(app, [str(path)])
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout
    assert "sip:\\x1b[2J\\u202eala@example.com" in done.stdout
    assert "9" * 43 + "…" in done.stdout
    assert max(map(len, done.stdout.splitlines())) < 250


def test_json_is_one_document_a_line_and_nothing_else(capture: Path) -> None:
    zipped = capture.with_suffix(".gz")
    zipped.write_bytes(gzip.compress(capture.read_bytes()))
    done = RUN.invoke(app, ["--json", str(capture), str(zipped)])
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["source"] == str(capture)
    assert {**first, "source": ""} == {**second, "source": ""}
    assert first["streams"][0]["mos_lq"] == 4.41


def test_standard_input_is_read(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = RUN.invoke(app, ["--json", "-"], input=capture.read_bytes())
    assert json.loads(done.stdout)["packets"] == 1007


def test_what_cannot_be_read_is_said_with_status_2(tmp_path: Path, capture: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("these are only notes, no packets")
    for arguments, said in (
        ([str(tmp_path / "missing.pcap")], "No such file"),
        ([str(text)], "not a capture file"),
        ([str(capture), "--profile", "mine"], "profile"),
        ([str(capture), "--buffer", "fast"], "buffer"),
    ):
        done = RUN.invoke(app, arguments)
        assert done.exit_code == 2
        assert said in done.stderr


def test_what_is_wrong_with_a_capture_is_remarked(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap"
    dns = [(5, c.udp("10.0.0.1:53", "10.0.0.2:9000", b"\x01\x02" + bytes(20)))]
    opus = [
        (n * 20_000, c.udp("10.0.0.1:9000", "10.0.0.2:9000", c.rtp(n, 960 * n, payload_type=111))) for n in range(20)
    ]
    path.write_bytes(c.pcap(c.in_time(dns + opus))[:-3])
    done = RUN.invoke(app, [str(path)])
    for said in ("1 packets of other protocols", "cut off", "found without SIP", "not scored: the codec is not known"):
        assert said in done.stdout
    path.write_bytes(c.pcap([]))
    assert "no call and no RTP stream" in RUN.invoke(app, [str(path)]).stdout


def test_progress_is_shown_on_a_terminal_only(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from clearline.cli import analyze  # noqa: PLC0415  # its standard error is replaced

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    shown = Terminal()
    monkeypatch.setattr(analyze.sys, "stderr", shown)
    for size in (1000, None):
        with analyze._Progress("x", size) as progress:
            progress.advance(500)
            progress.advance(500)
    assert "x: 50 %" in shown.getvalue()
    assert "x: 0 MiB" in shown.getvalue()
    assert shown.getvalue().count("50 %") == 1
