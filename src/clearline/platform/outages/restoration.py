"""How fast outages are over: the promise of an outage, and the means over many."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass

from clearline.agreement.intervals import Interval, IntervalSet
from clearline.agreement.moments import datetime_us, utc
from clearline.platform.customers.models import Service
from clearline.platform.outages.effect import Down, effect_of, said_of
from clearline.platform.outages.scope import targets_of

MEANS_DAYS = 90
"""The means are over so many days, where nothing else is asked for."""

LENGTHS_DAYS = (30, MEANS_DAYS, 365)


@dataclass(frozen=True, slots=True)
class Means:
    """How reliable something was over a span: the sums, and the means that follow from them."""

    began: int = 0
    """Outages that began in it; entries that overlap or touch are one."""
    ended: int = 0
    """Outages that ended in it."""
    ended_us: int = 0
    """How long those were in all."""
    up_us: int = 0
    """Time that it was seen to work."""
    unknown_us: int = 0
    """Time that was neither seen to work nor down."""
    span_us: int = 0
    """The whole."""

    @property
    def mtrs_us(self) -> int | None:
        """Mean time to restore service: the length of the outages that ended, over their number; None without one."""
        return self.ended_us // self.ended if self.ended and self.is_known else None

    @property
    def mtbf_us(self) -> int | None:
        """Mean time between failures: the time it was seen to work, over the outages that began; None without one."""
        return self.up_us // self.began if self.began and self.is_known else None

    @property
    def is_known(self) -> bool:
        """Whether at least half of the span was measured: of less, no mean is given."""
        return 2 * self.unknown_us <= self.span_us

    def __add__(self, other: "Means") -> "Means":
        return Means(*(sum(pair) for pair in zip(astuple(self), astuple(other), strict=True)))


def means(observed: IntervalSet, downtime: Iterable[Down], span: Interval) -> Means:
    """The means over a span.

    Args:
        observed: where it was measured.
        downtime: outages whole, also those that reach into the span.
        span: which outages count: those that began, or ended, in it.
    """
    down = IntervalSet.of((one.from_us, one.until_us) for one in downtime)
    ended = [until_us - from_us for from_us, until_us in down if span[0] < until_us <= span[1]]
    whole = IntervalSet.of([span])
    return Means(
        began=sum(span[0] <= from_us < span[1] for from_us, _ in down),
        ended=len(ended),
        ended_us=sum(ended),
        up_us=((observed & whole) - down).total_us,
        unknown_us=(whole - observed - down).total_us,
        span_us=whole.total_us,
    )


def service_means(service: Service, span: Interval, now_us: int) -> Means:
    """The means of a service over the part of a span in which it was bought, as its statements count outages."""
    ends_us = span[1] if service.ends_at is None else datetime_us(service.ends_at)
    bought = max(span[0], datetime_us(service.starts_at)), min(span[1], ends_us)
    if bought[0] >= bought[1]:
        return Means()
    effect = effect_of(said_of(service), targets_of(service), bought, now_us)
    return means(effect.observed, effect.downtime, bought)


def promised_us(services: Iterable[Service], from_us: int) -> int | None:
    """The shortest time to restore that the agreements of some services promise at a moment; None: none does."""
    found = []
    for service in services:
        version = service.agreement.in_force(service.agreement.month_of(utc(from_us)))
        promise = version.terms.commitments.restoration if version else None
        if promise is not None:
            found.append(promise.within_us)
    return min(found, default=None)
