"""The keeper against real processes: what is killed comes back, and what is ended takes all with it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
PARENT_OF_ONE = f"""
import subprocess, sys, pathlib
worker = subprocess.Popen([sys.executable, "-c", {SLEEPER!r}])
pathlib.Path("worker.pid").write_text(str(worker.pid))
worker.wait()
"""
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)

KEEP = """
import os, sys
from pathlib import Path
from clearline.cli import keeper
keeper.STOP_WITHIN_S = 0.5
code = dict(pair.split("=", 1) for pair in sys.argv[1:])
keeper.Keeper(
    [keeper.Child(name, [sys.executable, "-c", text], os.environ) for name, text in code.items()],
    Path("run"), Path("log"),
).run()
"""


def wait_for(what: Callable[[], Any], within_s: float = 15) -> Any:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError("did not come about in time")


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with contextlib.suppress(FileNotFoundError):
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return False


class Kept:
    """A keeper in a process of its own, and what its files say."""

    def __init__(self, folder: Path, **code: str) -> None:
        self.folder = folder
        arguments = [f"{name}={text}" for name, text in code.items()]
        self.process = subprocess.Popen([sys.executable, "-c", KEEP, *arguments], cwd=folder)
        self.count = len(code)
        wait_for(lambda: len([row for row in self.rows() if row["pid"]]) == self.count)

    def rows(self) -> list[dict[str, Any]]:
        with contextlib.suppress(FileNotFoundError):
            return list(json.loads((self.folder / "run" / "status.json").read_text()))
        return []

    def row(self, name: str) -> dict[str, Any]:
        return next((row for row in self.rows() if row["name"] == name), {})

    def pids(self) -> list[int]:
        return [row["pid"] for row in self.rows()]


@pytest.fixture
def keep(tmp_path: Path) -> Iterator[Callable[..., Kept]]:
    made: list[Kept] = []

    def make(**code: str) -> Kept:
        made.append(Kept(tmp_path, **code))
        return made[-1]

    yield make
    for kept in made:
        pids = kept.pids()
        kept.process.kill()
        kept.process.wait()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, TypeError):
                os.kill(pid, signal.SIGKILL)


def test_a_killed_child_is_started_again_at_once(keep: Callable[..., Kept]) -> None:
    kept = keep(one=SLEEPER, two=SLEEPER)
    before = kept.row("one")["pid"]
    other = kept.row("two")["pid"]
    os.kill(before, signal.SIGKILL)
    after = wait_for(lambda: kept.row("one").get("restarts") and kept.row("one")["pid"])
    assert after != before
    assert is_alive(after)
    assert kept.row("two")["pid"] == other


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_every_process(keep: Callable[..., Kept], told: signal.Signals) -> None:
    kept = keep(one=SLEEPER, two=SLEEPER)
    pids = kept.pids()
    kept.process.send_signal(told)
    assert kept.process.wait(timeout=15) == 0
    assert not any(is_alive(pid) for pid in pids)
    assert not (kept.folder / "run" / "status.json").exists()


def test_a_child_that_ignores_sigterm_is_killed(keep: Callable[..., Kept]) -> None:
    kept = keep(one=STUBBORN)
    wait_for(lambda: (kept.folder / "log" / "one.log").read_text() == "up\n")
    pid = kept.row("one")["pid"]
    kept.process.terminate()
    assert kept.process.wait(timeout=15) == 0
    assert not is_alive(pid)


def test_what_a_killed_child_left_behind_ends_with_it(keep: Callable[..., Kept]) -> None:
    kept = keep(one=PARENT_OF_ONE)
    orphan = int(wait_for(lambda: (kept.folder / "worker.pid").exists() and (kept.folder / "worker.pid").read_text()))
    os.kill(kept.row("one")["pid"], signal.SIGKILL)
    wait_for(lambda: not is_alive(orphan))


def test_children_end_when_the_keeper_is_killed(keep: Callable[..., Kept]) -> None:
    kept = keep(one=SLEEPER)
    pid = kept.row("one")["pid"]
    kept.process.kill()
    wait_for(lambda: not is_alive(pid))


def test_a_stopped_child_stays_stopped_until_it_is_asked_for_again(keep: Callable[..., Kept]) -> None:
    kept = keep(one=SLEEPER)
    pid = kept.row("one")["pid"]
    (kept.folder / "run" / "one.stopped").touch()
    wait_for(lambda: kept.row("one").get("state") == "stopped")
    assert not is_alive(pid)
    (kept.folder / "run" / "one.stopped").unlink()
    wait_for(lambda: kept.row("one").get("state") == "running")


def test_a_child_that_keeps_dying_waits_ever_longer(keep: Callable[..., Kept]) -> None:
    kept = keep(one=SLEEPER)
    for _ in range(2):
        pid = wait_for(lambda: kept.row("one").get("state") == "running" and kept.row("one")["pid"])
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda pid=pid: kept.row("one").get("pid") != pid)
    assert wait_for(lambda: kept.row("one").get("state") == "waiting")


def test_what_a_child_says_is_in_its_log(keep: Callable[..., Kept]) -> None:
    kept = keep(one=SLEEPER)
    wait_for(
        lambda: (kept.folder / "log" / "one.log").exists() and (kept.folder / "log" / "one.log").read_text() == "up\n"
    )
