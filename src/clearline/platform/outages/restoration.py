"""How fast outages are over: the promise of an outage, and the means over many."""

from collections.abc import Iterable
from dataclasses import dataclass

from clearline.agreement.intervals import Interval, IntervalSet
from clearline.agreement.moments import utc
from clearline.platform.customers.models import Service
from clearline.platform.outages.effect import Down

MEANS_DAYS = 90
"""The means are over so many days."""


@dataclass(frozen=True, slots=True)
class Means:
    """How reliable something was over a span."""

    outages: int
    """That began in it; entries that overlap or touch are one."""
    mtrs_us: int | None
    """Mean time to restore service: the length of the outages that ended in the span, over their number."""
    mtbf_us: int | None
    """Mean time between failures: the time it was seen to work, over the number of outages that began."""


def means(observed: IntervalSet, downtime: Iterable[Down], span: Interval) -> Means:
    """The means over a span; unknown where no outage gives them.

    Args:
        observed: where it was measured.
        downtime: outages whole, also those that reach into the span.
        span: which outages count: those that began, or ended, in it.
    """
    down = IntervalSet.of((one.from_us, one.until_us) for one in downtime)
    began = [part for part in down if span[0] <= part[0] < span[1]]
    ended = [until_us - from_us for from_us, until_us in down if span[0] < until_us <= span[1]]
    up_us = ((observed & IntervalSet.of([span])) - down).total_us
    return Means(
        outages=len(began),
        mtrs_us=sum(ended) // len(ended) if ended else None,
        mtbf_us=up_us // len(began) if began else None,
    )


def promised_us(services: Iterable[Service], from_us: int) -> int | None:
    """The shortest time to restore that the agreements of some services promise at a moment; None: none does."""
    found = []
    for service in services:
        version = service.agreement.in_force(service.agreement.month_of(utc(from_us)))
        promise = version.terms.commitments.restoration if version else None
        if promise is not None:
            found.append(promise.within_us)
    return min(found, default=None)
