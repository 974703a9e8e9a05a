"""When which target is probed, and what becomes of the samples."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from clearline.records.schema import ProbeSample
from clearline.sensors.probe.outcome import Outcome
from clearline.sensors.probe.schedule import Schedule, run_probes
from clearline.sensors.probe.target import Target

S = 1_000_000
GOOD = Outcome(True, 200, "200 OK", 900)
BAD = Outcome(False, None, "no answer within 4 s", None)


def target(number: int, interval_us: int = 15 * S) -> Target:
    return Target(f"T{number}", "t", "sip:192.0.2.1", interval_us=interval_us)


def probed(schedule: Schedule, until_us: int) -> list[tuple[int, str]]:
    found = []
    while (due_us := schedule.next_due_us) is not None and due_us < until_us:
        found += [(due_us, one.id) for one in schedule.due(due_us)]
    return found


def test_each_target_is_probed_once_an_interval_without_drift() -> None:
    schedule = Schedule(lambda: 0.0)
    schedule.replace([target(1)], 0)
    assert [at // S for at, _ in probed(schedule, 61 * S)] == [0, 15, 30, 45, 60]


def test_jitter_delays_a_probe_but_not_the_rhythm() -> None:
    schedule = Schedule(iter([0.9, 0.0, 0.5, 0.0]).__next__)
    schedule.replace([target(1, 10 * S)], 0)
    assert [at for at, _ in probed(schedule, 35 * S)] == [0, 10_450_000, 20 * S, 30_250_000]


def test_new_targets_are_spread_out() -> None:
    schedule = Schedule(lambda: 0.0)
    schedule.replace([target(number) for number in range(5_000)], 0)
    moments = [at for at, _ in probed(schedule, 15 * S)]
    assert len(moments) == 5_000
    assert min(b - a for a, b in pairwise(moments)) == 3_000


def test_a_first_failure_is_confirmed_quickly_and_only_once() -> None:
    schedule = Schedule(lambda: 0.0)
    schedule.replace([target(1)], 0)
    schedule.due(0)
    schedule.concluded("T1", ok=False, now_us=4 * S)
    schedule.concluded("T1", ok=False, now_us=10 * S)
    assert [at // S for at, _ in probed(schedule, 40 * S)] == [6, 15, 30]
    schedule.concluded("T1", ok=True, now_us=41 * S)
    schedule.concluded("T1", ok=False, now_us=42 * S)
    assert [at // S for at, _ in probed(schedule, 50 * S)] == [44, 45]


def test_a_failure_seen_elsewhere_makes_a_target_due_at_once_and_only_once() -> None:
    schedule = Schedule(lambda: 0.0)
    schedule.replace([target(1)], 0)
    schedule.due(0)
    suspected = replace(target(1), suspected_us=3 * S)
    for now_us in (5 * S, 10 * S):
        schedule.replace([suspected], now_us)
    assert [at // S for at, _ in probed(schedule, 40 * S)] == [5, 15, 30]
    schedule.replace([replace(suspected, suspected_us=41 * S)], 42 * S)
    assert [at // S for at, _ in probed(schedule, 50 * S)] == [42, 45]


def test_a_failure_seen_elsewhere_adds_no_probe_where_it_fails_already() -> None:
    schedule = Schedule(lambda: 0.0)
    schedule.replace([target(1)], 0)
    schedule.due(0)
    schedule.concluded("T1", ok=False, now_us=4 * S)
    schedule.replace([replace(target(1), suspected_us=4 * S)], 5 * S)
    assert [at // S for at, _ in probed(schedule, 20 * S)] == [6, 15]


def test_after_a_standstill_missed_probes_are_counted_and_not_made_up_for() -> None:
    schedule = Schedule(lambda: 0.0)
    schedule.replace([target(1)], 0)
    schedule.due(0)
    assert len(schedule.due(61 * S)) == 1
    assert schedule.missed == 3  # those of 30, 45 and 60 s; that of 15 s is made late
    assert schedule.next_due_us == 75 * S


def test_a_dropped_target_is_not_probed_and_comes_back_with_one_rhythm() -> None:
    schedule = Schedule(lambda: 0.0)
    schedule.replace([target(1), target(2)], 0)
    schedule.replace([target(2)], 0)
    schedule.concluded("T1", ok=False, now_us=0)
    schedule.replace([target(1), target(2)], 0)
    assert sorted(key for _, key in probed(schedule, 14 * S)) == ["T1", "T2"]


def test_moments_a_clock_that_was_set_back_shows_again_are_not_recorded_again() -> None:
    schedule = Schedule(lambda: 0.0)
    schedule.replace([target(1)], 0)
    assert [schedule.accepts("T1", at) for at in (100, 115, 20, 115, 116)] == [True, True, False, False, True]
    assert not schedule.accepts("unknown", 1)


class Collector:
    def __init__(self, stop: asyncio.Event, enough: int, failures: int = 0) -> None:
        self.samples: list[ProbeSample] = []
        self.stop, self.enough, self.failures = stop, enough, failures
        self.loop = asyncio.get_running_loop()

    def __call__(self, batch: Sequence[ProbeSample]) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("disk full")
        self.samples += batch
        if len(self.samples) >= self.enough:
            self.loop.call_soon_threadsafe(self.stop.set)


def run(outcomes: list[Outcome], *, failures: int = 0, targets_fail: bool = False) -> list[ProbeSample]:
    async def main() -> list[ProbeSample]:
        stop = asyncio.Event()
        collector = Collector(stop, len(outcomes), failures)
        left = list(outcomes)

        async def probe(_: Target) -> Outcome:
            await asyncio.sleep(0)
            return left.pop(0) if left else GOOD

        reads = iter(range(100))

        def targets() -> list[Target]:
            if targets_fail and next(reads) > 0:
                raise OSError("database is locked")
            return [target(1, 50_000)]

        async with asyncio.timeout(20):
            await run_probes(targets, collector, vantage="here", stop=stop, probe=probe)
        return collector.samples

    return asyncio.run(main())


def test_each_probe_becomes_one_sample_with_all_it_found() -> None:
    first, second = run([GOOD, BAD])[:2]
    assert (first.target, first.tenant, first.vantage, first.kind, first.interval_us) == (
        "T1", "t", "here", "options", 50_000,
    )  # fmt: skip
    assert (first.ok, first.code, first.reason, first.latency_us) == (True, 200, "200 OK", 900)
    assert (second.ok, second.code, second.latency_us) == (False, None, None)
    assert first.key != second.key
    assert first.at_us < second.at_us


def test_a_probe_that_breaks_makes_no_sample_and_stops_no_other() -> None:
    async def main() -> list[ProbeSample]:
        stop = asyncio.Event()
        collector = Collector(stop, 2)

        async def probe(asked: Target) -> Outcome:
            if asked.id == "T1":
                raise RuntimeError("a mistake of ours")
            return GOOD

        async with asyncio.timeout(20):
            await run_probes(lambda: [target(1, 50_000), target(2, 50_000)], collector, stop=stop, probe=probe)
        return collector.samples

    assert {sample.target for sample in asyncio.run(main())} == {"T2"}


def test_samples_that_could_not_be_handed_on_come_again_in_order() -> None:
    samples = run([GOOD, BAD, GOOD], failures=1)
    assert [sample.ok for sample in samples[:3]] == [True, False, True]
    assert [sample.at_us for sample in samples] == sorted({sample.at_us for sample in samples})


def test_a_list_of_targets_that_cannot_be_read_leaves_the_last_one_in_force() -> None:
    assert len(run([GOOD] * 4, targets_fail=True)) >= 4


def test_at_the_end_what_was_measured_is_handed_on_and_the_missed_are_returned() -> None:
    async def main() -> tuple[int, int]:
        stop = asyncio.Event()
        got: list[ProbeSample] = []

        async def probe(_: Target) -> Outcome:
            stop.set()
            return GOOD

        missed = await run_probes(lambda: [target(1)], got.extend, stop=stop, probe=probe)
        return len(got), missed

    assert asyncio.run(main()) == (1, 0)
