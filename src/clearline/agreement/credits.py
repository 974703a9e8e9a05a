"""Missed commitments to money: credit lines, each with what the other ways of counting would give."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, cast

from clearline.agreement.figures import plain, truncated
from clearline.agreement.judge import Case, Cases, Level, Shares, Verdict
from clearline.agreement.moments import seconds
from clearline.agreement.money import Money
from clearline.agreement.promises import CASES, COUNTS, Count, Credits, DelayRule, LevelRule


@dataclass(frozen=True, slots=True)
class CreditLine:
    """What one rule credits for one missed level or one late case.

    Attributes:
        commitment: the one that was missed.
        case: the late case; None for a level.
        count: how steps were counted.
        shortfall: how far below the target, in its unit; of a case the delay of this month, in microseconds.
        steps: how many, exactly.
        percent: of the fee, exactly: the steps times the rule's percent.
        amount: rounded.
        alternatives: the amount under each way of counting, this one among them.
    """

    commitment: str
    case: Case | None
    count: Count
    shortfall: Fraction
    steps: Fraction
    percent: Fraction
    amount: Money
    alternatives: Mapping[Count, Money]

    def to_json(self) -> dict[str, Any]:
        """The line as a statement has it."""
        line: dict[str, Any] = {"commitment": self.commitment}
        if self.case is None:
            shortfall = {"shortfall": truncated(self.shortfall)}
        else:
            line[CASES[self.commitment]] = self.case.ids[0]
            shortfall = {"shortfall_seconds": str(seconds(int(self.shortfall)))}
            if self.case.before_us:
                shortfall["carried_seconds"] = str(seconds(self.case.before_us))
        return line | {
            "count": self.count,
            **shortfall,
            "steps": plain(self.steps),
            "percent": plain(self.percent),
            "amount": self.amount.to_json()["amount"],
            "alternatives": {count: money.to_json()["amount"] for count, money in self.alternatives.items()},
        }


@dataclass(frozen=True, slots=True)
class Total:
    """What the lines come to.

    Attributes:
        uncapped: after stacking, before the cap.
        amount: what is credited.
        cap: the most that may be credited; None without a cap.
        counted: the commitments whose lines are part of it.
    """

    uncapped: Money
    amount: Money
    cap: Money | None
    counted: tuple[str, ...]

    @property
    def capped(self) -> bool:
        """Whether the cap took something away."""
        return self.amount.amount < self.uncapped.amount

    def to_json(self) -> dict[str, Any]:
        """The total as a statement has it."""
        return {
            "uncapped": self.uncapped.to_json()["amount"],
            **self.amount.to_json(),
            "capped": self.capped,
            "cap": self.cap and self.cap.to_json()["amount"],
            "counted": list(self.counted),
        }


def steps_of(count: Count, quotient: Fraction) -> Fraction:
    """Count steps: `full` only whole ones, `started` a part as a whole one, `prorata` exactly."""
    if count == "full":
        return Fraction(math.floor(quotient))
    if count == "started":
        return Fraction(math.ceil(quotient))
    return quotient


def credit_lines(
    credits_: Credits, verdicts: Mapping[str, Verdict], fee: Fraction, currency: str
) -> tuple[CreditLine, ...]:
    """Credit each missed commitment that has a rule.

    Args:
        credits_: the agreement's rules.
        verdicts: the month's, by commitment.
        fee: the month's exact fee, which percentages are of.
        currency: its currency.

    Returns:
        The lines in the rules' order, late cases in the order of their verdict.
    """
    lines: list[CreditLine] = []
    for rule in credits_.rules:
        verdict = verdicts[rule.commitment]
        if verdict.status != "missed":
            continue
        # The format has rules of a step for commitments with a level only, and of a delay for those with cases.
        if isinstance(rule, LevelRule):
            shortfall = cast("Level | Shares", verdict).shortfall
            lines.append(_line(rule, None, shortfall, _level_steps(rule, shortfall), fee, currency))
        else:
            cases = [
                _line(rule, case, Fraction(case.by_us - case.before_us), _delay_steps(rule, case), fee, currency)
                for case in cast("Cases", verdict).late
            ]
            lines.extend([_worst(cases)] if rule.per == "worst" else cases)
    return tuple(lines)


def _level_steps(rule: LevelRule, shortfall: Fraction) -> dict[Count, Fraction]:
    return {count: steps_of(count, shortfall / Fraction(rule.step)) for count in COUNTS}


def _delay_steps(rule: DelayRule, case: Case) -> dict[Count, Fraction]:
    """The steps of the delay by now, less those of the delay that earlier months answered for."""
    return {
        count: steps_of(count, Fraction(case.by_us, rule.step_us))
        - steps_of(count, Fraction(case.before_us, rule.step_us))
        for count in COUNTS
    }


def _line(
    rule: LevelRule | DelayRule,
    case: Case | None,
    shortfall: Fraction,
    steps: Mapping[Count, Fraction],
    fee: Fraction,
    currency: str,
) -> CreditLine:
    percents = {count: steps[count] * Fraction(rule.percent) for count in COUNTS}
    amounts = {count: Money.rounded(fee * percents[count] / 100, currency) for count in COUNTS}
    return CreditLine(
        commitment=rule.commitment,
        case=case,
        count=rule.count,
        shortfall=shortfall,
        steps=steps[rule.count],
        percent=percents[rule.count],
        amount=amounts[rule.count],
        alternatives=amounts,
    )


def _worst(lines: list[CreditLine]) -> CreditLine:
    """The line of the case that is credited most; its alternatives are the most under each way of counting.

    Under another way of counting another case may be the worst, so each alternative is what that rule would give.
    """
    worst = max(lines, key=lambda line: (line.percent, line.shortfall))
    most = {
        count: max((line.alternatives[count] for line in lines), key=lambda money: money.amount) for count in COUNTS
    }
    return replace(worst, alternatives=most)


def total_of(credits_: Credits, lines: tuple[CreditLine, ...], fee: Fraction, currency: str) -> Total:
    """Add up the lines: all of them, or those of the commitment credited most; then apply the cap."""
    sums: dict[str, Fraction] = {}
    for line in lines:
        sums[line.commitment] = sums.get(line.commitment, Fraction(0)) + line.amount.exact
    if credits_.stacking == "highest" and sums:
        highest = max(sums, key=lambda commitment: sums[commitment])
        sums = {highest: sums[highest]}
    uncapped = Money.rounded(sum(sums.values(), Fraction(0)), currency)
    if credits_.cap_percent is None:
        return Total(uncapped, uncapped, None, tuple(sums))
    cap = Money.rounded(fee * Fraction(credits_.cap_percent) / 100, currency)
    amount = cap if cap.amount < uncapped.amount else uncapped
    return Total(uncapped, amount, cap, tuple(sums))
