"""The second opinion's verdicts: which second is what, and which promises were kept. `oracle.py` adds the money."""

from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from math import floor
from typing import Any
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
HOUR = 3600 * SECOND
FOREVER = 10**18

Document = dict[str, Any]
Span = tuple[int, int]


# ---- moments, figures ----------------------------------------------------------------------------------------------


def moment(text: str) -> int:
    """Microseconds since 1970, exactly."""
    since = datetime.fromisoformat(text) - EPOCH
    return (since.days * 86400 + since.seconds) * SECOND + since.microseconds


def month_of(evidence: Document, agreement: Document) -> Span:
    year, month = map(int, evidence["month"].split("-"))
    zone = ZoneInfo(agreement["time_zone"])
    first = datetime(year, month, 1, tzinfo=zone)
    after = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)
    return moment(first.astimezone(UTC).isoformat()), moment(after.astimezone(UTC).isoformat())


def truncated(value: Fraction, digits: int = 4) -> str:
    units = floor(value * 10**digits)
    return f"{units // 10**digits}.{units % 10**digits:0{digits}d}"


def seconds(microseconds: int) -> Fraction:
    return Fraction(microseconds, SECOND)


# ---- which second is what ------------------------------------------------------------------------------------------


def announced_in_time(agreement: Document, window: Document) -> bool:
    notice = agreement["commitments"]["availability"]["maintenance"]["notice_hours"] * HOUR
    return window["announced_at"] is not None and moment(window["announced_at"]) <= moment(window["from"]) - notice


def eligible_maintenance(agreement: Document, evidence: Document) -> list[Span]:
    windows = evidence["availability"]["maintenance"]
    return [(moment(w["from"]), moment(w["until"])) for w in windows if announced_in_time(agreement, w)]


def allowed_exclusions(agreement: Document, evidence: Document) -> list[Span]:
    allowed = agreement["commitments"]["availability"]["exclusions"]
    return [
        (moment(x["from"]), moment(x["until"])) for x in evidence["availability"]["excluded"] if x["cause"] in allowed
    ]


def life_of(evidence: Document) -> Span:
    until = evidence["service"]["until"]
    return moment(evidence["service"]["from"]), moment(until) if until else FOREVER


def outages(agreement: Document, evidence: Document) -> list[tuple[set[str], int, int]]:
    """Recorded downtime inside the service's life; records that overlap or touch are one outage of several names.

    One shorter than the agreement's minimum does not count: it is no outage for any commitment.
    """
    shortest = agreement["commitments"]["availability"]["minimum_outage_seconds"] * SECOND
    life_from, life_until = life_of(evidence)
    found: list[tuple[set[str], int, int]] = []
    for record in evidence["availability"]["downtime"]:
        start = max(moment(record["from"]), life_from)
        end = min(moment(record["until"] or evidence["as_of"]), life_until)
        if start < end:
            touching = [one for one in found if one[1] <= end and start <= one[2]]
            found = [one for one in found if one not in touching]
            names = {record["id"]}.union(*(one[0] for one in touching))
            found.append((names, min([start, *(o[1] for o in touching)]), max([end, *(o[2] for o in touching)])))
    return [one for one in found if one[2] - one[1] >= shortest]


def covers(spans: list[Span], at: int) -> bool:
    return any(start <= at < end for start, end in spans)


def pieces(start: int, end: int, *groups: list[Span]) -> list[Span]:
    """`start` to `end`, cut wherever any span of any group starts or ends."""
    cuts = {point for spans in groups for span in spans for point in span if start < point < end}
    points = [start, *sorted(cuts), end]
    return list(pairwise(points)) if start < end else []


def service_time(agreement: Document, evidence: Document) -> Span:
    (month_from, month_until), (life_from, life_until) = month_of(evidence, agreement), life_of(evidence)
    start = max(month_from, life_from)
    return start, max(start, min(month_until, life_until))


def past_time(agreement: Document, evidence: Document) -> Span:
    """The service's part of the month that had passed when the evidence was written; only that much is judged."""
    start, end = service_time(agreement, evidence)
    return start, max(start, min(end, moment(evidence["as_of"])))


