"""What docs/agreement.md shows is what the commands print."""

import re
import shlex

import pytest
from tests.agreement.samples import ROOT
from tests.cli.invoke import Run, runner

GUIDE = (ROOT / "docs" / "agreement.md").read_text()
SHOWN = re.findall(r"```console\n\$ \./clearline (.*?)\n(.*?)```\n", GUIDE, flags=re.DOTALL)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(ROOT)
    return runner(monkeypatch, capsys)


def test_the_guide_shows_every_command() -> None:
    assert [command.split(" agreements/")[0] for command, _ in SHOWN] == [
        "evaluate",
        "backtest",
        "agreement lint",
        "agreement diff",
    ]


@pytest.mark.parametrize(("command", "output"), SHOWN, ids=[command.split(" agreements/")[0] for command, _ in SHOWN])
def test_the_guide_shows_what_the_command_prints(run: Run, command: str, output: str) -> None:
    assert run(*shlex.split(command)).out == output
