"""What an agreement's terms come to, in plain numbers, and which of them work against each other."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from clearline.agreement.figures import plain
from clearline.agreement.moments import SECOND_US, length_text
from clearline.agreement.months import Month
from clearline.agreement.promises import Agreement, DelayRule, Experience, LevelRule, Rule, Trigger
from clearline.agreement.readings import trigger_text, triggers_text
from clearline.agreement.words import CASE_WORDS, NAMES, counted, month_text

MONTH_US = 30 * 86_400 * SECOND_US
"""Lengths of downtime are said for a month of 30 days without maintenance."""

NARROWBAND_CEILING = Fraction(9, 2)
"""ITU-T G.107 annex B: the highest mean opinion score that any rating gives."""


@dataclass(frozen=True, slots=True)
class Lint:
    """What the terms mean.

    Attributes:
        consequences: sentences that follow from the terms.
        warnings: sentences about terms that contradict each other or promise less than they seem to.
    """

    consequences: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Both lists as plain data."""
        return {"consequences": list(self.consequences), "warnings": list(self.warnings)}


def lint(agreement: Agreement) -> Lint:
    """Say what an agreement's terms come to."""
    return Lint(tuple(_consequences(agreement)), tuple(_warnings(agreement)))


def rule_for(agreement: Agreement, commitment: str) -> Rule | None:
    """The credit rule of a commitment."""
    return next((rule for rule in agreement.credits.rules if rule.commitment == commitment), None)


def first_credit(rule: Rule) -> Fraction:
    """The shortfall from which on something is credited, in steps."""
    return Fraction(1 if rule.count == "full" else 0)


def whole_fee(agreement: Agreement, rule: Rule) -> Fraction | None:
    """The shortfall from which on the most that can be is credited, in steps; None when a step credits nothing."""
    if not rule.percent:
        return None
    most = Fraction(100) if agreement.credits.cap_percent is None else Fraction(agreement.credits.cap_percent)
    steps = most / Fraction(rule.percent)
    if rule.count == "prorata":
        return steps
    return Fraction(math.ceil(steps) - (1 if rule.count == "started" else 0))


def _most_text(agreement: Agreement) -> str:
    cap = agreement.credits.cap_percent
    return "the whole fee" if cap is None or cap == 100 else f"the most there can be, {cap} % of the fee,"


def _consequences(agreement: Agreement) -> Iterator[str]:
    made = agreement.commitments
    for rule in agreement.credits.rules:
        if isinstance(rule, DelayRule):
            yield from _delay_credit(agreement, rule)
        elif rule.commitment == "availability":
            yield from _availability_credit(agreement, rule)
        else:
            yield from _level_credit(agreement, rule)
    for commitment in made.made():
        if rule_for(agreement, commitment) is None:
            yield f"{NAMES[commitment]}: no credit; a miss is reported and counts towards termination."
    if made.availability:
        yield f"Maintenance must be announced {length_text(made.availability.maintenance.notice_us)} before it starts."
    if made.experience:
        yield _experience_share(made.experience)
    unseen = MONTH_US * (1 - Fraction(agreement.coverage_minimum) / 100)
    yield f"A person must decide when more than {_length(unseen)} of a 30-day month were not observed."
    yield from _termination(agreement)
    month = Month(agreement.effective.year, agreement.effective.month)
    first = month if agreement.effective.day == 1 else month.next
    yield f"The first month that is whole under these terms is {month_text(first)}."
    yield (
        f"A change of the terms takes effect on the first day of a month, {counted(agreement.notice_days, 'day')} or "
        "more after customers were notified."
    )


def _length(us: Fraction) -> str:
    """A length to the second below; exact lengths of a share of a month may have a fraction of a microsecond."""
    return length_text(math.floor(us / SECOND_US) * SECOND_US)


def _target(agreement: Agreement, commitment: str) -> Fraction:
    """What a level must reach."""
    promise = getattr(agreement.commitments, commitment)
    return Fraction(promise.share_percent if commitment == "experience" else promise.target)


def _availability_credit(agreement: Agreement, rule: LevelRule) -> Iterator[str]:
    target = _target(agreement, "availability")

    def downtime(steps: Fraction) -> Fraction:
        return MONTH_US * (100 - target + steps * Fraction(rule.step)) / 100

    step, begins = MONTH_US * Fraction(rule.step) / 100, downtime(first_credit(rule))
    yield f"Availability is kept up to {_length(downtime(Fraction(0)))} of downtime in a 30-day month."
    yield f"There is no availability credit before {_length(begins)} of downtime in a 30-day month."
    how = {
        "started": "at once, and as much again with every {} beyond",
        "full": "then, and as much again with every {} beyond",
        "prorata": "for every {} beyond, in proportion",
    }[rule.count]
    yield f"It credits {rule.percent} % of the fee {how.format(_length(step))}."
    steps = whole_fee(agreement, rule)
    if steps is not None and downtime(steps) <= MONTH_US:
        length = _length(downtime(steps))
        yield f"By availability, {_most_text(agreement)} is credited from {length} of downtime in a 30-day month."
    else:
        yield f"By availability, {_most_text(agreement)} is never credited, not even for a month of downtime."


