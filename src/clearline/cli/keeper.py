"""Keeps processes alive: starts them, starts them again when they end, ends them all together.

What should run is said by files, so that any shell can say it and nothing is lost with a process:
`<run>/<name>.stopped` asks that one child stay stopped, `<run>/status.json` tells how each child is.
"""

import ctypes
import json
import logging
import logging.handlers
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

LOOK_EVERY_S = 0.2
"""How often the files are looked at; the end of a child is noticed at once, by its signal."""

STOP_WITHIN_S = 8.0
"""A child that has not ended this long after SIGTERM is killed."""

STEADY_AFTER_S = 10.0
"""A child that ran at least this long is started again at once; one that keeps dying sooner waits ever longer."""

LONGEST_WAIT_S = 30.0
LOG_BYTES = 5_000_000
LOG_FILES = 3
"""A child's log is kept in this many files of this many bytes, the oldest dropped."""

_PR_SET_PDEATHSIG = 1
_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}


@dataclass(frozen=True, slots=True)
class Child:
    """A process to keep: its name, its command and what it sees of the environment."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]


@dataclass(slots=True)
class _Kept:
    """How one child is. Moments are of the monotonic clock, but `since`, which is shown."""

    child: Child
    process: subprocess.Popen[str] | None = None
    started: float = 0.0
    start_at: float = 0.0
    quick_ends: int = 0
    restarts: int = 0
    asked_to_stop: bool = False
    since: float = field(default_factory=time.time)

    @property
    def state(self) -> str:
        if self.process is not None:
            return "running"
        return "stopped" if self.asked_to_stop else "waiting"


class Keeper:
    """Keeps children until SIGTERM, SIGINT or SIGHUP.

    Each child leads a process group of its own, so that what it leaves behind when it is killed is ended with it; and
    it is told by the kernel (PR_SET_PDEATHSIG) to end when its keeper is killed.
    """

    def __init__(self, children: Sequence[Child], run: Path, logs: Path | None) -> None:
        """Prepare to keep `children`; without `logs` they write to this process's own output."""
        self._kept = [_Kept(child) for child in children]
        self._run = run
        self._logs = logs
        self._readers: list[threading.Thread] = []
        run.mkdir(parents=True, exist_ok=True)
        for kept in self._kept:
            stop_file(run, kept.child.name).unlink(missing_ok=True)

    def run(self) -> None:
        """Keep the children until told to end, then end them and return when all have ended."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            while True:
                self._look(time.monotonic())
                caught = signal.sigtimedwait(_SIGNALS, LOOK_EVERY_S)
                if caught is not None and caught.si_signo != signal.SIGCHLD:
                    return
        finally:
            self._end_all()

    def _look(self, now: float) -> None:
        changed = [self._look_at(kept, now) for kept in self._kept]
        if any(changed):
            self._write_status()

    def _look_at(self, kept: _Kept, now: float) -> bool:
        before = (kept.state, kept.process)
        if kept.process is not None and kept.process.poll() is not None:
            self._note_end(kept, now)
        kept.asked_to_stop = stop_file(self._run, kept.child.name).exists()
        if kept.asked_to_stop and kept.process is not None:
            _end([kept.process])
            kept.process = None
        elif not kept.asked_to_stop and kept.process is None and now >= kept.start_at:
            kept.process, kept.started = self._start(kept.child), now
        if (kept.state, kept.process) == before:
            return False
        kept.since = time.time()
        return True

    def _note_end(self, kept: _Kept, now: float) -> None:
        assert kept.process is not None  # noqa: S101  # the caller looked
        _kill_group(kept.process)
        lived_s = now - kept.started
        kept.quick_ends = 0 if lived_s >= STEADY_AFTER_S else kept.quick_ends + 1
        wait_s = 0.0 if kept.quick_ends <= 1 else min(2.0 ** (kept.quick_ends - 2), LONGEST_WAIT_S)
        logging.getLogger(__name__).warning(
            "%s ended with %s after %.0f s; starting it again in %.0f s",
            kept.child.name,
            kept.process.returncode,
            lived_s,
            wait_s,
        )
        kept.process, kept.start_at = None, now + wait_s
        kept.restarts += 1

    def _start(self, child: Child) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            child.argv,
            env=dict(child.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if self._logs else None,
            stderr=subprocess.STDOUT if self._logs else None,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509  # two system calls, no lock taken
        )
        if self._logs and process.stdout:
            reader = threading.Thread(
                target=_copy, args=(process.stdout, self._logs / f"{child.name}.log"), daemon=True
            )
            reader.start()
            self._readers = [thread for thread in self._readers if thread.is_alive()] + [reader]
        return process

    def _write_status(self) -> None:
        rows = [
            {
                "name": kept.child.name,
                "state": kept.state,
                "pid": kept.process.pid if kept.process else None,
                "since": kept.since,
                "restarts": kept.restarts,
            }
            for kept in self._kept
        ]
        new = self._run / "status.json.new"
        new.write_text(json.dumps(rows))
        new.replace(self._run / "status.json")

    def _end_all(self) -> None:
        _end([kept.process for kept in self._kept if kept.process is not None])
        for reader in self._readers:
            reader.join(timeout=1)
        (self._run / "status.json").unlink(missing_ok=True)


def stop_file(run: Path, name: str) -> Path:
    """The file whose presence asks the keeper to leave a child stopped."""
    return run / f"{name}.stopped"


def _end(processes: Sequence[subprocess.Popen[str]]) -> None:
    """End processes together: SIGTERM to each, SIGKILL to the group of those that do not heed it in time."""
    for process in processes:
        process.terminate()
        process.send_signal(signal.SIGCONT)
    deadline = time.monotonic() + STOP_WITHIN_S
    for process in processes:
        try:
            process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _kill_group(process)


def _kill_group(process: subprocess.Popen[str]) -> None:
    """Kill what an ended child left behind in its group, such as the workers of a killed web server."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _end_with_parent() -> None:
    """In the child, before its program: heed signals again, and be sent SIGTERM when the keeper dies (Linux)."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    libc = ctypes.CDLL(None)
    if hasattr(libc, "prctl"):
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _copy(stream: IO[str], path: Path) -> None:
    """Copy a child's output into its rotating log."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES - 1)
    for line in _lines(stream):
        handler.emit(logging.LogRecord(path.stem, logging.INFO, "", 0, line, None, None))
    handler.close()


def _lines(stream: IO[str]) -> Iterator[str]:
    """Lines without their end, cut at 10,000 characters, until the stream ends."""
    while line := stream.readline(10_000):
        yield line.rstrip("\n")
