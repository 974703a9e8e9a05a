"""The one door: an agreement and evidence go in, statements come out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from clearline.agreement.classes import Classes, classify
from clearline.agreement.credits import CreditLine, Total, credit_lines, total_of
from clearline.agreement.evidence import Evidence
from clearline.agreement.judge import Status, Verdict, judge
from clearline.agreement.letter import letter
from clearline.agreement.moments import moment_text, seconds
from clearline.agreement.money import Money
from clearline.agreement.months import Month
from clearline.agreement.promises import REVIEW_MONTHS, Agreement
from clearline.agreement.readings import readings_of
from clearline.agreement.termination import Right, rights_of


@dataclass(frozen=True, slots=True)
class Statement:
    """What an agreement says about one service-month.

    Attributes:
        agreement: the terms it was judged by.
        evidence: what it was judged on.
        classes: the month taken apart.
        fee: the month's exact fee, pro-rated where the agreement says so.
        verdicts: commitment → verdict.
        lines: the credits.
        total: what they come to.
        rights: rights to leave that this month and those before it opened, by opening day, also those closed by now.
    """

    agreement: Agreement
    evidence: Evidence
    classes: Classes
    fee: Fraction
    verdicts: dict[str, Verdict]
    lines: tuple[CreditLine, ...]
    total: Total
    rights: tuple[Right, ...] = ()

    @property
    def currency(self) -> str:
        """The currency of the fee and of every credit."""
        return self.evidence.service.monthly_fee.currency

    @property
    def missed(self) -> list[str]:
        """The commitments that were missed."""
        return [name for name, verdict in self.verdicts.items() if verdict.status == "missed"]

    @property
    def is_over(self) -> bool:
        """Whether the month had ended at `as_of`; before that its figures are those of the month so far."""
        return self.evidence.as_of_us >= self.classes.month[1]

    @property
    def open_rights(self) -> list[Right]:
        """The rights to leave that are open at `as_of`."""
        return [right for right in self.rights if right.is_open(self.evidence.as_of_us, self.agreement.zone)]

    @property
    def review(self) -> tuple[Month, Month]:
        """The first and the last month of the review that this month is part of."""
        return self.evidence.month.period(REVIEW_MONTHS[self.agreement.reviews])

    def seconds_us(self) -> dict[str, int]:
        """The month's length by class, in microseconds; the classes add up to `service`."""
        classes = self.classes
        return {
            "service": classes.life.total_us,
            "maintenance": classes.maintenance.total_us,
            "excluded": classes.excluded.total_us,
            "down": classes.down.total_us,
            "unknown": classes.unknown.total_us + classes.ahead.total_us,
            "up": classes.up.total_us,
        }

    def to_json(self) -> dict[str, Any]:
        """The statement as plain data, decimals as text: the published format."""
        open_rights = self.open_rights
        return {
            "schema": "clearline/statement/1",
            "customer": self.evidence.customer_id,
            "service": self.evidence.service.id,
            "month": str(self.evidence.month),
            "as_of": moment_text(self.evidence.as_of_us),
            "agreement": {
                "id": self.agreement.id,
                "version": self.agreement.version,
                "sha256": self.agreement.sha256,
            },
            "fee": Money.rounded(self.fee, self.currency).to_json(),
            "seconds": {name: seconds(us) for name, us in self.seconds_us().items()},
            "commitments": {name: verdict.to_json() for name, verdict in self.verdicts.items()},
            "credits": [line.to_json() for line in self.lines],
            "total": self.total.to_json(),
            "termination": {
                "open": bool(open_rights),
                "because": [right.to_json() for right in open_rights],
                "lapsed": [right.to_json() for right in self.rights if right not in open_rights],
            },
            "review": {"from": str(self.review[0]), "until": str(self.review[1])},
            "origins": dict(self.agreement.origins),
            "readings": [reading.to_json() for reading in readings_of(self.agreement)],
        }

    def text(self) -> str:
        """The statement as a letter."""
        return letter(self)


def evaluate(agreement: Agreement, evidence: Evidence) -> Statement:
    """Judge one service-month by an agreement.

    The right to leave needs the months before; `evaluate_months` judges several together.
    """
    return evaluate_months(agreement, [evidence])[0]


def evaluate_months(agreement: Agreement, months: Sequence[Evidence]) -> list[Statement]:
    """Judge several service-months by an agreement.

    Args:
        agreement: the terms.
        months: of one service or of several, in any order, each service-month once.

    Returns:
        One statement for each, in the order given. Months of one service together yield the right to leave: each
        statement has the rights that its month and the service's months before it opened.
    """
    judged = [_judge_month(agreement, evidence) for evidence in months]
    services: dict[tuple[str, str], dict[Month, Statement]] = {}
    for statement in judged:
        evidence = statement.evidence
        services.setdefault((evidence.customer_id, evidence.service.id), {})[evidence.month] = statement
    rights = {service: _rights(agreement, statements) for service, statements in services.items()}
    return [
        replace(
            statement,
            rights=_rights_by(statement, rights[statement.evidence.customer_id, statement.evidence.service.id]),
        )
        for statement in judged
    ]


def _rights(agreement: Agreement, statements: dict[Month, Statement]) -> list[Right]:
    """All rights that a service's months opened; a month that was not over at its `as_of` cannot tell yet."""
    over: dict[Month, dict[str, Status]] = {
        month: {name: verdict.status for name, verdict in statement.verdicts.items()}
        for month, statement in statements.items()
        if statement.is_over
    }
    return rights_of(agreement.termination, over)


def _rights_by(statement: Statement, rights: list[Right]) -> tuple[Right, ...]:
    """The rights opened by this month and those before it."""
    return tuple(right for right in rights if right.months[-1] <= statement.evidence.month)


def _judge_month(agreement: Agreement, evidence: Evidence) -> Statement:
    classes = classify(agreement, evidence)
    verdicts = judge(agreement, evidence, classes)
    monthly_fee = evidence.service.monthly_fee
    fee = monthly_fee.exact
    if agreement.credits.pro_rata_fee:
        from_us, until_us = classes.month
        fee *= Fraction(classes.life.total_us, until_us - from_us)
    lines = credit_lines(agreement.credits, verdicts, fee, monthly_fee.currency)
    return Statement(
        agreement=agreement,
        evidence=evidence,
        classes=classes,
        fee=fee,
        verdicts=verdicts,
        lines=lines,
        total=total_of(agreement.credits, lines, fee, monthly_fee.currency),
    )
