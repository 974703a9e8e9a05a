"""Each instant of a service-month has one class: the first that applies of maintenance, excluded, down, unknown, up."""

from collections.abc import Iterator
from dataclasses import dataclass

from clearline.agreement.evidence import Availability as Observations
from clearline.agreement.evidence import Downtime, Evidence, Service
from clearline.agreement.intervals import Interval, IntervalSet
from clearline.agreement.promises import Agreement, Availability

NOTHING_SEEN = Observations((), (), (), ())
"""What stands for evidence of availability that nobody collected."""


@dataclass(frozen=True, slots=True)
class Outage:
    """Downtime without a break: entries that overlap or touch are one outage.

    Attributes:
        ids: of the entries it is made of, in order of their start.
        from_us: its first instant.
        until_us: the first instant after it; `as_of` when it goes on.
        goes_on: it had not ended at `as_of`.
        ended_us: when it ended, after `as_of` too where that is known by now; `as_of` while it is not.
    """

    ids: tuple[str, ...]
    from_us: int
    until_us: int
    goes_on: bool
    ended_us: int

    @property
    def length_us(self) -> int:
        """How long it lasted as far as is known, in microseconds: over the end of the month too."""
        return self.ended_us - self.from_us


@dataclass(frozen=True, slots=True)
class Classes:
    """A service-month taken apart.

    Attributes:
        month: the month's interval in the agreement's time zone.
        life: the instants of the month inside the service's life; the six sets below make it up without overlap.
        maintenance: of windows announced in time, as announced.
        excluded: for causes the agreement allows.
        down: in outages long enough to count.
        unknown: not observed, before `as_of`.
        ahead: at or after `as_of`: nothing can be known yet.
        up: the rest.
        observed: the instants of `life` before `as_of` that were observed, whatever their class.
        outages: those long enough to count, whether in this month or not.
        lenient: eligible maintenance and allowed exclusions, in this month or not.
    """

    month: Interval
    life: IntervalSet
    maintenance: IntervalSet
    excluded: IntervalSet
    down: IntervalSet
    unknown: IntervalSet
    ahead: IntervalSet
    up: IntervalSet
    observed: IntervalSet
    outages: tuple[Outage, ...]
    lenient: IntervalSet

    def charged(self) -> Iterator[tuple[Outage, int]]:
        """Yield each outage with its length less eligible maintenance and allowed exclusions, in microseconds."""
        rest = iter(IntervalSet.of((outage.from_us, outage.until_us) for outage in self.outages) - self.lenient)
        span = next(rest, None)
        for outage in self.outages:
            length_us = 0
            while span is not None and span[1] <= outage.until_us:
                length_us += span[1] - span[0]
                span = next(rest, None)
            yield outage, length_us


def outages_of(downtime: tuple[Downtime, ...], service: Service, as_of_us: int) -> list[Outage]:
    """Join downtime entries that overlap or touch, inside the service's life.

    Args:
        downtime: sorted by start.
        service: whose life bounds them.
        as_of_us: nothing at or after this is known to be down.
    """
    end_us = as_of_us if service.until_us is None else min(as_of_us, service.until_us)
    ended = end_us < as_of_us or service.until_us == as_of_us
    groups: list[list[tuple[int, int, Downtime]]] = []
    last_until_us = 0
    for entry in downtime:
        from_us = max(entry.from_us, service.from_us)
        until_us = end_us if entry.until_us is None else min(entry.until_us, end_us)
        if from_us >= until_us:
            continue
        if groups and from_us <= last_until_us:
            groups[-1].append((from_us, until_us, entry))
        else:
            groups.append([(from_us, until_us, entry)])
        last_until_us = max(last_until_us, until_us)
    return [
        Outage(
            ids=tuple(entry.id for _, _, entry in group),
            from_us=group[0][0],
            until_us=max(until_us for _, until_us, _ in group),
            goes_on=not ended and any(e.until_us is None or e.until_us > as_of_us for _, _, e in group),
            ended_us=max(_ended_us(entry, until_us, service) for _, until_us, entry in group),
        )
        for group in groups
    ]


def _ended_us(entry: Downtime, until_us: int, service: Service) -> int:
    """When an entry ended, inside the service's life; `until_us` where that is not known yet."""
    if entry.until_us is None:
        return until_us
    return entry.until_us if service.until_us is None else min(entry.until_us, service.until_us)


def classify(agreement: Agreement, evidence: Evidence) -> Classes:
    """Give each instant of the month inside the service's life its class."""
    month = from_us, until_us = evidence.month.interval(agreement.zone)
    service = evidence.service
    life = IntervalSet.of(
        [(max(from_us, service.from_us), until_us if service.until_us is None else min(until_us, service.until_us))]
    )
    past = life & IntervalSet.of([(from_us, evidence.as_of_us)])
    seen = evidence.availability or NOTHING_SEEN
    terms = agreement.commitments.availability
    outages = tuple(
        outage
        for outage in outages_of(seen.downtime, service, evidence.as_of_us)
        if terms is None or outage.length_us >= terms.minimum_outage_us
    )
    eligible, allowed = _eligible_maintenance(terms, seen), _allowed_exclusions(terms, seen)
    observed = IntervalSet.of(seen.observed) & past
    maintenance = past & eligible
    rest = past - maintenance
    excluded = rest & allowed
    rest = rest - excluded
    down = rest & IntervalSet.of((outage.from_us, outage.until_us) for outage in outages)
    rest = rest - down
    up = rest & observed
    return Classes(
        month=month,
        life=life,
        maintenance=maintenance,
        excluded=excluded,
        down=down,
        unknown=rest - up,
        ahead=life - past,
        up=up,
        observed=observed,
        outages=outages,
        lenient=eligible | allowed,
    )


def _eligible_maintenance(terms: Availability | None, seen: Observations) -> IntervalSet:
    """The windows that were announced early enough; only the announced time counts, an overrun does not."""
    if terms is None:
        return IntervalSet()
    notice_us = terms.maintenance.notice_us
    return IntervalSet.of(
        (window.from_us, window.until_us)
        for window in seen.maintenance
        if window.announced_us is not None and window.from_us - window.announced_us >= notice_us
    )


def _allowed_exclusions(terms: Availability | None, seen: Observations) -> IntervalSet:
    """The approved exclusions whose cause the agreement allows."""
    allowed = terms.exclusions if terms else ()
    return IntervalSet.of((entry.from_us, entry.until_us) for entry in seen.excluded if entry.cause in allowed)
