"""What terms would have cost on past months."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Any

from clearline.agreement.evidence import Evidence
from clearline.agreement.figures import plain
from clearline.agreement.money import Money
from clearline.agreement.months import Month
from clearline.agreement.promises import Agreement
from clearline.agreement.statement import Statement, evaluate_months
from clearline.agreement.termination import Right


@dataclass(frozen=True, slots=True)
class Sum:
    """All months of one currency together.

    Attributes:
        fees: of all months.
        credited: of all months.
        by_commitment: the credit lines of each commitment, before stacking and cap.
        worst: the statement that credits most; None when none credits anything.
    """

    fees: Money
    credited: Money
    by_commitment: dict[str, Money]
    worst: Statement | None

    @property
    def percent(self) -> Fraction:
        """The credits as a share of the fees, in percent; 0 of no fees."""
        return self.credited.exact / self.fees.exact * 100 if self.fees.amount else Fraction(0)

    def to_json(self) -> dict[str, Any]:
        """The sum as plain data."""
        worst = self.worst
        return {
            "currency": self.fees.currency,
            "fees": self.fees.to_json()["amount"],
            "credits": self.credited.to_json()["amount"],
            "percent": plain(self.percent),
            "by_commitment": {name: money.to_json()["amount"] for name, money in self.by_commitment.items()},
            "worst": worst
            and {
                "customer": worst.evidence.customer_id,
                "service": worst.evidence.service.id,
                "month": str(worst.evidence.month),
                "amount": worst.total.amount.to_json()["amount"],
            },
        }


@dataclass(frozen=True, slots=True)
class Backtest:
    """Past months judged by one agreement; statements by customer, service and month."""

    agreement: Agreement
    statements: tuple[Statement, ...]

    def sums(self) -> list[Sum]:
        """One sum a currency, by its code."""
        currencies = sorted({statement.currency for statement in self.statements})
        return [_sum(currency, [s for s in self.statements if s.currency == currency]) for currency in currencies]

    def open_months(self) -> dict[tuple[str, str], list[Month]]:
        """Customer and service → the months with a day on which the right to terminate was open."""
        months: dict[tuple[str, str], set[Month]] = {}
        for statement in self.statements:
            evidence = statement.evidence
            opened = months.setdefault((evidence.customer_id, evidence.service.id), set())
            opened.update(month for right in statement.rights for month in _months_of(right))
        return {service: sorted(opened) for service, opened in months.items()}

    def to_json(self) -> dict[str, Any]:
        """The backtest as plain data, decimals as text."""
        agreement = self.agreement
        return {
            "agreement": {"id": agreement.id, "version": agreement.version, "sha256": agreement.sha256},
            "months": [_month_json(statement) for statement in self.statements],
            "totals": [each.to_json() for each in self.sums()],
            "termination": [
                {"customer": customer, "service": service, "months": [str(month) for month in months]}
                for (customer, service), months in self.open_months().items()
            ],
        }


def backtest(agreement: Agreement, months: Sequence[Evidence]) -> Backtest:
    """Judge past months by an agreement, whether or not it was in force then.

    Args:
        agreement: the terms.
        months: of one service or several, in any order, each service-month once.
    """
    in_order = sorted(months, key=lambda evidence: (evidence.customer_id, evidence.service.id, evidence.month))
    return Backtest(agreement, tuple(evaluate_months(agreement, in_order)))


def line_sums(statement: Statement) -> dict[str, Fraction]:
    """Commitment → what its credit lines come to, for each commitment that has a rule."""
    sums = {rule.commitment: Fraction(0) for rule in statement.agreement.credits.rules}
    for line in statement.lines:
        sums[line.commitment] += line.amount.exact
    return sums


def _sum(currency: str, statements: Sequence[Statement]) -> Sum:
    by_commitment: dict[str, Fraction] = {}
    for statement in statements:
        for commitment, amount in line_sums(statement).items():
            by_commitment[commitment] = by_commitment.get(commitment, Fraction(0)) + amount
    worst = max(statements, key=lambda statement: statement.total.amount.amount)
    fees = sum((Money.rounded(statement.fee, currency).exact for statement in statements), Fraction(0))
    credited = sum((statement.total.amount.exact for statement in statements), Fraction(0))
    return Sum(
        fees=Money.rounded(fees, currency),
        credited=Money.rounded(credited, currency),
        by_commitment={name: Money.rounded(amount, currency) for name, amount in by_commitment.items()},
        worst=worst if worst.total.amount.amount else None,
    )


def _months_of(right: Right) -> list[Month]:
    """The months in which a right is open for at least a day."""
    last = right.closes - timedelta(days=1)
    first_index = Month(right.opens.year, right.opens.month).index
    return [Month.of_index(index) for index in range(first_index, Month(last.year, last.month).index + 1)]


def _month_json(statement: Statement) -> dict[str, Any]:
    currency = statement.currency
    return {
        "customer": statement.evidence.customer_id,
        "service": statement.evidence.service.id,
        "month": str(statement.evidence.month),
        "fee": Money.rounded(statement.fee, currency).to_json(),
        "missed": statement.missed,
        "credits": {
            name: Money.rounded(amount, currency).to_json()["amount"] for name, amount in line_sums(statement).items()
        },
        "total": statement.total.to_json(),
    }
