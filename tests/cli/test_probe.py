"""`probe` and `reflector` as a person and a script meet them."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from clearline.cli.probe import line, nagios_line
from clearline.sensors.probe.outcome import Outcome
from clearline.sensors.probe.target import Target

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schemas/probe.json").read_text())


def clearline(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "clearline", *words], capture_output=True, text=True, check=False, timeout=30
    )


@pytest.fixture
def reflector() -> Iterator[str]:
    command = [sys.executable, "-m", "clearline", "reflector", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1].removesuffix("/udp")
        process.terminate()


@pytest.fixture
def silent() -> Iterator[str]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


def test_a_target_that_answers_is_said_in_a_line_and_ends_with_0(reflector: str) -> None:
    result = clearline("probe", reflector)
    assert result.returncode == 0
    assert result.stdout.startswith(f"ok   sip:{reflector}  200 OK in ")


def test_several_probes_end_with_a_summary(reflector: str) -> None:
    result = clearline("probe", reflector, "--count", "2")
    assert f"sip:{reflector}: 2 of 2 answered, " in result.stdout


def test_one_failing_target_of_two_ends_with_1_and_names_the_next_step(reflector: str, silent: str) -> None:
    result = clearline("probe", reflector, silent, "--timeout", "0.2")
    assert result.returncode == 1
    assert f"FAIL sip:{silent}  no answer within 0.2 s (sent once)\n     next: the server is stopped" in result.stdout


def test_the_json_document_fits_its_published_schema(reflector: str, silent: str) -> None:
    result = clearline("probe", reflector, silent, "--timeout", "0.2", "--json")
    document = json.loads(result.stdout)
    jsonschema.validate(document, SCHEMA)
    good, bad = document["samples"]
    assert (good["ok"], good["code"], bad["ok"], bad["code"], bad["latency_ms"]) == (True, 200, False, None, None)
    assert [(each["sent"], each["ok"]) for each in document["summary"]] == [(1, 1), (1, 0)]


@pytest.mark.parametrize("words", [("tel:+1",), ("a b",), (), ("x", "--count", "0"), ("x", "--kind", "dance")])
def test_what_is_no_target_or_option_ends_with_2(words: tuple[str, ...]) -> None:
    result = clearline("probe", *words)
    assert (result.returncode, result.stdout) == (2, "")
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("listen", ["5062", "127.0.0.1:x", ":5062", "127.0.0.1:70000"])
def test_a_listen_address_that_is_none_ends_with_2(listen: str) -> None:
    result = clearline("reflector", "--listen", listen)
    assert (result.returncode, result.stdout) == (2, "")
    assert "HOST:PORT" in result.stderr


def test_a_taken_port_ends_with_1_and_says_so(silent: str) -> None:
    result = clearline("reflector", "--listen", silent)
    assert result.returncode == 1
    assert f"cannot listen on {silent}" in result.stderr


def test_a_call_to_the_reflector_says_how_its_audio_came_back(reflector: str) -> None:
    result = clearline("probe", reflector, "--kind", "call", "--talk", "0.5", "--json")
    document = json.loads(result.stdout)
    jsonschema.validate(document, SCHEMA)
    (sample,) = document["samples"]
    assert (result.returncode, sample["ok"], sample["media"]["sent"]) == (0, True, 25)
    assert sample["media"]["received"] + sample["media"]["lost"] == 25
    assert sample["media"]["round_trip_ms"] is not None


def test_registering_where_nobody_registers_fails_with_the_answer(reflector: str, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")
    words = ("--kind", "register", "--user", "alice", "--password-file", str(tmp_path / "password"))
    result = clearline("probe", reflector, *words)
    assert result.returncode == 1
    assert "405 Method Not Allowed" in result.stdout


def test_a_missing_password_file_ends_with_2(tmp_path: Path) -> None:
    result = clearline("probe", "127.0.0.1", "--user", "a", "--password-file", str(tmp_path / "none"))
    assert (result.returncode, result.stdout) == (2, "")


def test_monitoring_systems_get_their_line_and_their_statuses(reflector: str, silent: str) -> None:
    good = clearline("probe", reflector, "--nagios")
    assert good.returncode == 0
    assert good.stdout.startswith(f"SIP OK - 200 OK | 'sip:{reflector}'=0.")
    bad = clearline("probe", reflector, silent, "--nagios", "--timeout", "0.2")
    assert bad.returncode == 2
    assert bad.stdout.startswith("SIP CRITICAL - no answer within 0.2 s (sent once) | ")
    assert f"'sip:{silent}'=Us;;;0 'sip:{silent} good'=0;;;0;1" in bad.stdout
    assert len(bad.stdout.splitlines()) == 1


def test_a_call_is_told_with_its_figures_in_the_document(reflector: str) -> None:
    result = clearline("probe", f"echo@{reflector}", "--kind", "call", "--talk", "0.5", "--dtmf", "7", "--json")
    document = json.loads(result.stdout)
    jsonschema.validate(document, SCHEMA)
    (sample,) = document["samples"]
    assert (sample["ok"], sample["media"]["digits"], sample["endpoint"]) == (True, "7", f"{reflector}/udp")
    assert sample["post_dial_delay_ms"] is not None


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--kind", "call", "--dtmf", "12E"), "--dtmf"),
        (("--kind", "call", "--speech", "/nosuch.wav"), "--speech"),
        (("--path", "ws"), "--path"),
        (("--name-server", "ns.example"), "--name-server"),
        (("--kind", "tls"), "as the kind tls needs"),
        (("--ca-file", "/nosuch"), "there is no file"),
    ],
)
def test_a_wrong_option_ends_with_2_and_names_itself(words: tuple[str, ...], says: str) -> None:
    result = clearline("probe", "sip:127.0.0.1", *words)
    assert (result.returncode, result.stdout) == (2, "")
    assert says in result.stderr


def test_what_a_server_says_does_nothing_to_the_terminal() -> None:
    asked = Target("t", "t", "sip:pbx.example")
    outcome = Outcome(False, 403, "403 Go\x1b[2J|away", None, "ask \x07")
    assert line(asked, outcome) == "FAIL sip:pbx.example  403 Go\\x1b[2J|away\n     next: ask \\x07"
    assert nagios_line([(asked, 0, outcome)], 14)[0].startswith("SIP CRITICAL - 403 Go\\x1b[2J/away | ")


def served(days: int, outcome: Outcome) -> tuple[Target, int, Outcome]:
    at_us = 1_700_000_000_000_000
    return Target("t", "", "tls:x"), at_us, replace(outcome, expires_at_us=at_us + days * 86_400_000_000 + 1)


@pytest.mark.parametrize(
    ("days", "ok", "status", "says"),
    [
        (14, True, 0, "SIP OK - accepted |"),
        (13, True, 1, "SIP WARNING - the certificate ends in 13 days |"),
        (-3, False, 2, "SIP CRITICAL - accepted |"),
    ],
)
def test_monitoring_is_warned_before_a_certificate_ends(days: int, ok: bool, status: int, says: str) -> None:  # noqa: FBT001
    text, given = nagios_line([served(days, Outcome(ok, None, "accepted", 1_000))], 14)
    assert given == status
    assert text.startswith(says)
    assert f"'tls:x days'={days};14:" in text
