"""How an agreement is read where its text leaves a choice, in sentences; every statement prints them."""

from collections.abc import Iterator
from dataclasses import dataclass

from clearline.agreement.moments import HOUR_US, length_text
from clearline.agreement.promises import Agreement, DelayRule, Experience, LevelRule, Origin, Trigger
from clearline.agreement.words import CASE_WORDS, NAMES, UNITS, counted, either

COUNTING = {
    "started": "a step counts whole as soon as it is started",
    "full": "only whole steps count",
    "prorata": "a part of a step counts in proportion",
}
COUNTED_AS = {"excluded": "counts neither as up nor as down", "up": "counts as up", "down": "counts as down"}

ALWAYS = (
    "Entries of downtime that overlap or touch are one outage.",
    "An outage is judged for restoration in the month of its last instant, on its whole length.",
    "What lies at or after the moment of this statement is unknown and enters no figure.",
    "A month in which nothing could be judged is not measured: never kept, never missed.",
    "Figures are cut off after four decimals, never rounded up; comparisons use the exact figures.",
    "Each amount is rounded once, half-up, to the currency's minor unit.",
)
"""Readings that are the program's and no key's."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One choice: the key that made it, where its value comes from, and what it says."""

    key: str
    origin: Origin
    says: str

    def to_json(self) -> dict[str, str]:
        """The reading as a statement has it."""
        return {"key": self.key, "origin": self.origin, "says": self.says}


def readings_of(agreement: Agreement) -> list[Reading]:
    """List the choices an agreement makes, in the order of its keys."""
    return [Reading(key, agreement.origin_of(key), says) for key, says in _sentences(agreement)]


def _sentences(agreement: Agreement) -> Iterator[tuple[str, str]]:
    yield "time_zone", f"A month is a calendar month in {agreement.zone.key}."
    yield from _commitments(agreement)
    yield (
        "coverage.minimum_percent",
        f"Below {agreement.coverage_minimum} % of observed seconds or measured calls a person must decide.",
    )
    yield from _credits(agreement)
    yield "termination.any_of", f"The right to terminate opens after {triggers_text(agreement.termination.triggers)}."
    yield "termination.open_days", f"It stays open for {counted(agreement.termination.open_days, 'day')}."


def _commitments(agreement: Agreement) -> Iterator[tuple[str, str]]:
    availability = agreement.commitments.availability
    if availability:
        at = "commitments.availability"
        hours = availability.maintenance.notice_us // HOUR_US
        yield (
            f"{at}.maintenance.notice_hours",
            (
                f"Maintenance is scheduled when it was announced at least {counted(hours, 'hour')} before it starts; "
                "an overrun of the announced time is downtime."
            ),
        )
        yield f"{at}.maintenance.counts_as", f"Scheduled maintenance {COUNTED_AS[availability.maintenance.counts_as]}."
        yield f"{at}.unknown", f"Time that nobody observed {COUNTED_AS[availability.unknown]}."
        causes = " or ".join(cause.replace("_", " ") for cause in availability.exclusions)
        yield (
            f"{at}.exclusions",
            f"Time is excluded for the cause {causes}." if causes else "No other time is excluded.",
        )
        yield (
            f"{at}.minimum_outage_seconds",
            f"An outage shorter than {length_text(availability.minimum_outage_us)} does not count."
            if availability.minimum_outage_us
            else "An outage counts however short it is.",
        )
    voice = agreement.commitments.voice_mos
    if voice:
        weight = {"call": "every call alike", "talk_time": "calls by their talk time"}[voice.weight]
        yield "commitments.voice_mos.weight", f"The mean opinion score is a mean that weighs {weight}."
        yield (
            "commitments.voice_mos.minimum_calls",
            f"It takes at least {counted(voice.minimum_calls, 'measured call')}.",
        )
    experience = agreement.commitments.experience
    if experience:
        yield "commitments.experience.share_percent", f"Call experience: {limits_text(experience)}."


def limits_text(terms: Experience) -> str:
    """Say what a good call is, and how many must be good."""
    return (
        f"{terms.share_percent} % of the calls with at most {terms.one_way_delay_ms} ms of one-way delay, "
        f"{terms.jitter_ms} ms of jitter and {terms.loss_percent} % of loss; {terms.share_percent} % of the video "
        f"calls with a score of at least {terms.video_mos}"
    )


def _credits(agreement: Agreement) -> Iterator[tuple[str, str]]:
    terms = agreement.credits
    fee = "the part of the fee for that time" if terms.pro_rata_fee else "the whole monthly fee"
    yield "credits.pro_rata_fee", f"Where the service began or ended in the month, credits are of {fee}."
    for index, rule in enumerate(terms.rules):
        at = f"credits.rules[{index}]"
        yield f"{at}.count", f"{NAMES[rule.commitment]}: {rule_text(rule)}; {COUNTING[rule.count]}."
        if isinstance(rule, DelayRule):
            case = CASE_WORDS[rule.commitment]
            says = f"only the worst {case} of a month" if rule.per == "worst" else f"every late {case} by itself"
            yield f"{at}.per", f"{NAMES[rule.commitment]}: {says} is credited."
    adds = {"sum": "add up", "highest": "do not add up: the highest one counts"}[terms.stacking]
    yield "credits.stacking", f"The credits of different commitments {adds}."
    cap = "have no cap" if terms.cap_percent is None else f"are at most {terms.cap_percent} % of the month's fee"
    yield "credits.cap_percent", f"All credits of a month together {cap}."


def rule_text(rule: LevelRule | DelayRule) -> str:
    """Say a credit rule: `10 % of the fee for each 0.1 points below the target`."""
    if isinstance(rule, LevelRule):
        one, several = UNITS[rule.commitment]
        return (
            f"{rule.percent} % of the fee for every {rule.step} {one if rule.step == 1 else several} below the target"
        )
    return f"{rule.percent} % of the fee for every {length_text(rule.step_us)} of delay"


def triggers_text(triggers: tuple[Trigger, ...]) -> str:
    """Say the triggers: `3 missed months in a row of one commitment, or 4 of 12`."""
    if not triggers:
        return "nothing: the agreement names no trigger"
    return f"the same commitment was missed {either([trigger_text(trigger) for trigger in triggers])}"


def trigger_text(trigger: Trigger) -> str:
    """Say one trigger: `in 3 months in a row`, `in 4 of the last 12 months`."""
    if trigger.of_last is None:
        return f"in {counted(trigger.missed_months, 'month')} in a row"
    return f"in {trigger.missed_months} of the last {counted(trigger.of_last, 'month')}"
