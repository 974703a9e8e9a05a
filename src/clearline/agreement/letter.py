"""A statement as a letter that a customer understands."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from clearline.agreement.classes import NOTHING_SEEN
from clearline.agreement.credits import CreditLine
from clearline.agreement.figures import plain, truncated
from clearline.agreement.judge import Cases, Level, Shares, Verdict
from clearline.agreement.moments import length_text
from clearline.agreement.money import Money
from clearline.agreement.months import Month
from clearline.agreement.promises import DelayRule, LevelRule
from clearline.agreement.readings import ALWAYS, COUNTING, limits_text, readings_of, rule_text, trigger_text
from clearline.agreement.words import (
    CASE_WORDS,
    NAMES,
    UNITS,
    counted,
    day_text,
    last_day_text,
    listing,
    month_text,
    time_text,
)

if TYPE_CHECKING:
    from fractions import Fraction

    from clearline.agreement.statement import Statement

WIDTH = 92
LABEL = 12
MOST_LISTED = 20
"""A letter lists so many outages, windows or requests; the statement's JSON has them all."""


def letter(statement: "Statement") -> str:
    """Write a statement as text for a terminal or an e-mail: plain lines of at most `WIDTH` characters."""
    parts = [_head(statement), _summary(statement)]
    parts += [_commitment(statement, verdict) for verdict in statement.verdicts.values()]
    parts += [_credits(statement), _termination(statement), _review(statement), _readings(statement)]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _wrapped(text: str, label: str = "") -> list[str]:
    """A paragraph, with a label in the margin."""
    margin = " " * (2 + LABEL)
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=f"  {label:{LABEL}}" if label else "  ",
        subsequent_indent=margin if label else "  ",
        break_long_words=True,
        break_on_hyphens=False,
    )


def _bullet(text: str) -> list[str]:
    """One item of a list."""
    return textwrap.wrap(text, WIDTH, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False)


def _listed(label: str, items: Sequence[str]) -> Iterator[str]:
    """Items one a line below a label, and how many were left out."""
    for index, item in enumerate(items[:MOST_LISTED]):
        yield from _wrapped(item, label if index == 0 else " ")
    if len(items) > MOST_LISTED:
        yield from _wrapped(f"and {len(items) - MOST_LISTED} more, all of them in the statement's JSON", " ")


