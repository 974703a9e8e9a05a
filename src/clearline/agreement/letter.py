"""A statement as a letter that a customer understands."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from clearline.agreement.credits import CreditLine
from clearline.agreement.figures import plain, truncated
from clearline.agreement.judge import Level, Verdict
from clearline.agreement.layout import bullet, wrapped
from clearline.agreement.letter_commitments import commitment
from clearline.agreement.moments import length_text
from clearline.agreement.money import Money
from clearline.agreement.months import Month
from clearline.agreement.promises import DelayRule, LevelRule
from clearline.agreement.readings import ALWAYS, COUNTING, readings_of, rule_text, trigger_text
from clearline.agreement.words import (
    CASE_WORDS,
    NAMES,
    UNITS,
    day_text,
    last_day_text,
    listing,
    month_text,
    time_text,
)

if TYPE_CHECKING:
    from clearline.agreement.statement import Statement


MOST_LINES = 200
"""A letter explains so many credits; the statement's JSON has them all."""


def letter(statement: "Statement") -> str:
    """Write a statement as text for a terminal or an e-mail: plain lines of at most `WIDTH` characters."""
    parts = [_head(statement), _summary(statement)]
    parts += [commitment(statement, verdict) for verdict in statement.verdicts.values()]
    parts += [_credits(statement), _termination(statement), _review(statement), _readings(statement)]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _head(statement: "Statement") -> Iterator[str]:
    agreement, evidence = statement.agreement, statement.evidence
    yield f"{agreement.title}, version {agreement.version}"
    title = f"Statement for {month_text(evidence.month)}"
    yield title
    yield "=" * len(title)
    yield ""
    yield from wrapped(f"{evidence.customer_name} ({evidence.customer_id})", "Customer")
    yield from wrapped(f"{evidence.service.name} ({evidence.service.id})", "Service")
    from_us, until_us = statement.classes.month
    yield from wrapped(f"{time_text(from_us, agreement.zone)} to {time_text(until_us, agreement.zone)}", "Month")
    yield from wrapped(_fee_text(statement), "Fee")
    so_far = "" if statement.is_over else ": the month is not over; this is what it comes to so far"
    yield from wrapped(f"{time_text(evidence.as_of_us, agreement.zone)}{so_far}", "As of")
    if evidence.month < Month(agreement.effective.year, agreement.effective.month):
        yield from wrapped(
            f"this version took effect on {day_text(agreement.effective)}, after this month: these figures say what it "
            "would have given",
            "Note",
        )


def _fee_text(statement: "Statement") -> str:
    monthly = statement.evidence.service.monthly_fee
    fee = Money.rounded(statement.fee, statement.currency)
    if statement.fee == monthly.exact:
        return f"{fee} for the month"
    from_us, until_us = statement.classes.month
    life = length_text(statement.classes.life.total_us)
    return f"{fee}: of {monthly} a month, for {life} of service in a month of {length_text(until_us - from_us)}"


def _summary(statement: "Statement") -> Iterator[str]:
    yield "In short"
    for status, what in (("missed", "Missed"), ("kept", "Kept"), ("not_measured", "Not measured")):
        names = [_name(verdict) for verdict in statement.verdicts.values() if verdict.status == status]
        if names:
            yield from wrapped(listing(names), what)
    owed = statement.total.amount
    yield from wrapped(f"{owed}, of a fee of {Money.rounded(statement.fee, statement.currency)}", "Credit")
    undecided = [_name(verdict) for verdict in statement.verdicts.values() if _needs_decision(verdict)]
    if undecided:
        yield from wrapped(f"too little was measured for {listing(undecided)}: a person decides", "To decide")


def _name(verdict: Verdict) -> str:
    return f"{NAMES[verdict.commitment].lower()} ({verdict.clause})"


def _needs_decision(verdict: Verdict) -> bool:
    return isinstance(verdict, Level) and verdict.needs_decision


