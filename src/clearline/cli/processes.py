"""`status`, `stop` and `start`: what the running platform's processes are doing, and asking them to pause."""

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from clearline.cli.exits import BAD_INPUT, NOT_SO, fail
from clearline.cli.keeper import STOP_WITHIN_S, stop_file
from clearline.cli.up import data_directory, running

HEEDED_WITHIN_S = STOP_WITHIN_S + 4
"""The keeper looks at the files five times a second and gives a child its time to end."""

status_app = typer.Typer(add_completion=False)
stop_app = typer.Typer(add_completion=False)
start_app = typer.Typer(add_completion=False)

Name = Annotated[str | None, typer.Argument(help="web, worker, prober or reflector.")]


@status_app.command()
def status(json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say which processes of the running platform are up."""
    run = _running_here()
    rows = _rows(run)
    if json_:
        sys.stdout.write(json.dumps(rows) + "\n")
        return
    for row in rows:
        since = datetime.fromtimestamp(row["since"], UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        pid = row["pid"] or "-"
        sys.stdout.write(f"{row['name']:10} {row['state']:8} pid {pid:>7}  since {since}  restarts {row['restarts']}\n")


@stop_app.command()
def stop(name: Name = None) -> None:
    """Stop one process of the running platform until it is started again, or, without a name, the whole platform."""
    run = _running_here()
    if name is None:
        found = running(run) or {}
        os.kill(int(found["pid"]), signal.SIGTERM)
        _wait_until(lambda: running(run) is None, "the platform has not ended yet")
    else:
        _known(run, name)
        stop_file(run, name).touch()
        _wait_until(lambda: _state(run, name) == "stopped", f"{name} has not ended yet")


@start_app.command()
def start(name: Annotated[str, typer.Argument(help="web, worker, prober or reflector.")]) -> None:
    """Start a process that was stopped."""
    run = _running_here()
    _known(run, name)
    stop_file(run, name).unlink(missing_ok=True)
    _wait_until(lambda: _state(run, name) == "running", f"{name} has not started yet")


def _running_here() -> Path:
    run = data_directory() / "run"
    if running(run) is None:
        fail("is not running here; ./clearline up starts it", NOT_SO)
    return run


def _rows(run: Path) -> list[dict[str, Any]]:
    with contextlib.suppress(FileNotFoundError):
        rows: list[dict[str, Any]] = json.loads((run / "status.json").read_text())
        return rows
    return []


def _state(run: Path, name: str) -> str | None:
    return next((row["state"] for row in _rows(run) if row["name"] == name), None)


def _known(run: Path, name: str) -> None:
    names = [row["name"] for row in _rows(run)]
    if name not in names:
        fail(f"no process is named {name!r}; there are {', '.join(names)}", BAD_INPUT)


def _wait_until(done: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + HEEDED_WITHIN_S
    while not done():
        if time.monotonic() > deadline:
            fail(otherwise + "; ./clearline status tells more", NOT_SO)
        time.sleep(0.05)
