"""A letter's paragraph about each commitment: what was promised, what was measured, from what evidence."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from clearline.agreement.classes import NOTHING_SEEN
from clearline.agreement.evidence import Downtime, Exclusion, Window
from clearline.agreement.figures import truncated
from clearline.agreement.judge import Case, Cases, Level, Shares, Verdict
from clearline.agreement.layout import listed, wrapped
from clearline.agreement.moments import length_text
from clearline.agreement.readings import limits_text
from clearline.agreement.words import NAMES, counted, listing, time_text

if TYPE_CHECKING:
    from fractions import Fraction

    from clearline.agreement.statement import Statement


def commitment(statement: "Statement", verdict: Verdict) -> Iterator[str]:
    """Write the paragraph of one commitment."""
    promise = getattr(statement.agreement.commitments, verdict.commitment)
    yield f"{verdict.clause} {NAMES[verdict.commitment]}: {verdict.status.replace('_', ' ').upper()}"
    if promise.text:
        yield from wrapped(f"“{promise.text}”")
    if isinstance(verdict, Level):
        yield from _level(statement, verdict)
    elif isinstance(verdict, Shares):
        yield from wrapped(limits_text(promise), "Promised")
        yield from _shares(statement, verdict)
    else:
        yield from wrapped(_limit(statement, verdict.commitment), "Promised")
        yield from _cases(statement, verdict)


def _level(statement: "Statement", verdict: Level) -> Iterator[str]:
    is_availability = verdict.commitment == "availability"
    unit = " %" if is_availability else ""
    yield from wrapped(f"at least {verdict.target}{unit}", "Promised")
    if verdict.measured is None:
        yield from wrapped("nothing that could be judged", "Measured")
    else:
        exact = verdict.measured / verdict.unit
        yield from wrapped(f"{truncated(verdict.measured)}{unit} (exactly {exact})", "Measured")
    yield from _availability_evidence(statement) if is_availability else _voice_evidence(statement)
    if verdict.coverage is not None:
        minimum = statement.agreement.coverage_minimum
        below = f", less than {minimum} %: a person must decide" if verdict.needs_decision else ""
        yield from wrapped(f"{truncated(verdict.coverage)} % was measured{below}", "Coverage")


def _availability_evidence(statement: "Statement") -> Iterator[str]:
    seconds_us = statement.seconds_us()
    service_us = seconds_us.pop("service")
    parts = [f"{length_text(us)} {name}" for name, us in reversed(seconds_us.items()) if us]
    yield from wrapped(f"{length_text(service_us)} of service: {listing(parts) or 'none'}", "From")
    seen, zone = statement.evidence.availability or NOTHING_SEEN, statement.agreement.zone
    from_us, until_us = statement.classes.month
    here = [d for d in seen.downtime if d.from_us < until_us and (d.until_us is None or d.until_us > from_us)]
    yield from listed("Down", here, partial(_downtime_text, zone))
    yield from listed("Maintenance", seen.maintenance, partial(_window_text, zone))
    yield from listed("Excluded", seen.excluded, partial(_exclusion_text, statement))


def _downtime_text(zone: ZoneInfo, entry: Downtime) -> str:
    reason = f", {entry.reason}" if entry.reason else ""
    if entry.until_us is None:
        return f"{entry.id}: from {time_text(entry.from_us, zone)}, not over yet{reason}"
    return f"{entry.id}: {_span(entry.from_us, entry.until_us, zone)}{reason}"


def _window_text(zone: ZoneInfo, window: Window) -> str:
    announced_us = window.announced_us
    announced = "not announced" if announced_us is None else f"announced {time_text(announced_us, zone)}"
    return f"{window.id}: {_span(window.from_us, window.until_us, zone)}, {announced}"


def _exclusion_text(statement: "Statement", entry: Exclusion) -> str:
    terms = statement.agreement.commitments.availability
    allowed = "" if terms and entry.cause in terms.exclusions else "; the agreement does not allow this cause"
    cause = entry.cause.replace("_", " ")
    span = _span(entry.from_us, entry.until_us, statement.agreement.zone)
    return f"{entry.id}: {span}, {cause}: {entry.reason} (approved by {entry.approved_by}){allowed}"


def _span(from_us: int, until_us: int, zone: ZoneInfo) -> str:
    return f"{time_text(from_us, zone)} to {time_text(until_us, zone)} ({length_text(until_us - from_us)})"


def _voice_evidence(statement: "Statement") -> Iterator[str]:
    voice = statement.evidence.voice
    if voice is None:
        yield from wrapped("no calls were looked at", "From")
        return
    yield from wrapped(
        f"{voice.measured:,} measured of {counted(voice.calls, 'voice call')}, with scores that sum to "
        f"{voice.mos_total} and {voice.talk_seconds} s of talk",
        "From",
    )


def _shares(statement: "Statement", verdict: Shares) -> Iterator[str]:
    seen = statement.evidence.experience
    kinds: list[tuple[str, Fraction | None, int, int]] = [
        ("calls", verdict.calls, seen.within if seen else 0, seen.measured if seen else 0),
        ("video calls", verdict.video, seen.video_within if seen else 0, seen.video_measured if seen else 0),
    ]
    for what, share, within, measured in kinds:
        text = f"no {what}" if share is None else f"{truncated(share)} % of the {what}: {within:,} of {measured:,}"
        yield from wrapped(text, "Measured")


def _limit(statement: "Statement", name: str) -> str:
    promises = statement.agreement.commitments
    if name == "maintenance_notice":
        return f"maintenance is announced at least {length_text(promises.notice_us)} before it starts"
    within = length_text(getattr(promises, name).within_us)
    if name == "restoration":
        return f"an outage ends within {within}"
    return f"a person answers within {within}, around the clock"


def _cases(statement: "Statement", verdict: Cases) -> Iterator[str]:
    name, number = verdict.counted
    late = sum(len(case.ids) for case in verdict.late)
    yield from wrapped(f"{counted(number, name.removesuffix('s'))}, {late:,} late", "Measured")
    say = partial(_request_text, statement) if verdict.commitment == "first_response" else _case_text
    yield from listed("Late", verdict.late, say)
    yield from listed("Not over", verdict.pending, str)


def _case_text(case: Case) -> str:
    return f"{' and '.join(case.ids)}: {length_text(case.by_us)} late"


def _request_text(statement: "Statement", case: Case) -> str:
    zone = statement.agreement.zone
    request = next(request for request in statement.evidence.support or () if request.id in case.ids)
    answered_us = request.answered_us
    answer = "not answered yet" if answered_us is None else f"answered {time_text(answered_us, zone)}"
    return f"{request.id}: received {time_text(request.received_us, zone)}, {answer}: {length_text(case.by_us)} late"