def _credits(statement: "Statement") -> Iterator[str]:
    terms, total = statement.agreement.credits, statement.total
    yield f"Service credits: {total.amount}"
    if terms.text:
        yield from wrapped(f"“{terms.text}”")
    if not statement.lines:
        yield from wrapped("No commitment that carries a credit was missed.")
        return
    rules = {rule.commitment: rule for rule in terms.rules}
    for number, line in enumerate(statement.lines[:MOST_LINES], start=1):
        yield from wrapped(_line_text(statement, rules[line.commitment], line), f"{number}.")
    if len(statement.lines) > MOST_LINES:
        yield from wrapped(f"{len(statement.lines) - MOST_LINES:,} more credits", "And")
    yield from wrapped(_total_text(statement), "Together")


def _review(statement: "Statement") -> Iterator[str]:
    first, last = statement.review
    months = month_text(first) if first == last else f"{month_text(first)} to {month_text(last)}"
    yield f"This month is part of the {statement.agreement.reviews} review of {months}."


def _line_text(statement: "Statement", rule: LevelRule | DelayRule, line: CreditLine) -> str:
    others = [
        f"{line.alternatives[count].amount:f} {OTHERWISE[count]}" for count in line.alternatives if count != line.count
    ]
    fee = Money.rounded(statement.fee, statement.currency)
    return (
        f"{_shortfall_text(line)}. {rule_text(rule)}; {COUNTING[line.count]}: {plain(line.steps)} "
        f"{'step' if line.steps == 1 else 'steps'}, {plain(line.percent)} % of {fee} is {line.amount}. "
        f"It would be {listing(others)}."
    )


OTHERWISE = {"full": "if only whole steps counted", "started": "if started steps counted", "prorata": "in proportion"}


def _shortfall_text(line: CreditLine) -> str:
    if line.case is None:
        return f"{NAMES[line.commitment]}: {truncated(line.shortfall)} {UNITS[line.commitment][1]} below the target"
    case = line.case
    carried = (
        f" in this month, after {length_text(case.before_us)} that earlier months answer for" if case.before_us else ""
    )
    return (
        f"{NAMES[line.commitment]}, {CASE_WORDS[line.commitment]} {' and '.join(case.ids)}: "
        f"{length_text(case.by_us - case.before_us)} late{carried}"
    )


def _total_text(statement: "Statement") -> str:
    terms, total = statement.agreement.credits, statement.total
    stacked = len({line.commitment for line in statement.lines}) > len(total.counted)
    text = f"the highest is that for {NAMES[total.counted[0]].lower()}: " if stacked else ""
    text += str(total.uncapped)
    if total.cap is None:
        return f"{text}; there is no cap"
    cap = f"{terms.cap_percent} % of the fee, {total.cap}"
    return f"{text}, more than the cap of {cap}: {total.amount}" if total.capped else f"{text}; the cap is {cap}"


def _termination(statement: "Statement") -> Iterator[str]:
    rights = statement.open_rights
    yield f"Right to terminate without penalty: {'OPEN' if rights else 'not open'}"
    if statement.agreement.termination.text:
        yield from wrapped(f"“{statement.agreement.termination.text}”")
    for right in statement.rights:
        period = f"from {day_text(right.opens)} to {last_day_text(right.closes)}"
        gaps = listing([month_text(month) for month in right.gaps])
        yield from wrapped(
            f"{period}: {NAMES[right.commitment].lower()} was missed {trigger_text(right.trigger)}: "
            f"{listing([month_text(month) for month in right.months])}"
            + (f" (passed over, since not measured: {gaps})" if gaps else ""),
            "Open" if right in rights else "Was open",
        )
    if not statement.rights:
        yield from wrapped("No commitment was missed often enough in the months judged here.")


def _readings(statement: "Statement") -> Iterator[str]:
    yield "How the agreement is read"
    for reading in readings_of(statement.agreement):
        yield from bullet(f"{reading.says} [{reading.origin}]")
    for says in ALWAYS:
        yield from bullet(says)
    agreement = statement.agreement
    yield ""
    yield "Where the terms come from"
    for origin in ("text", "default", "negotiated"):
        paths = [path for path, listed in agreement.origins.items() if listed == origin]
        if paths:
            yield from wrapped(", ".join(paths), origin)
    yield from wrapped("every other key", "text")
    yield from wrapped(f"{agreement.id} {agreement.version}, SHA-256 {agreement.sha256}", "Terms")
