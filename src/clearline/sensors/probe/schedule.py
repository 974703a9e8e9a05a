"""Probing many targets, each on its own interval.

`Schedule` decides when (pure: moments are arguments); `run_probes` is the loop around it.
"""

import asyncio
import heapq
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

import structlog

from clearline import __version__
from clearline.records.schema import ProbeSample, record_key
from clearline.sensors.probe.edge import probe_target
from clearline.sensors.probe.outcome import Outcome
from clearline.sensors.probe.target import Target

log = structlog.get_logger(__name__)

JITTER_SHARE = 0.05
"""A probe is due up to this share of its interval after the regular moment, so that probes do not beat in step."""

FIRST_SPREAD_US = 10_000
"""New targets are first probed this far apart, up to the whole of the interval: no burst at the start."""

CONFIRM_AFTER_US = 2_000_000
"""After a first failure a confirmation is due this long after its result, or a third of the interval if that is
sooner.
"""

REREAD_US = 5_000_000
"""The list of targets is read again this often."""

FLUSH_US = 500_000
"""Samples are handed on at most this long after they were taken."""

LONGEST_PAUSE_US = 50_000
"""The loop looks for newly due probes at least this often."""

LONGEST_REASON = 240
"""Kept of what a server says for itself: it may say anything, at any length."""

MAX_HELD_SAMPLES = 500_000
"""Samples kept while the receiver of samples fails: about 25 min of 5,000 targets at 15 s. The oldest go first, which
leaves the time unobserved.
"""


@dataclass(slots=True)
class _Plan:
    target: Target
    regular_us: int
    """The regular moment of the next probe, before jitter."""
    dropped: bool = False
    failing: bool = False
    recorded_us: int = 0
    """The wall-clock moment of the latest sample."""


