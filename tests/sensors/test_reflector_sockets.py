"""Reflector, probes and samples together over loopback sockets."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

import pytest

from clearline.platform.availability.outages import Availability, Quorum, combine, timelines
from clearline.records.schema import ProbeSample
from clearline.sensors.probe.edge import probe_target
from clearline.sensors.probe.schedule import run_probes
from clearline.sensors.probe.target import Target

Reflector = tuple["subprocess.Popen[str]", int]


@pytest.fixture
def reflector() -> Iterator[Reflector]:
    command = [sys.executable, "-m", "clearline", "reflector", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield process, int(line.rpartition(":")[2].partition("/")[0])
        process.send_signal(signal.SIGCONT)
        process.terminate()


def target(port: int, **choices: int) -> Target:
    return Target("reflector", "t", f"sip:127.0.0.1:{port}", **choices)


def test_it_says_where_it_listens_answers_and_ends_cleanly_when_told(reflector: Reflector) -> None:
    process, port = reflector
    outcome = asyncio.run(probe_target(target(port)))
    assert (outcome.ok, outcome.code, outcome.reason) == (True, 200, "200 OK")
    assert outcome.latency_us is not None
    process.terminate()
    assert process.wait(10) == 0


def test_a_port_where_nobody_listens_is_reported_as_refused_at_once() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    outcome = asyncio.run(probe_target(target(port)))
    assert (outcome.ok, outcome.code) == (False, None)
    assert outcome.reason == f"refused: nothing listens on 127.0.0.1:{port}/udp (ICMP port unreachable)"


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("sip:nosuch.invalid", "the name nosuch.invalid does not resolve"),
        ("sip:127.0.0.1;transport=sctp", "transport SCTP"),
        ("http://x", "is no sip:"),
        ("sip:" + "a" * 70 + ".invalid", "does not resolve"),
    ],
)
def test_what_cannot_be_asked_is_explained(uri: str, says: str) -> None:
    outcome = asyncio.run(probe_target(Target("x", "t", uri)))
    assert says in outcome.reason
    assert outcome.advice


def test_what_cannot_even_be_written_as_a_request_is_raised_and_does_not_hang() -> None:
    with pytest.raises(ValueError, match="line end"):
        asyncio.run(probe_target(Target("x", "t", "sip:a\r\nb@127.0.0.1:9")))


@pytest.mark.alone
def test_a_frozen_reflector_is_an_outage_that_ends_when_it_answers_again(reflector: Reflector) -> None:
    process, port = reflector
    interval_us = 400_000
    samples: list[ProbeSample] = []
    moments: dict[str, int] = {}

    def now_us() -> int:
        return time.time_ns() // 1000

    def judged(samples: Sequence[ProbeSample]) -> Availability:
        return combine(timelines(samples, now_us=now_us(), confirm=2), (Quorum(0, 1, frozenset({"local"})),))

    def collect(batch: Sequence[ProbeSample]) -> None:
        samples.extend(batch)
        outages = judged(samples).outages
        if "frozen" not in moments and len(samples) >= 3:
            os.kill(process.pid, signal.SIGSTOP)
            moments["frozen"] = now_us()
        elif "seen" not in moments and outages:
            moments["seen"] = now_us()
        elif "thawed" not in moments and len(samples) >= 8 and outages:
            moments["thawed"] = now_us()
            os.kill(process.pid, signal.SIGCONT)
        elif "thawed" in moments and outages[0].until_us is not None:
            loop.call_soon_threadsafe(stop.set)

    async def main() -> None:
        async with asyncio.timeout(30):
            await run_probes(lambda: [target(port, interval_us=interval_us, timeout_us=200_000)], collect, stop=stop)

    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    loop.run_until_complete(main())
    loop.close()
    (outage,) = judged(samples).outages
    assert moments["frozen"] - interval_us <= outage.from_us <= moments["seen"]
    assert outage.until_us is not None
    assert moments["thawed"] - interval_us <= outage.until_us
    assert outage.reason == "no answer within 0.2 s (sent once)"
