"""Which packets are lost: independently, or in bursts by Gilbert's two-state chain."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Condition:
    """A share of packets to lose, and the mean length of bursts; 0 for independent losses."""

    loss_pct: float
    burst: int


LOSSES_PCT = (1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0)
CONDITIONS = (Condition(0.0, 0), *(Condition(loss, burst) for burst in (0, 2, 4) for loss in LOSSES_PCT))


def mask(condition: Condition, packets: int, seed: str) -> list[bool]:
    """Draw for each packet whether it is lost; the same seed draws the same."""
    random = Random(f"{seed} {condition}")
    share = condition.loss_pct / 100
    if condition.burst == 0:
        return [random.random() < share for _ in range(packets)]
    leave = 1 / condition.burst
    enter = leave * share / (1 - share)
    lost: list[bool] = []
    state = random.random() < share
    for _ in range(packets):
        lost.append(state)
        state = random.random() >= leave if state else random.random() < enter
    return lost


def runs(lost: list[bool]) -> int:
    """Count the runs of consecutive losses."""
    return sum(now and not before for before, now in zip([False, *lost], lost, strict=False))