def _level_credit(agreement: Agreement, rule: LevelRule) -> Iterator[str]:
    target = _target(agreement, rule.commitment)

    def level(steps: Fraction) -> str:
        figure = plain(target - steps * Fraction(rule.step))
        return f"{figure} % of good calls" if rule.commitment == "experience" else f"a mean opinion score of {figure}"

    name = NAMES[rule.commitment]
    edge = "at or below" if rule.count == "full" else "below"
    begins = level(first_credit(rule))
    yield f"{name}: credits begin {edge} {begins}: {rule.percent} % of the fee for every {rule.step}."
    steps = whole_fee(agreement, rule)
    if steps is not None and target >= steps * Fraction(rule.step):
        edge = "below" if rule.count == "started" else "at or below"
        yield f"{name}: {_most_text(agreement)} is credited {edge} {level(steps)}."
    else:
        yield f"{name}: {_most_text(agreement)} is never credited."


def _delay_credit(agreement: Agreement, rule: DelayRule) -> Iterator[str]:
    name, case, within_us = NAMES[rule.commitment], CASE_WORDS[rule.commitment], _limit_us(agreement, rule.commitment)
    whose = f"the worst {case} of a month" if rule.per == "worst" else f"each late {case}"

    def time(steps: Fraction) -> str:
        return _length(within_us + steps * rule.step_us)

    beyond = f"beyond {length_text(within_us)}" if within_us else "of delay"
    yield f"{name}: {whose} credits {rule.percent} % of the fee for every {length_text(rule.step_us)} {beyond}."
    yield f"{name}: there is no credit before {time(first_credit(rule))}."
    steps = whole_fee(agreement, rule)
    if steps is None:
        yield f"{name}: {_most_text(agreement)} is never credited."
    else:
        yield f"{name}: {_most_text(agreement)} is credited for one {case} from {time(steps)}."


def _limit_us(agreement: Agreement, commitment: str) -> int:
    """The time a case has before it is late; for a window how much shorter than promised its notice may be: none."""
    made = agreement.commitments
    promise = {"restoration": made.restoration, "first_response": made.first_response}.get(commitment)
    return promise.within_us if promise else 0


def _experience_share(terms: Experience) -> str:
    bad = plain(1000 - 10 * Fraction(terms.share_percent))
    return (
        f"Of 1,000 calls {bad} may be worse than {terms.one_way_delay_ms} ms of delay, {terms.jitter_ms} ms of jitter "
        f"or {terms.loss_percent} % of loss."
    )


def _termination(agreement: Agreement) -> Iterator[str]:
    terms = agreement.termination
    if terms.triggers:
        yield (
            f"A customer may terminate once {triggers_text(terms.triggers)}: from the first day of the month after, "
            f"for {counted(terms.open_days, 'day')}."
        )


def _warnings(agreement: Agreement) -> Iterator[str]:
    yield from _warnings_of_commitments(agreement)
    yield from _warnings_of_credits(agreement)
    terms = agreement.termination
    if not terms.triggers:
        yield "termination.any_of: is empty, so the right to terminate never opens"
    for index, trigger in enumerate(terms.triggers):
        easier = [other for other in terms.triggers if other != trigger and _implies(trigger, other)]
        if easier:
            yield (
                f"termination.any_of[{index}]: never decides: what is missed {trigger_text(trigger)} is missed "
                f"{trigger_text(easier[0])}"
            )


def _implies(trigger: Trigger, other: Trigger) -> bool:
    """Whether months that meet a trigger always meet the other one too."""
    if other.missed_months > trigger.missed_months:
        return False
    if other.of_last is None:
        return trigger.of_last is None
    return other.of_last >= (trigger.of_last or trigger.missed_months)


def _warnings_of_commitments(agreement: Agreement) -> Iterator[str]:
    made = agreement.commitments
    availability, restoration, voice = made.availability, made.restoration, made.voice_mos
    if availability and availability.unknown == "up":
        yield "commitments.availability.unknown: time that nobody observed counts as up, so measuring less looks better"
    if availability and restoration and availability.minimum_outage_us > restoration.within_us:
        yield (
            f"commitments.restoration: an outage shorter than {length_text(availability.minimum_outage_us)} does not "
            f"count, so the limit of {length_text(restoration.within_us)} is never the one that decides"
        )
    if voice and Fraction(voice.target) > NARROWBAND_CEILING:
        yield f"commitments.voice_mos.target: {voice.target} cannot be reached: the scale of ITU-T G.107 ends at 4.5"


def _warnings_of_credits(agreement: Agreement) -> Iterator[str]:
    cap = agreement.credits.cap_percent
    for index, rule in enumerate(agreement.credits.rules):
        at = f"credits.rules[{index}]"
        if not rule.percent:
            yield f"{at}.percent: is 0, so a miss of {rule.commitment} credits nothing"
        elif cap is not None and rule.percent > cap:
            yield f"{at}.percent: one step credits {rule.percent} %, but credits.cap_percent allows {cap} %"
        if rule.count == "full":
            yield f"{at}.count: with full steps a miss of {rule.commitment} smaller than one step credits nothing"
    for commitment in ("availability", "voice_mos", "first_response"):
        if commitment in agreement.commitments.made() and rule_for(agreement, commitment) is None:
            yield f"credits.rules: a miss of {commitment} credits nothing"
