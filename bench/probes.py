"""How many targets one process probes on time, and how fast a month of samples becomes outages.

`./clearline bench probes [--seconds 60] [--targets 5000]`; with `--chaos` it breaks real servers instead, in every
way of `tests/peers/test_chaos.py`, for six and for 25 s, and prints what became of it.
"""

import argparse
import asyncio
import os
import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from clearline.platform.availability.outages import UNCHOSEN, Columns, combine, timeline
from clearline.platform.availability.runs import condensed_days, joined
from clearline.records.schema import ProbeSample
from clearline.sensors.probe.schedule import run_probes
from clearline.sensors.probe.target import Target

INTERVAL_US = 15_000_000
MONTH_US = 30 * 86_400 * 1_000_000


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench probes")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--targets", type=int, default=5_000)
    parser.add_argument("--chaos", action="store_true")
    options = parser.parse_args(argv)
    if options.chaos:
        return chaos()
    print(f"{options.targets} targets every 15 s, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    on_time = probing(options.targets, options.seconds)
    judging(options.targets)
    return 0 if on_time else 1


def chaos() -> int:
    """Break Kamailio and rtpengine while the platform measures them; the test says whether each outage is right."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-s", "tests/peers/test_chaos.py"]
    return subprocess.run(command, check=False, env=os.environ | {"CLEARLINE_CHAOS": "1"}).returncode


def probing(targets: int, seconds: int) -> bool:
    """Probe a reflector on this machine for real and look for gaps. The reflector runs beside, on the same cores."""
    command = [
        sys.executable,
        "-m",
        "clearline",
        "reflector",
        "--listen",
        "127.0.0.1:0",
        "--requests-per-second",
        "100000",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reflector:
        assert reflector.stdout is not None  # noqa: S101  # asked for above
        place = reflector.stdout.readline().split()[-1].removesuffix("/udp")
        wanted = [Target(f"T{number}", "t", f"sip:{place}", interval_us=INTERVAL_US) for number in range(targets)]
        samples: list[ProbeSample] = []

        async def run() -> int:
            stop = asyncio.Event()
            asyncio.get_running_loop().call_later(seconds, stop.set)
            return await run_probes(lambda: wanted, samples.extend, stop=stop)

        before = resource.getrusage(resource.RUSAGE_SELF)
        missed = asyncio.run(run())
        after = resource.getrusage(resource.RUSAGE_SELF)
        reflector.terminate()
    return report(
        samples, missed, targets, seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    )


def report(samples: Sequence[ProbeSample], missed: int, targets: int, seconds: int, cpu_s: float) -> bool:
    """Print what the run gave; True when every target was probed on its schedule."""
    by_target = defaultdict(list)
    for sample in samples:
        by_target[sample.target].append(sample.at_us)
    gaps = [b - a for moments in by_target.values() for a, b in pairwise(sorted(moments))]
    latencies = sorted(sample.latency_us for sample in samples if sample.latency_us is not None)
    failed = sum(not sample.ok for sample in samples)
    print(f"  probed {seconds} s: {len(samples)} samples of {len(by_target)} targets, {failed} failed, {missed} missed")
    print(f"  CPU {cpu_s:.1f} s = {100 * cpu_s / seconds:.0f} % of one core")
    if gaps:
        print(f"  longest pause of a target {max(gaps) / 1e6:.2f} s (15.75 s with its jitter)")
    if latencies:
        middle, high = latencies[len(latencies) // 2], latencies[len(latencies) * 99 // 100]
        print(f"  round trip as measured: median {middle / 1000:.1f} ms, 99 % {high / 1000:.1f} ms")
    return missed == 0 and failed == 0 and len(by_target) == targets


REASONS = ("no answer within 4 s", "200 OK")


def months(targets: int) -> Iterator[Columns]:
    """Make a month of samples of each target: three outages of half an hour, 30 lone failures, a gap of an hour."""
    chance = np.random.default_rng(5)
    number = MONTH_US // INTERVAL_US
    regular = np.arange(number, dtype=np.int64) * INTERVAL_US
    interval, offset = np.full(number, INTERVAL_US, dtype=np.int64), np.zeros(number, dtype=np.int64)
    for _ in range(targets):
        at_us = regular + chance.integers(0, INTERVAL_US // 20, number)
        ok = np.ones(number, dtype=np.bool_)
        for start in chance.integers(0, number - 120, 3):
            ok[start : start + 120] = False
        ok[chance.integers(0, number, 30)] = False
        start = int(chance.integers(0, number - 240))
        kept = np.concatenate((np.arange(start), np.arange(start + 240, number)))
        good = ok[kept]
        yield Columns(
            at_us[kept], good, interval[kept], offset[kept], lambda index, good=good: REASONS[bool(good[index])]
        )


def judging(targets: int) -> None:
    """Turn a month of every target into outages, day by day as the platform does; making the samples is not counted,
    nor is reading them from disk."""
    spent_s, outages, seen = 0.0, 0, 0
    for samples in months(targets):
        began = time.process_time()
        runs = joined({"local": found} for _, found in condensed_days(samples))
        apart = {vantage: timeline(found, MONTH_US, 2) for vantage, found in runs.items()}
        outages += len(combine(apart, (UNCHOSEN,)).outages)
        spent_s += time.process_time() - began
        seen += samples.at_us.size
    print(f"  30 days of {targets} targets, {seen / 1e6:.0f} million samples:")
    print(f"    {outages} outages in {spent_s:.1f} s CPU")
