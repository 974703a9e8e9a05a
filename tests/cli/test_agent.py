"""The agent's command, run as on another machine."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from tests.cli.invoke import Run, runner

from clearline.platform.accounts.models import Provider, User
from clearline.platform.availability.models import Target
from clearline.platform.measurements import records
from clearline.platform.vantages import services
from clearline.records.schema import ProbeSample

S = 1_000_000
PATIENCE_S = 40.0
TOKEN = "A" * 86


def agent(data: Path, *words: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "clearline", "agent", *words, "--data", str(data)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)


def said(data: Path, *words: str) -> tuple[int, str]:
    process = agent(data, *words)
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out + err


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(monkeypatch, capsys)


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["enrol", "http://sla.example", TOKEN], 2, "write https://HOST"),
        (["enrol", "https://sla.example/path", TOKEN], 2, "write https://HOST"),
        (["enrol", "https://sla.example", "short"], 2, "this is no token"),
        (["enrol", "http://127.0.0.1:9", TOKEN], 1, "cannot be spoken to: no answer"),
        (["run"], 2, "is not enrolled; make a token"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_next_step(
    run: Run, tmp_path: Path, words: list[str], status: int, says: str
) -> None:
    ran = run("agent", *words, "--data", tmp_path)
    assert ran.status == status
    assert says in ran.err


@contextmanager
def running(data: Path) -> Iterator["subprocess.Popen[str]"]:
    process = agent(data, "run")
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not (answer := found()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return answer


def waiting(home: Path) -> int:
    with closing(sqlite3.connect(home / "samples.sqlite3")) as connection:
        (count,) = connection.execute("SELECT count(*) FROM sample").fetchone()
    return int(count)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_an_agent_that_is_killed_while_it_is_cut_off_loses_nothing_it_measured(
    live_server: Any, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CLEARLINE = settings.CLEARLINE.model_copy(update={"data": tmp_path})
    provider = Provider.objects.create(name="Northwind Telecom", created_at=timezone.now())
    boss = User.objects.create_person(provider=provider, email="alice@northwind.example", password=None)
    target = Target.objects.create(
        provider=provider, name="x", uri="sip:127.0.0.1:9", interval_seconds=1, timeout_seconds=1,
        added_at=timezone.now(),
    )  # fmt: skip
    vantage, token = services.invite(boss, "Berlin", timezone.now())
    services.choose_watch(target, boss, local=False, vantages=[vantage], agree=1, now=timezone.now())
    home = tmp_path / "agent"
    assert said(home, "enrol", live_server.url, token)[0] == 0

    def kept() -> list[ProbeSample]:
        return records().probe_samples(
            tenant=provider.tenant, targets=[target.code], since_us=0, until_us=time.time_ns() // 1000 + S
        )

    take_in = services.take_in

    def broken(*_: Any) -> None:
        raise OSError("the platform is down")

    with running(home) as first:
        until(kept)
        assert said(home, "run")[0] == 1  # not two at once
        monkeypatch.setattr(services, "take_in", broken)
        until(lambda: waiting(home) >= 3)
        first.send_signal(signal.SIGKILL)
        first.wait()
    killed_us = time.time_ns() // 1000
    monkeypatch.setattr(services, "take_in", take_in)
    with running(home):
        late = until(lambda: [one for one in kept() if one.at_us > killed_us])
        assert late
    moments = [one.at_us for one in kept() if one.at_us <= killed_us]
    assert killed_us - moments[-1] < 2 * S
    assert all(after - one < 2 * S for one, after in pairwise(moments))
