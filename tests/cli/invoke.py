"""Runs a command as the shell would, in this process."""

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from clearline.cli.main import app


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str


Run = Callable[..., Ran]


def runner(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs `clearline` with the words given and `stdin` as its standard input."""

    def run(*words: object, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "argv", ["clearline", *map(str, words)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        status = 0
        try:
            app(prog_name="clearline")
        except SystemExit as left:
            status = int(left.code or 0)
        said = capsys.readouterr()
        return Ran(status, said.out, said.err)

    return run
