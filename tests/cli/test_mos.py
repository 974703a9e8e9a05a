import json
import subprocess
import sys

import pytest


def mos(*options: str, text: str | bytes = b"") -> subprocess.CompletedProcess[str]:
    data = text.encode() if isinstance(text, str) else text
    run = subprocess.run(
        [sys.executable, "-m", "clearline", "mos", *options], input=data, capture_output=True, check=False
    )
    return subprocess.CompletedProcess(run.args, run.returncode, run.stdout.decode(), run.stderr.decode())


def test_lines_are_answered_in_order_and_bad_ones_are_located_without_stopping_the_others() -> None:
    questions = [
        '{"model": "G.107", "ppl": 2, "bpl": 25.1, "tag": "first"}',
        "",
        "nonsense",
        '{"model": "G.107", "ppl": 120}',
        '{"model": "G.107", "r": NaN}',
        '{"model": "G.107", "ppl": 1, "ppl": 2}',
        "[" * 60_000,
        '{"tag": "' + "x" * 70_000 + '"}',
        '{"model": "G.107", "r": 80}',
    ]
    run = mos("--jsonl", text="\n".join(questions))
    first, last = map(json.loads, run.stdout.splitlines())
    assert (first["tag"], first["mos"]) == ("first", pytest.approx(4.235019, abs=1e-6))
    assert last["mos"] == pytest.approx(4.024)
    errors = [json.loads(line) for line in run.stderr.splitlines()]
    assert [error["line"] for error in errors] == [3, 4, 5, 6, 7, 8]
    assert errors[1]["error"] == "ppl: 120.0 is not within 0 to 100"
    assert errors[5]["error"] == "the line is longer than 65536 bytes"
    assert run.returncode == 2


def test_good_lines_alone_end_well_with_or_without_a_last_line_feed() -> None:
    for end in ("", "\n"):
        run = mos("--jsonl", text='{"model": "G.107.2"}' + end)
        assert (run.returncode, run.stderr) == (0, "")
        assert json.loads(run.stdout)["r"] == 148


def test_bytes_that_are_no_text_are_an_error_of_their_line() -> None:
    run = mos("--jsonl", text=b'\xff\xfe\n{"model": "G.107"}\n')
    assert json.loads(run.stderr)["line"] == 1
    assert json.loads(run.stdout)["model"] == "G.107"
    assert run.returncode == 2


def test_one_question_by_options() -> None:
    answer = json.loads(mos("--codec", "G.729A", "--ppl", "2", "--delay", "150", "--json").stdout)
    assert (answer["model"], answer["codec"], answer["ie_eff"]) == ("G.107", "G.729A+VAD", 19.0)
    assert answer["id"] == pytest.approx(3.816121, abs=1e-6)
    table = mos("--codec", "AMR-WB 12.65", "-p", "telr=50").stdout
    assert "G.107.1" in table
    assert "telr" not in table


def test_conversion_by_options() -> None:
    assert json.loads(mos("--mos", "4", "--json").stdout)["r"] == pytest.approx(79.3709, abs=1e-4)
    assert json.loads(mos("--r", "80", "--json").stdout)["mos"] == pytest.approx(4.024)


def test_video_by_options() -> None:
    run = mos(
        "--model", "G.1070", "-p", "set=B.4#1", "-p", "bitrate_kbps=500", "-p", "frame_rate=15", "--ppl", "1", "--json"
    )
    assert json.loads(run.stdout)["vq"] == pytest.approx(2.96307, abs=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--codec", "opus"], "clearline: codec: Opus has no published impairment"),
        (["--ppl", "101"], "clearline: ppl: 101.0 is not within 0 to 100"),
        (["--codec", "PCMU", "--profile", "wishful"], "clearline: profile: 'wishful' is none of"),
        (["--codecs", "--profile", "wishful"], "clearline: profile: 'wishful' is none of"),
        (["-p", "telr"], "clearline: --parameter telr: NAME=VALUE is needed"),
        (["-p", "telr=high"], "clearline: --parameter telr=high: 'high' is not a number"),
    ],
)
def test_bad_options_are_plain_errors(options: list[str], message: str) -> None:
    run = mos(*options)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith(message)


def test_the_codecs_are_listed_with_their_sources() -> None:
    rows = [json.loads(line) for line in mos("--codecs", "--json").stdout.splitlines()]
    assert rows[0]["codec"] == "G.711"
    assert all(row["source"] for row in rows)
    assert "Table I.1" in mos("--codecs").stdout
