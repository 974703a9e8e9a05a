"""What a window would cost if everything failed in it and nothing of it were left out: judged, not estimated."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from clearline.agreement.intervals import Interval
from clearline.agreement.moments import datetime_us, moment_text
from clearline.agreement.money import Money
from clearline.agreement.months import Month
from clearline.agreement.statement import Statement, evaluate
from clearline.platform.agreements.models import AgreementVersion
from clearline.platform.customers.models import Service
from clearline.platform.maintenance.models import Window
from clearline.platform.statements.evidence import collect_evidence, prolonged, read_evidence


@dataclass(frozen=True, slots=True)
class Cost:
    """The most a window adds to one service's credits."""

    service: Service
    amount: Money


def worst_costs(window: Window, services: Iterable[Service], now: datetime) -> list[Cost]:
    """The most a window can cost, for each service: the difference between two judgements of each month it touches.

    In the one the service works from now on; in the other it is down from the window's start to its end, and the window
    takes nothing out.
    """
    return [Cost(service, _worst(window, service, now)) for service in services]


def _worst(window: Window, service: Service, now: datetime) -> Money:
    span = (datetime_us(window.from_at), datetime_us(window.until_at))
    total = Fraction(0)
    first, last = service.agreement.month_of(window.from_at), service.agreement.month_of(window.until_at)
    for index in range(first.index, last.index + 1):
        month = Month.of_index(index)
        version = service.agreement.in_force(month)
        if version is not None and _touches(service, span):
            total += _difference(window, service, version, month, now)
    return Money.rounded(total, service.currency)


def _touches(service: Service, span: Interval) -> bool:
    ends_at = service.ends_at
    return datetime_us(service.starts_at) < span[1] and (ends_at is None or datetime_us(ends_at) > span[0])


def _difference(window: Window, service: Service, version: AgreementVersion, month: Month, now: datetime) -> Fraction:
    document = collect_evidence(service, version, month, now)
    working = _assumed(document, month.interval(version.terms.zone)[1])
    seen = working["availability"]
    down = {"id": window.code, "from": _text(window.from_at), "until": _text(window.until_at), "reason": "assumed"}
    kept = [one for one in seen["maintenance"] if one["id"].partition(".")[0] != window.code]
    failing = {**working, "availability": {**seen, "maintenance": kept, "downtime": [*seen["downtime"], down]}}
    return _judged(version, failing).total.amount.exact - _judged(version, working).total.amount.exact


def _assumed(document: dict[str, Any], until_us: int) -> dict[str, Any]:
    """The month as it would be at its end, were the service seen to work and every request answered from now on."""
    later = prolonged(document, until_us)
    if later is document:
        return document
    now, seen = document["as_of"], later["availability"]
    ended = [{**each, "until": each["until"] or now} for each in seen["downtime"]]
    answered = [{**each, "first_response_at": each["first_response_at"] or now} for each in document["support"]]
    return {**later, "availability": {**seen, "downtime": ended}, "support": answered}


def _judged(version: AgreementVersion, document: dict[str, Any]) -> Statement:
    return evaluate(version.terms, read_evidence(document))


def _text(moment: datetime) -> str:
    return moment_text(datetime_us(moment))
