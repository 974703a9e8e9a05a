"""Closing a month, and what becomes known after: a difference on the next statement, never an edit."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import transaction

from clearline.agreement.moments import datetime_us
from clearline.agreement.money import Money
from clearline.agreement.months import Month
from clearline.agreement.statement import evaluate
from clearline.platform.accounts.models import User
from clearline.platform.audit.services import record
from clearline.platform.customers.models import Service
from clearline.platform.outages.scope import targets_of
from clearline.platform.statements.evidence import collect_evidence, read_evidence
from clearline.platform.statements.models import Closing, Revision

if TYPE_CHECKING:
    from clearline.platform.statements.services import MonthStatement

SETTLED_AFTER_US = 3_600_000_000
"""Measurements have all arrived this long after a month's end."""

MOST_LOOKED_AT = 12
"""So many of the latest closed months are judged again for what became known later."""


class NotNowError(ValueError):
    """The month cannot be closed; the message says why."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A closed month that comes to something else on what is known now."""

    closing: Closing
    was: Money
    """With every difference settled before."""
    now_is: Money
    evidence: dict[str, Any]
    statement: dict[str, Any]

    @property
    def amount(self) -> Money:
        """What is still to be credited for it; negative: too much was."""
        return Money(self.now_is.amount - self.was.amount, self.was.currency)

    def to_json(self) -> dict[str, Any]:
        """The difference as the statement's document has it."""
        return {
            "month": str(self.closing.month),
            "was": self.was.to_json(),
            "now": self.now_is.to_json(),
            "amount": f"{self.amount.amount:f}",
        }


def closing_of(service: Service, month: Month) -> Closing | None:
    """The closing of a month, if it is closed."""
    return Closing.objects.filter(service=service, month_text=str(month)).first()


def hindrance(service: Service, month: Month, now: datetime) -> str:
    """Why a month cannot be closed now; empty: it can."""
    version = service.agreement.in_force(month)
    if version is None:
        return "No version of the agreement was in force."
    if datetime_us(now) < month.interval(version.terms.zone)[1] + SETTLED_AFTER_US:
        return "It can be closed from an hour after its end on, when everything measured has arrived."
    latest = Closing.objects.filter(service=service).first()
    if latest is not None and month <= latest.month:
        return f"{latest.month} is closed already: what became known later is a difference on the statement after it."
    return ""


def close(found: "MonthStatement", actor: User, now: datetime) -> Closing:
    """Settle a month: keep its evidence and statement as they are, with the differences of the months before.

    Raises:
        NotNowError: it is not over, or it or a later month is closed.
    """
    service, month, statement = found.service, found.month, found.statement
    with transaction.atomic():
        Service.objects.select_for_update().get(pk=service.pk)
        reason = hindrance(service, month, now)
        if reason:
            raise NotNowError(reason)
        due = differences(service, month, now)
        closing = Closing(service=service, month_text=str(month), version=found.version, closed_at=now, closed_by=actor)
        closing.freeze(found.evidence, statement.to_json())
        closing.save()
        closing.targets.set(targets_of(service))
        for one in due:
            revision = Revision(of=one.closing, settled_with=closing, was=one.was.amount, now_is=one.now_is.amount)
            revision.freeze(one.evidence, one.statement)
            revision.save()
        details = {
            "month": str(month),
            "sha256": closing.sha256,
            "total": statement.total.amount.to_json(),
            "differences": [one.to_json() for one in due],
        }
        record(actor.provider, actor, "month.closed", service.code, details, now=now)
    return closing


def differences(service: Service, month: Month, now: datetime) -> list[Difference]:
    """What a month's statement settles of the months closed before it.

    Of a closed month, what was settled with it; of the first one after the closed ones, what would be now; of any
    other, nothing.
    """
    closing = closing_of(service, month)
    if closing is not None:
        return [_settled(one) for one in closing.settled.select_related("of__service")]
    closed = list(Closing.objects.filter(service=service).select_related("version__agreement")[:MOST_LOOKED_AT])
    if not closed or month.index != closed[0].month.index + 1:
        return []
    found = [difference_of(one, now) for one in reversed(closed)]
    return [one for one in found if one.amount.amount]


def difference_of(closing: Closing, now: datetime) -> Difference:
    """Judge a closed month again on what is known now: its terms, fee and targets stay those of its closing."""
    frozen = closing.evidence
    service, month = closing.service, closing.month
    evidence = collect_evidence(service, closing.version, month, now, list(closing.targets.select_related("provider")))
    evidence |= {"customer": frozen["customer"], "service": frozen["service"]}
    statement = evaluate(closing.version.terms, read_evidence(evidence))
    last = closing.revisions.last()
    was = _amount(closing.statement) if last is None else _money(last.now_is, statement.currency)
    return Difference(closing, was, statement.total.amount, evidence, statement.to_json())


def _settled(revision: Revision) -> Difference:
    document = revision.statement
    currency = document["total"]["currency"]
    was, now_is = _money(revision.was, currency), _money(revision.now_is, currency)
    return Difference(revision.of, was, now_is, revision.evidence, document)


def _amount(statement: dict[str, Any]) -> Money:
    return Money(Decimal(statement["total"]["amount"]), statement["total"]["currency"])


def _money(amount: Decimal, currency: str) -> Money:
    """The amount with the digits of its currency, which the database's column does not keep."""
    return Money.rounded(Money(amount, currency).exact, currency)