def seconds_by_class(agreement: Document, evidence: Document) -> dict[str, Fraction]:
    """Of the past time: what is still to come has no class but unknown, which `printed_seconds` adds."""
    first_that_applies = {
        "maintenance": eligible_maintenance(agreement, evidence),
        "excluded": allowed_exclusions(agreement, evidence),
        "down": [(start, end) for _, start, end in outages(agreement, evidence)],
        "up": observed_time(evidence),
    }
    found = dict.fromkeys(("maintenance", "excluded", "down", "unknown", "up"), Fraction(0))
    for start, end in pieces(*past_time(agreement, evidence), *first_that_applies.values()):
        name = next((name for name, spans in first_that_applies.items() if covers(spans, start)), "unknown")
        found[name] += seconds(end - start)
    return found


def printed_seconds(agreement: Document, evidence: Document) -> dict[str, Fraction]:
    found = seconds_by_class(agreement, evidence)
    start, end = service_time(agreement, evidence)
    to_come = seconds(end - start) - sum(found.values())
    return {**found, "service": seconds(end - start), "unknown": found["unknown"] + to_come}


def observed_time(evidence: Document) -> list[Span]:
    return [(moment(start), moment(end)) for start, end in evidence["availability"]["observed"]]


# ---- the commitments -----------------------------------------------------------------------------------------------


def availability(agreement: Document, evidence: Document) -> Document:
    terms = agreement["commitments"]["availability"]
    s = seconds_by_class(agreement, evidence)
    good, judged = s["up"], s["up"] + s["down"]
    for name, counts_as in (("maintenance", terms["maintenance"]["counts_as"]), ("unknown", terms["unknown"])):
        good += s[name] if counts_as == "up" else 0
        judged += s[name] if counts_as in {"up", "down"} else 0
    if terms["unknown"] == "up" and judged == s["unknown"]:
        judged = Fraction(0)  # nothing but assumptions: no measurement is never "kept"
    start, end = past_time(agreement, evidence)
    seen = sum(
        seconds(b - a) for a, b in pieces(start, end, observed_time(evidence)) if covers(observed_time(evidence), a)
    )
    return judgement(agreement, terms, ratio(good, judged), 100, ratio(seen, seconds(end - start)))


def voice_mos(agreement: Document, evidence: Document) -> Document:
    terms, voice = agreement["commitments"]["voice_mos"], evidence["voice"]
    if terms["weight"] == "talk_time":
        mos = ratio(Fraction(voice["mos_talk_total"]), Fraction(voice["talk_seconds"]))
    else:
        mos = ratio(Fraction(voice["mos_total"]), Fraction(voice["measured"]))
    enough = voice["measured"] >= terms["minimum_calls"]
    return judgement(agreement, terms, mos if enough else None, 1, ratio(voice["measured"], voice["calls"]))


def ratio(part: Fraction | int, whole: Fraction | int) -> Fraction | None:
    return Fraction(part) / whole if whole else None


def judgement(
    agreement: Document, terms: Document, measured: Fraction | None, scale: int, coverage: Fraction | None
) -> Document:
    found = {
        "clause": terms["clause"],
        "status": status(missed=None if measured is None else measured * scale < Fraction(terms["target"])),
        "target": terms["target"],
        "measured": None if measured is None else truncated(measured * scale),
        "exact": None if measured is None else str(measured),
        "coverage": None if coverage is None else truncated(coverage * 100),
        "needs_decision": coverage is not None and coverage * 100 < Fraction(agreement["coverage"]["minimum_percent"]),
    }
    found["_shortfall"] = Fraction(terms["target"]) - measured * scale if found["status"] == "missed" else Fraction(0)
    return found


def status(*, missed: bool | None) -> str:
    return "not_measured" if missed is None else "missed" if missed else "kept"


