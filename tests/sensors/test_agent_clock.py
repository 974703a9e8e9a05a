"""What an agent knows of the platform's time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.sensors.agent.clock import PlatformClock, Relation

S = 1_000_000


def test_four_moments_give_the_relation_and_half_the_way_its_uncertainty() -> None:
    # by the steady clock sent at 100 and heard at 100.05; received at 1000.02, answered at 1000.03: 20 ms each way
    assert Relation.of(100 * S, 1_000_020_000, 1_000_030_000, 100_050_000) == Relation(900 * S, 20_000)


@given(st.integers(0, 10**12), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**5))
def test_the_true_relation_is_within_the_uncertainty_however_the_way_is_split(
    ahead_us: int, there_us: int, back_us: int, worked_us: int
) -> None:
    received_us = there_us + ahead_us
    measured = Relation.of(0, received_us, received_us + worked_us, there_us + worked_us + back_us)
    assert abs(measured.ahead_us - ahead_us) <= measured.uncertainty_us


class Machine:
    steady, wall = 50 * S, 1_000 * S

    def clock(self) -> PlatformClock:
        return PlatformClock(lambda: self.steady, lambda: self.wall)


def test_before_the_first_exchange_the_time_is_unknown() -> None:
    clock = Machine().clock()
    assert clock.relation is None
    for ask in (clock.now_us, clock.offset_us):
        with pytest.raises(LookupError):
            ask()


def test_a_step_of_the_machines_clock_shows_in_the_offset_at_once_and_leaves_the_time_alone() -> None:
    machine = Machine()
    clock = machine.clock()
    clock.measured(Relation(951 * S, 1_000))
    assert (clock.now_us(), clock.offset_us()) == (1_001 * S, 1 * S)
    machine.wall += 300 * S
    assert (clock.now_us(), clock.offset_us()) == (1_001 * S, -299 * S)


def test_the_quickest_of_the_latest_exchanges_tells_the_time() -> None:
    clock = Machine().clock()
    for ahead_us, uncertainty_us in [(1000, 500), (1100, 20), (900, 400)]:
        clock.measured(Relation(ahead_us, uncertainty_us))
    assert clock.relation == Relation(1100, 20)
    for _ in range(8):
        clock.measured(Relation(1000, 300))
    assert clock.relation == Relation(1000, 300)


def test_an_exchange_that_contradicts_the_earlier_ones_replaces_them() -> None:
    clock = Machine().clock()
    clock.measured(Relation(1000, 10))
    clock.measured(Relation(300 * S, 5000))
    assert clock.relation == Relation(300 * S, 5000)


def test_what_was_measured_before_a_restart_of_the_agent_is_known_after_it() -> None:
    clock = PlatformClock(lambda: 5, lambda: 0, Relation(10, 1))
    assert clock.now_us() == 15
