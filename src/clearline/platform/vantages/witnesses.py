"""What each vantage point saw of an outage: the evidence behind what they were combined to."""

from dataclasses import dataclass

from clearline.agreement.intervals import Interval, IntervalSet
from clearline.platform.availability.models import Target
from clearline.platform.availability.observation import observe_each, quorums_of
from clearline.platform.availability.outages import Availability, Outage
from clearline.platform.vantages.services import named

NOTHING = Availability(IntervalSet(), ())


@dataclass(frozen=True, slots=True)
class Witness:
    """One vantage point's word on an interval."""

    name: str
    counts: bool
    """Whether its word counted when the interval began."""
    outages: tuple[Outage, ...]
    """Those it saw, whole."""
    unseen_us: int
    """For so long within the interval nothing is known from it."""


@dataclass(frozen=True, slots=True)
class Testimony:
    """What all of them saw, and how many had to agree."""

    witnesses: list[Witness]
    agree: int


def testimony(target: Target, span: Interval, now_us: int) -> Testimony:
    """What each vantage point saw of a target over a span, by the quorum in force at its begin."""
    quorum = [each for each in quorums_of(target) if each.from_us <= span[0]][-1]
    seen = observe_each(target, span, now_us)
    everybody = {code: code for code in quorum.of.union(seen)}
    return Testimony(
        [
            Witness(
                name=name,
                counts=code in quorum.of,
                outages=tuple(one for one in seen.get(code, NOTHING).outages if one.from_us < span[1]),
                unseen_us=(IntervalSet.of([span]) - seen.get(code, NOTHING).observed).total_us,
            )
            for name, code in named(target, everybody)
        ],
        quorum.agree,
    )
