"""What a running outage costs: so far, and at the next step. Judged by the agreement, never reckoned beside it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from clearline.agreement.moments import datetime_us
from clearline.agreement.money import Money
from clearline.agreement.statement import evaluate
from clearline.platform.customers.models import Service
from clearline.platform.statements.evidence import prolonged, read_evidence
from clearline.platform.statements.services import MonthStatement

SECOND_US = 1_000_000

MOST = 10
"""Meters a page shows: each takes some forty judgements. How many more there are is said."""


@dataclass(frozen=True, slots=True)
class Meter:
    """A service that is down now, in money."""

    service: Service
    since_us: int
    """The first failing sample."""
    due_us: int | None
    """When it is to work again, as promised; None: no time is promised."""
    so_far: Money
    """By how much the month's credit is higher than if the service had worked: for all that keeps it down now."""
    next_us: int | None
    """When it costs more, if it goes on; None: not within this month."""
    then: Money | None


@dataclass(frozen=True, slots=True)
class Meters:
    """The meters of a page."""

    shown: list[Meter]
    more: int
    """Services that are down as well."""


def meters(found: Iterable[MonthStatement], now: datetime) -> Meters:
    """The meters that run in some running months, the first `MOST`."""
    running = [each for each in found if _running(each.evidence)]
    shown = [meter for each in running[:MOST] if (meter := meter_of(each, now)) is not None]
    return Meters(shown, len(running) - len(shown))


def meter_of(found: MonthStatement, now: datetime) -> Meter | None:
    """What the running outage of a service costs in the running month; None when there is none.

    Of two judgements of the month, one with the outage and one without it, the difference is what it costs.
    """
    running = _running(found.evidence)
    if not running:
        return None
    terms, end_us = found.version.terms, found.statement.classes.month[1]

    def cost(at_us: int) -> Fraction:
        failing = prolonged(found.evidence, at_us)
        availability = failing["availability"]
        ended = [one for one in availability["downtime"] if one["until"] is not None]
        working = {**failing, "availability": {**availability, "downtime": ended}}
        totals = [evaluate(terms, read_evidence(one)).total.amount.exact for one in (failing, working)]
        return totals[0] - totals[1]

    now_us = datetime_us(now)
    now_us -= now_us % SECOND_US
    so_far = cost(now_us)
    next_us = _first_above(cost, so_far, now_us, end_us)
    currency = found.service.currency
    since_us = min(_us(one["from"]) for one in running)
    restoration = terms.commitments.restoration
    return Meter(
        service=found.service,
        since_us=since_us,
        due_us=since_us + restoration.within_us if restoration else None,
        so_far=Money.rounded(so_far, currency),
        next_us=next_us,
        then=None if next_us is None else Money.rounded(cost(next_us), currency),
    )


def _running(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in document["availability"]["downtime"] if one["until"] is None]


def _us(text: str) -> int:
    return datetime_us(datetime.fromisoformat(text))


def _first_above(cost: Callable[[int], Fraction], so_far: Fraction, now_us: int, end_us: int) -> int | None:
    """The first second at which it costs more: found by halving, since an outage that goes on never costs less."""
    low, high = 0, (end_us - now_us) // SECOND_US
    if high <= 0 or cost(now_us + high * SECOND_US) <= so_far:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if cost(now_us + middle * SECOND_US) > so_far:
            high = middle
        else:
            low = middle
    return now_us + high * SECOND_US