def ended_outages(agreement: Document, evidence: Document) -> list[tuple[set[str], int]]:
    """Names and length of each outage that ended in the month; its maintenance and exclusions do not count."""
    away = eligible_maintenance(agreement, evidence) + allowed_exclusions(agreement, evidence)
    (month_from, month_until), (_, life_until) = month_of(evidence, agreement), life_of(evidence)
    ongoing = {o["id"] for o in evidence["availability"]["downtime"] if o["until"] is None}
    lengths = [
        (names, sum(b - a for a, b in pieces(start, end, away) if not covers(away, a)))
        for names, start, end in outages(agreement, evidence)
        if month_from < end <= month_until and not (names & ongoing and end < life_until)
    ]
    return [(names, length) for names, length in lengths if length > 0]


def restoration(agreement: Document, evidence: Document) -> Document:
    terms = agreement["commitments"]["restoration"]
    ended = ended_outages(agreement, evidence)
    late = [(names, length) for names, length in ended if length > terms["within_seconds"] * SECOND]
    return {
        "clause": terms["clause"],
        "status": status(missed=bool(late) if ended else None),
        "outages": len(ended),
        "late": sorted(name for names, _ in late for name in names),
        "_delays": {str(sorted(names)): (0, length - terms["within_seconds"] * SECOND) for names, length in late},
    }


def experience(agreement: Document, evidence: Document) -> Document:
    terms, seen = agreement["commitments"]["experience"], evidence["experience"]
    calls, video = ratio(seen["within"], seen["measured"]), ratio(seen["video_within"], seen["video_measured"])
    shortfalls = [Fraction(terms["share_percent"]) - share * 100 for share in (calls, video) if share is not None]
    return {
        "clause": terms["clause"],
        "status": status(missed=max(shortfalls) > 0 if shortfalls else None),
        "measured": truncated(calls * 100) if calls is not None else None,
        "_shortfall": max(shortfalls, default=Fraction(0)),
    }


def maintenance_notice(agreement: Document, evidence: Document) -> Document:
    begins = [service_time(agreement, evidence)]
    windows = [
        window
        for window in evidence["availability"]["maintenance"]
        if covers(begins, moment(window["from"])) and window["from"] != window["until"]
    ]
    late = [window for window in windows if not announced_in_time(agreement, window)]
    notice = agreement["commitments"]["availability"]["maintenance"]["notice_hours"] * HOUR
    return {
        "clause": agreement["commitments"]["maintenance_notice"]["clause"],
        "status": status(missed=bool(late) if windows else None),
        "late": sorted(window["id"] for window in late),
        "_delays": {
            window["id"]: (0, moment(window["announced_at"] or window["from"]) - moment(window["from"]) + notice)
            for window in late
        },
    }


def delays(agreement: Document, evidence: Document, until: int) -> dict[str, int]:
    """Each request's delay, in microseconds, as it stood at `until`."""
    within = agreement["commitments"]["first_response"]["within_seconds"] * SECOND
    found = {}
    for request in evidence["support"]:
        answered = moment(request["first_response_at"]) if request["first_response_at"] else FOREVER
        found[request["id"]] = max(0, min(answered, until) - moment(request["received_at"]) - within)
    return found


def first_response(agreement: Document, evidence: Document) -> Document:
    month_from, month_until = month_of(evidence, agreement)
    now = min(month_until, moment(evidence["as_of"]))
    running = [
        r["id"]
        for r in evidence["support"]
        if moment(r["received_at"]) < now
        and (r["first_response_at"] is None or moment(r["first_response_at"]) >= month_from)
    ]
    answered = [
        r["id"] for r in evidence["support"] if r["first_response_at"] and moment(r["first_response_at"]) <= now
    ]
    before, after = delays(agreement, evidence, month_from), delays(agreement, evidence, now)
    late = [name for name in running if after[name] > before[name]]
    return {
        "clause": agreement["commitments"]["first_response"]["clause"],
        "status": status(missed=bool(late) if late or set(answered) & set(running) else None),
        "requests": len(running),
        "late": sorted(late),
        "_delays": {name: (before[name], after[name]) for name in late},
    }