@dataclass(slots=True)
class Schedule:
    """When which target is due. Moments are of a monotonic clock, in microseconds."""

    jitter: Callable[[], float]
    """Returns a number in [0, 1)."""
    missed: int = 0
    """Regular probes left out because the loop came too late for them."""
    _plans: dict[str, _Plan] = field(default_factory=dict)
    _queue: list[tuple[int, int, bool, _Plan]] = field(default_factory=list)
    """Heap of (due, serial number, whether it is a regular probe, plan)."""
    _serial: int = 0

    def replace(self, targets: Iterable[Target], now_us: int) -> None:
        """Take over the current list: new targets start soon, changed ones keep their rhythm, others are dropped.

        One that somebody else has seen failing since the last list is due at once, unless it fails here already.
        """
        wanted = {target.id: target for target in targets}
        for gone in self._plans.keys() - wanted.keys():
            self._plans.pop(gone).dropped = True
        for key, plan in self._plans.items():
            known_us, plan.target = plan.target.suspected_us, wanted[key]
            if plan.target.suspected_us not in (None, known_us) and not plan.failing:
                self._push(now_us, plan, regular=False)
        new = [target for key, target in wanted.items() if key not in self._plans]
        for number, target in enumerate(new):
            plan = _Plan(target, now_us + number * min(FIRST_SPREAD_US, target.interval_us // len(new)))
            self._plans[target.id] = plan
            self._push(plan.regular_us, plan, regular=True)

    def _push(self, due_us: int, plan: _Plan, *, regular: bool) -> None:
        self._serial += 1
        heapq.heappush(self._queue, (due_us, self._serial, regular, plan))

    @property
    def next_due_us(self) -> int | None:
        """When the next target is due."""
        return self._queue[0][0] if self._queue else None

    def due(self, now_us: int) -> list[Target]:
        """Return the targets due by now and plan their next probe; moments already past are counted as missed."""
        found: dict[str, Target] = {}
        while self._queue and self._queue[0][0] <= now_us:
            _, _, regular, plan = heapq.heappop(self._queue)
            if plan.dropped:
                continue
            found[plan.target.id] = plan.target
            if regular:
                self._plan_next(plan, now_us)
        return list(found.values())

    def _plan_next(self, plan: _Plan, now_us: int) -> None:
        interval_us = plan.target.interval_us
        plan.regular_us += interval_us
        if plan.regular_us <= now_us:
            late = (now_us - plan.regular_us) // interval_us + 1
            self.missed += late
            plan.regular_us += late * interval_us
        self._push(plan.regular_us + int(self.jitter() * JITTER_SHARE * interval_us), plan, regular=True)

    def concluded(self, key: str, *, ok: bool, now_us: int) -> None:
        """Note a result; a first failure plans a quick confirmation."""
        plan = self._plans.get(key)
        if plan is None:
            return
        if not ok and not plan.failing:
            self._push(now_us + min(CONFIRM_AFTER_US, plan.target.interval_us // 3), plan, regular=False)
        plan.failing = not ok

    def accepts(self, key: str, at_us: int) -> bool:
        """Whether a probe started at this wall-clock moment is to be recorded: only after the target's latest one.

        After the wall clock was set back, the moments it shows were already judged; nothing is added to them until it
        has caught up.
        """
        plan = self._plans.get(key)
        if plan is None or at_us <= plan.recorded_us:
            return False
        plan.recorded_us = at_us
        return True


def sample_of(
    target: Target, outcome: Outcome, *, vantage: str, at_us: int, clock_offset_us: int | None = None
) -> ProbeSample:
    """Make the record of one probe."""
    media = outcome.media
    return ProbeSample(
        key=record_key("probe", target.tenant, target.id, vantage, target.kind, at_us),
        tenant=target.tenant,
        target=target.id,
        vantage=vantage,
        kind=target.kind,
        at_us=at_us,
        ok=outcome.ok,
        code=outcome.code,
        reason=outcome.reason[:LONGEST_REASON],
        latency_us=outcome.latency_us,
        interval_us=target.interval_us,
        code_version=__version__,
        clock_offset_us=clock_offset_us,
        mos_x100=None if media is None else media.mos_lq_x100,
        post_dial_delay_us=outcome.post_dial_delay_us,
        loss_ppm=None if media is None else media.loss_ppm,
        jitter_us=None if media is None else media.jitter_us,
        expires_at_us=outcome.expires_at_us,
    )


class _Prober:
    """The running loop: what `run_probes` holds between its turns."""

    def __init__(
        self,
        on_samples: Callable[[Sequence[ProbeSample]], None],
        vantage: str,
        probe: Callable[[Target], Awaitable[Outcome]],
        wall_us: Callable[[], int],
        offset_us: Callable[[], int | None],
    ) -> None:
        self.schedule = Schedule(random.random)
        self._on_samples = on_samples
        self._vantage = vantage
        self._probe = probe
        self._wall_us = wall_us
        self._offset_us = offset_us
        self._held: list[ProbeSample] = []
        self._running: set[asyncio.Task[None]] = set()

    def start_due(self) -> None:
        for target in self.schedule.due(_monotonic_us()):
            task = asyncio.create_task(self._one(target))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _one(self, target: Target) -> None:
        at_us, offset_us = self._wall_us(), self._offset_us()
        accepted = self.schedule.accepts(target.id, at_us)
        try:
            outcome = await self._probe(target)
        except Exception:  # our fault, not the target's: no sample, so that the time stays unobserved
            log.exception("a probe broke", target=target.id)
            return
        self.schedule.concluded(target.id, ok=outcome.ok, now_us=_monotonic_us())
        if accepted:
            made = sample_of(target, outcome, vantage=self._vantage, at_us=at_us, clock_offset_us=offset_us)
            self._held.append(made)

    async def keep_flushing(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_US / 1_000_000)
            await self.flush()

    async def flush(self) -> None:
        """Hand the samples on in a thread, so no probe waits for the disk; what fails is kept for the next turn."""
        if not self._held:
            return
        batch, self._held = self._held, []
        try:
            await asyncio.to_thread(self._on_samples, batch)
        except Exception:
            self._held = (batch + self._held)[-MAX_HELD_SAMPLES:]
            log.exception("samples could not be handed on and are kept", held=len(self._held))

    async def finish(self) -> None:
        """Cancel what still runs and hand on what is there."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self.flush()


def _monotonic_us() -> int:
    return time.monotonic_ns() // 1000


def _system_us() -> int:
    return time.time_ns() // 1000


async def run_probes(
    targets: Callable[[], Sequence[Target]],
    on_samples: Callable[[Sequence[ProbeSample]], None],
    *,
    vantage: str = "local",
    stop: asyncio.Event | None = None,
    probe: Callable[[Target], Awaitable[Outcome]] = probe_target,
    wall_us: Callable[[], int] = _system_us,
    offset_us: Callable[[], int | None] = lambda: None,
) -> int:
    """Probe each target on its interval until `stop` is set or the task is cancelled.

    Args:
        targets: returns the current list; called in a thread, now and every 5 s. If it fails, the last list stays.
        on_samples: takes the samples, in a thread, at most 0.5 s after they were taken. If it fails it gets them again.
        vantage: who looks, for the records.
        stop: set it to end cleanly: what has been measured is handed on first.
        probe: one probe of one target; if it raises, there is no sample.
        wall_us: the clock that dates samples.
        offset_us: how far that of the platform is ahead of this machine's, where that was measured.

    Returns:
        How many regular probes were left out because this process came too late for them.
    """
    stop = stop or asyncio.Event()
    prober = _Prober(on_samples, vantage, probe, wall_us, offset_us)
    helpers = [
        asyncio.create_task(_keep_reading(targets, prober.schedule)),
        asyncio.create_task(prober.keep_flushing()),
    ]
    try:
        while not stop.is_set():
            prober.start_due()
            due_us = prober.schedule.next_due_us
            pause_us = LONGEST_PAUSE_US if due_us is None else min(LONGEST_PAUSE_US, due_us - _monotonic_us())
            await _wait(stop, max(pause_us, 1_000))
    finally:
        for helper in helpers:
            helper.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)
        await prober.finish()
    return prober.schedule.missed


async def _keep_reading(targets: Callable[[], Sequence[Target]], schedule: Schedule) -> None:
    while True:
        try:
            schedule.replace(await asyncio.to_thread(targets), _monotonic_us())
        except Exception:
            log.exception("the list of targets could not be read; the last one stays")
        await asyncio.sleep(REREAD_US / 1_000_000)


async def _wait(stop: asyncio.Event, pause_us: int) -> None:
    try:
        async with asyncio.timeout(pause_us / 1_000_000):
            await stop.wait()
    except TimeoutError:
        return
