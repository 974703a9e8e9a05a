"""The month's statement, computed live from one evidence document. Every page and download shows this one value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clearline.agreement.layout import bullet, wrapped
from clearline.agreement.moments import datetime_us
from clearline.agreement.money import Money
from clearline.agreement.months import Month
from clearline.agreement.statement import Statement, evaluate, evaluate_months
from clearline.platform.agreements.models import AgreementVersion
from clearline.platform.availability.observation import Now, now_of, together
from clearline.platform.customers.models import Service
from clearline.platform.statements.closing import Difference, differences
from clearline.platform.statements.evidence import collect_evidence, read_evidence
from clearline.platform.statements.models import Closing

HISTORY_MONTHS = 12
"""The months judged together for the right to terminate: as far back as the default agreement looks."""


@dataclass(frozen=True, slots=True)
class MonthStatement:
    """A service-month: the version it is judged by, what was observed and what follows."""

    service: Service
    month: Month
    version: AgreementVersion
    evidence: dict[str, Any]
    statement: Statement
    closing: Closing | None = None
    """Where the month is closed: everything here is as it was then."""
    differences: tuple[Difference, ...] = ()
    """What it settles of months closed before."""

    @property
    def to_credit(self) -> Money:
        """What is credited with this statement: its own total and the differences. Negative: too much was before."""
        total = self.statement.total.amount
        return Money(total.amount + sum(one.amount.amount for one in self.differences), total.currency)

    def to_json(self) -> dict[str, Any]:
        """The statement's document, with what it settles of earlier months."""
        document = self.closing.statement if self.closing else self.statement.to_json()
        if not self.differences:
            return document
        settled = [one.to_json() for one in self.differences]
        return document | {"differences": settled, "to_credit": self.to_credit.to_json()}

    def letter(self) -> str:
        """The statement as a letter, with what it settles of earlier months."""
        if not self.differences:
            return self.statement.text()
        told = [
            f"{one.amount} for {one.closing.month}: it came to {one.was}, and on what is known now to {one.now_is}"
            for one in self.differences
        ]
        lines = ["Differences for closed months", *(line for each in told for line in bullet(each))]
        lines += wrapped(f"{self.to_credit}", "In all")
        return self.statement.text() + "\n" + "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Brief:
    """A service in a line: its state now and the running month so far."""

    service: Service
    now: Now
    current: MonthStatement | None


def month_statement(service: Service, month: Month, now: datetime) -> MonthStatement | None:
    """Judge one month by itself; None when no version of the agreement was in force."""
    version = service.agreement.in_force(month)
    if version is None:
        return None
    evidence = collect_evidence(service, version, month, now)
    return MonthStatement(service, month, version, evidence, evaluate(version.terms, read_evidence(evidence)))


def statement_with_history(service: Service, month: Month, now: datetime) -> MonthStatement | None:
    """Judge one month with those before it, which may open the right to terminate.

    A closed month is judged on the evidence it was closed with. Months that another version was in force for take no
    part: their commitments may have been others.
    """
    closings = Closing.objects.filter(service=service).select_related("version__agreement", "closed_by")
    closed = {one.month: one for one in closings}
    version = closed[month].version if month in closed else service.agreement.in_force(month)
    if version is None:
        return None
    months = [one for one in _history(service, month) if service.agreement.in_force(one) == version or one == month]
    documents = [
        closed[one].evidence if one in closed else collect_evidence(service, version, one, now) for one in months
    ]
    statement = evaluate_months(version.terms, [read_evidence(document) for document in documents])[-1]
    settled = tuple(differences(service, month, now))
    return MonthStatement(service, month, version, documents[-1], statement, closed.get(month), settled)


def _history(service: Service, month: Month) -> list[Month]:
    first = service.agreement.month_of(service.starts_at)
    begin = max(min(first.index, month.index), month.index - HISTORY_MONTHS + 1)
    return [Month.of_index(index) for index in range(begin, month.index + 1)]


def months_of(service: Service, now: datetime) -> list[Month]:
    """The months of the service's life so far, latest first."""
    first, last = service.agreement.month_of(service.starts_at), service.agreement.month_of(now)
    if service.ends_at is not None and service.ends_at < now:
        last = service.agreement.month_of(service.ends_at)
    return [Month.of_index(index) for index in range(last.index, first.index - 1, -1)]


def brief(service: Service, now: datetime, states: Mapping[int, Now] | None = None) -> Brief:
    """A service's state now and its running month.

    Args:
        service: any.
        now: the present moment.
        states: how targets do now, where the caller knows already.
    """
    targets = [target for target in service.targets.all() if target.retired_at is None]
    known = now_of(targets, datetime_us(now)) if states is None else states
    current = month_statement(service, service.agreement.month_of(now), now) if service.starts_at <= now else None
    return Brief(service, together([known[target.pk] for target in targets]), current)


def briefs(services: Iterable[Service], now: datetime, states: Mapping[int, Now]) -> list[Brief]:
    """The briefs of several services of one provider, whose targets do as given."""
    return [brief(service, now, states) for service in services]