def _head(statement: "Statement") -> Iterator[str]:
    agreement, evidence = statement.agreement, statement.evidence
    yield f"{agreement.title}, version {agreement.version}"
    title = f"Statement for {month_text(evidence.month)}"
    yield title
    yield "=" * len(title)
    yield ""
    yield from _wrapped(f"{evidence.customer_name} ({evidence.customer_id})", "Customer")
    yield from _wrapped(f"{evidence.service.name} ({evidence.service.id})", "Service")
    from_us, until_us = statement.classes.month
    yield from _wrapped(f"{time_text(from_us, agreement.zone)} to {time_text(until_us, agreement.zone)}", "Month")
    yield from _wrapped(_fee_text(statement), "Fee")
    so_far = "" if statement.is_over else ": the month is not over; this is what it comes to so far"
    yield from _wrapped(f"{time_text(evidence.as_of_us, agreement.zone)}{so_far}", "As of")
    if evidence.month < Month(agreement.effective.year, agreement.effective.month):
        yield from _wrapped(
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
            yield from _wrapped(listing(names), what)
    owed = statement.total.amount
    yield from _wrapped(f"{owed}, of a fee of {Money.rounded(statement.fee, statement.currency)}", "Credit")
    undecided = [_name(verdict) for verdict in statement.verdicts.values() if _needs_decision(verdict)]
    if undecided:
        yield from _wrapped(f"too little was measured for {listing(undecided)}: a person decides", "To decide")


def _name(verdict: Verdict) -> str:
    return f"{NAMES[verdict.commitment].lower()} ({verdict.clause})"


def _needs_decision(verdict: Verdict) -> bool:
    return isinstance(verdict, Level) and verdict.needs_decision


def _commitment(statement: "Statement", verdict: Verdict) -> Iterator[str]:
    yield f"{verdict.clause} {NAMES[verdict.commitment]}: {verdict.status.replace('_', ' ').upper()}"
    text = getattr(statement.agreement.commitments, verdict.commitment).text
    if text:
        yield from _wrapped(f"“{text}”")
    if isinstance(verdict, Level):
        yield from _level(statement, verdict)
    elif isinstance(verdict, Shares):
        yield from _shares(statement, verdict)
    else:
        yield from _cases(statement, verdict)


def _level(statement: "Statement", verdict: Level) -> Iterator[str]:
    unit = " %" if verdict.commitment == "availability" else ""
    yield from _wrapped(f"at least {verdict.target}{unit}", "Promised")
    if verdict.measured is None:
        yield from _wrapped("nothing that could be judged", "Measured")
    else:
        exact = verdict.measured / verdict.unit
        yield from _wrapped(f"{truncated(verdict.measured)}{unit} (exactly {exact})", "Measured")
    yield from _availability_evidence(statement) if verdict.commitment == "availability" else _voice_evidence(statement)
    if verdict.coverage is not None:
        minimum = statement.agreement.coverage_minimum
        below = f", below {minimum} %: a person must decide" if verdict.needs_decision else ""
        yield from _wrapped(f"{truncated(verdict.coverage)} % was measured{below}", "Coverage")


def _availability_evidence(statement: "Statement") -> Iterator[str]:
    names = {"up": "up", "down": "down", "maintenance": "maintenance", "excluded": "excluded", "unknown": "unknown"}
    seconds_us = statement.seconds_us()
    parts = [f"{length_text(seconds_us[key])} {word}" for key, word in names.items() if seconds_us[key]]
    yield from _wrapped(f"{length_text(seconds_us['service'])} of service: {listing(parts) or 'none'}", "From")
    seen, zone = statement.evidence.availability or NOTHING_SEEN, statement.agreement.zone
    month_from_us, month_until_us = statement.classes.month
    yield from _listed(
        "Down",
        [
            f"{entry.id}: {_span(entry.from_us, entry.until_us, zone)}{f', {entry.reason}' if entry.reason else ''}"
            for entry in seen.downtime
            if entry.from_us < month_until_us and (entry.until_us is None or entry.until_us > month_from_us)
        ],
    )
    yield from _listed(
        "Maintenance",
        [
            f"{window.id}: {_span(window.from_us, window.until_us, zone)}, "
            + (
                f"announced {time_text(window.announced_us, zone)}"
                if window.announced_us is not None
                else "not announced"
            )
            for window in seen.maintenance
        ],
    )
    allowed = statement.agreement.commitments.availability
    yield from _listed(
        "Excluded",
        [
            f"{entry.id}: {_span(entry.from_us, entry.until_us, zone)}, {entry.cause.replace('_', ' ')}: {entry.reason}"
            f" (approved by {entry.approved_by})"
            + ("" if allowed and entry.cause in allowed.exclusions else "; the agreement does not allow this cause")
            for entry in seen.excluded
        ],
    )


def _span(from_us: int, until_us: int | None, zone: ZoneInfo) -> str:
    if until_us is None:
        return f"from {time_text(from_us, zone)}, not over yet"
    return f"{time_text(from_us, zone)} to {time_text(until_us, zone)} ({length_text(until_us - from_us)})"


def _voice_evidence(statement: "Statement") -> Iterator[str]:
    voice = statement.evidence.voice
    if voice is None:
        yield from _wrapped("no calls were looked at", "From")
    else:
        yield from _wrapped(
            f"{voice.measured:,} measured of {counted(voice.calls, 'voice call')}, with scores that sum to "
            f"{voice.mos_total} and {voice.talk_seconds} s of talk",
            "From",
        )


def _shares(statement: "Statement", verdict: Shares) -> Iterator[str]:
    terms, seen = statement.agreement.commitments.experience, statement.evidence.experience
    if terms:
        yield from _wrapped(limits_text(terms), "Promised")
    kinds: list[tuple[str, Fraction | None, int, int]] = [
        ("calls", verdict.calls, seen.within if seen else 0, seen.measured if seen else 0),
        ("video calls", verdict.video, seen.video_within if seen else 0, seen.video_measured if seen else 0),
    ]
    for what, share, within, measured in kinds:
        text = f"no {what}" if share is None else f"{truncated(share)} % of the {what}: {within:,} of {measured:,}"
        yield from _wrapped(text, "Measured")


def _cases(statement: "Statement", verdict: Cases) -> Iterator[str]:
    name, number = verdict.counted
    yield from _wrapped(_limit(statement, verdict.commitment), "Promised")
    late = sum(len(case.ids) for case in verdict.late)
    yield from _wrapped(f"{number} {name if number != 1 else name[:-1]}, {late} late", "Measured")
    yield from _listed(
        "Late", [_late_text(statement, verdict.commitment, case.ids, case.by_us) for case in verdict.late]
    )
    yield from _listed("Not over", list(verdict.pending))


def _limit(statement: "Statement", commitment: str) -> str:
    made = statement.agreement.commitments
    if commitment == "restoration" and made.restoration:
        return f"an outage ends within {length_text(made.restoration.within_us)}"
    if commitment == "first_response" and made.first_response:
        return f"a person answers within {length_text(made.first_response.within_us)}, around the clock"
    notice_us = made.availability.maintenance.notice_us if made.availability else 0
    return f"maintenance is announced at least {length_text(notice_us)} before it starts"


def _late_text(statement: "Statement", commitment: str, ids: tuple[str, ...], late_us: int) -> str:
    zone, evidence = statement.agreement.zone, statement.evidence
    late = f"{length_text(late_us)} late"
    if commitment == "first_response":
        request = next(request for request in evidence.support or () if request.id in ids)
        answer = (
            "not answered yet" if request.answered_us is None else f"answered {time_text(request.answered_us, zone)}"
        )
        return f"{request.id}: received {time_text(request.received_us, zone)}, {answer}: {late}"
    if commitment == "restoration":
        terms = statement.agreement.commitments.restoration
        late = f"{length_text(late_us + (terms.within_us if terms else 0))}, {late}"
    return f"{' and '.join(ids)}: {late}"


def _credits(statement: "Statement") -> Iterator[str]:
    terms, total = statement.agreement.credits, statement.total
    yield f"Service credits: {total.amount}"
    if terms.text:
        yield from _wrapped(f"“{terms.text}”")
    if not statement.lines:
        yield from _wrapped("No commitment that carries a credit was missed.")
        return
    rules = {rule.commitment: rule for rule in terms.rules}
    for number, line in enumerate(statement.lines, start=1):
        yield from _wrapped(_line_text(statement, rules[line.commitment], line), f"{number}.")
    yield from _wrapped(_total_text(statement), "Together")


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
        yield from _wrapped(f"“{statement.agreement.termination.text}”")
    for right in statement.rights:
        period = f"from {day_text(right.opens)} to {last_day_text(right.closes)}"
        gaps = listing([month_text(month) for month in right.gaps])
        yield from _wrapped(
            f"{period}: {NAMES[right.commitment].lower()} was missed {trigger_text(right.trigger)}: "
            f"{listing([month_text(month) for month in right.months])}"
            + (f" (passed over, since not measured: {gaps})" if gaps else ""),
            "Open" if right in rights else "Not open",
        )
    if not statement.rights:
        yield from _wrapped("No commitment was missed often enough in the months judged here.")


def _readings(statement: "Statement") -> Iterator[str]:
    yield "How the agreement is read"
    for reading in readings_of(statement.agreement):
        yield from _bullet(f"{reading.says} [{reading.origin}]")
    for says in ALWAYS:
        yield from _bullet(says)
    agreement = statement.agreement
    yield ""
    yield "Where the terms come from"
    for origin in ("text", "default", "negotiated"):
        paths = [path for path, listed in agreement.origins.items() if listed == origin]
        if paths:
            yield from _wrapped(", ".join(paths), origin)
    yield from _wrapped("every other key", "text")
    yield from _wrapped(f"{agreement.id} {agreement.version}, SHA-256 {agreement.sha256}", "Terms")
