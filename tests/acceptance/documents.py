"""Agreements and evidence for the comparison: every key, every alternative, and moments that crowd around the edges."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from tests.acceptance.oracle_verdicts import EPOCH, HOUR, SECOND, Document, month_of

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # its summer time is half an hour
    "America/Havana",  # its clocks go back over the midnight that begins November 2026
    "Asia/Kolkata",
]
MONTHS = ["2024-02", "2026-02", "2026-03", "2026-04", "2026-10", "2026-11", "2026-12"]
CAUSES = ["customer", "force_majeure", "third_party", "suspension"]
COUNTS = st.sampled_from(["started", "full", "prorata"])
COUNTS_AS = st.sampled_from(["excluded", "up", "down"])


def text(microseconds: int) -> str:
    return (EPOCH + timedelta(microseconds=microseconds)).isoformat().replace("+00:00", "Z")


@st.composite
def agreements(draw: st.DrawFn) -> Document:
    commitments: Document = {
        "availability": {
            "clause": "1.1",
            "target": draw(st.sampled_from(["99.9", "99.95", "90", "100"])),
            "maintenance": {"notice_hours": draw(st.sampled_from([0, 24, 48])), "counts_as": draw(COUNTS_AS)},
            "unknown": draw(COUNTS_AS),
            "exclusions": draw(st.lists(st.sampled_from(CAUSES), unique=True)),
            "minimum_outage_seconds": draw(st.sampled_from([0, 0, 60, 3600, 7200])),
        },
        "restoration": {"clause": "1.2", "within_seconds": draw(st.sampled_from([0, 3600, 7200]))},
        "experience": {
            "clause": "2.1",
            "one_way_delay_ms": "150",
            "jitter_ms": "30",
            "loss_percent": "1",
            "video_mos": "3.5",
            "share_percent": draw(st.sampled_from(["95", "50", "99.99"])),
        },
        "voice_mos": {
            "clause": "2.2",
            "target": draw(st.sampled_from(["4.0", "3.55"])),
            "weight": draw(st.sampled_from(["call", "talk_time"])),
            "minimum_calls": draw(st.sampled_from([1, 1, 10])),
        },
        "first_response": {"clause": "3.2", "within_seconds": draw(st.sampled_from([14400, 0, 3600]))},
        "maintenance_notice": {"clause": "5.2"},
    }
    for name in draw(
        st.sampled_from([[], [], list(commitments)[1:], ["voice_mos"], ["first_response", "restoration"]])
    ):
        del commitments[name]
    return {
        "schema": "clearline/agreement/1",
        "id": "drawn",
        "version": "1",
        "title": "Drawn",
        "effective": "2022-05-05",
        "notice_days": 30,
        "time_zone": draw(st.sampled_from(ZONES)),
        "commitments": commitments,
        "coverage": {"minimum_percent": draw(st.sampled_from(["99", "0", "100", "50.5"]))},
        "credits": draw(credit_terms(list(commitments))),
        "termination": {
            "any_of": [{"missed_months_in_a_row": draw(st.integers(1, 3))}, {"missed_months": 2, "of_last": 4}],
            "open_days": 30,
        },
        "reviews": "quarterly",
        "origins": {},
    }


@st.composite
def credit_terms(draw: st.DrawFn, commitments: list[str]) -> Document:
    percents = st.sampled_from(["10", "5", "0.5", "33.3"])
    below = {"availability": ["1", "0.1", "0.25"], "voice_mos": ["0.1", "0.03"], "experience": ["1", "7"]}
    late = {"first_response": "request", "restoration": "outage", "maintenance_notice": "window"}
    rules: list[Document] = [{"commitment": name, "step": draw(st.sampled_from(below[name]))} for name in below]
    for name, case in late.items():
        step = draw(st.sampled_from([3600, 60, 86400]))
        rules.append({"commitment": name, "step_seconds": step, "per": draw(st.sampled_from([case, "worst"]))})
    for rule in rules:
        rule.update({"percent": draw(percents), "count": draw(COUNTS)})
    unpaid = draw(st.sampled_from([["experience", "restoration", "maintenance_notice"], [], ["availability"]]))
    return {
        "pro_rata_fee": draw(st.booleans()),
        "rules": [rule for rule in draw(st.permutations(rules)) if rule["commitment"] in {*commitments} - {*unpaid}],
        "stacking": draw(st.sampled_from(["sum", "highest"])),
        "cap_percent": draw(st.sampled_from(["100", "33.3", "0", "250", None])),
    }


@st.composite
def evidences(draw: st.DrawFn, agreement: Document) -> Document:
    month = draw(st.sampled_from(MONTHS))
    start, end = month_of({"month": month}, agreement)
    as_of = draw(st.sampled_from([end, end, end + 5 * 24 * HOUR, start + 11 * 24 * HOUR, start]))
    near = moments(start - 72 * HOUR, end + 72 * HOUR)
    past = near.map(lambda at: min(at, as_of))
    life = sorted(draw(st.tuples(near, near)))
    return {
        "schema": "clearline/evidence/1",
        "customer": {"id": "C-1", "name": "Acme"},
        "service": {
            "id": "S-1",
            "name": "Voice",
            "monthly_fee": draw(fees()),
            "from": draw(st.sampled_from(["2020-01-01T00:00:00Z", text(life[0])])),
            "until": draw(st.sampled_from([None, None, text(life[1] + SECOND)])),
        },
        "month": month,
        "as_of": text(as_of),
        "availability": {
            "observed": draw(observations(start, as_of, past)),
            "downtime": numbered("O", draw(st.lists(spans(past), max_size=4)), as_of, draw(st.booleans())),
            "maintenance": draw(windows(near)),
            "excluded": [
                {**x, "cause": draw(st.sampled_from(CAUSES)), "reason": "r", "approved_by": "p"}
                for x in numbered("X", draw(st.lists(spans(past), max_size=2)), as_of, ongoing=False)
            ],
        },
        "voice": draw(voices()),
        "experience": draw(experiences()),
        "support": draw(requests(start - 80 * 24 * HOUR, as_of)),
    }


def moments(start: int, end: int) -> st.SearchStrategy[int]:
    """Mostly whole hours, so that spans touch, nest and coincide; sometimes a microsecond beside them."""
    hours = st.integers(0, (end - start) // HOUR).map(lambda hour: start + hour * HOUR)
    return st.tuples(hours, st.sampled_from([0, 0, 0, 0, 1, 999_999, 36 * SECOND])).map(
        lambda pair: min(sum(pair), end)
    )


def spans(at: st.SearchStrategy[int]) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(at, at).map(sorted).map(tuple)


def numbered(letter: str, drawn: list[Any], as_of: int, ongoing: bool) -> list[Document]:  # noqa: FBT001
    listed: list[Document] = [
        {"id": f"{letter}-{n}", "from": text(start), "until": text(end)} for n, (start, end) in enumerate(drawn)
    ]
    if ongoing and listed and drawn[0][0] < as_of:
        listed[0]["until"] = None
    return listed


@st.composite
def observations(draw: st.DrawFn, start: int, as_of: int, past: st.SearchStrategy[int]) -> list[list[str]]:
    whole = [(start, as_of)]
    some = draw(st.one_of(st.just(whole), st.lists(spans(past), max_size=3)))
    return [[text(a), text(b)] for a, b in some]


@st.composite
def windows(draw: st.DrawFn, near: st.SearchStrategy[int]) -> list[Document]:
    drawn = draw(st.lists(spans(near), max_size=3))
    hours = st.sampled_from([72, 48, 24, 0, -24]).map(lambda hours: hours * HOUR)
    announcements = st.none() | st.builds(int.__add__, hours, st.sampled_from([0, 0, 0, 1, -1, SECOND]))
    return [
        {
            "id": f"M-{n}",
            "from": text(start),
            "until": text(end),
            "announced_at": draw(
                announcements.map(lambda ahead, start=start: None if ahead is None else text(start - ahead))
            ),
        }
        for n, (start, end) in enumerate(drawn)
    ]


@st.composite
def fees(draw: st.DrawFn) -> Document:
    currency, digits = draw(st.sampled_from([("USD", 2), ("EUR", 2), ("JPY", 0), ("KWD", 3)]))
    units = draw(st.one_of(st.integers(0, 10**7), st.sampled_from([1, 5, 15, 25, 100000])))
    whole, rest = divmod(units, 10**digits)
    return {"amount": f"{whole}.{rest:0{digits}d}" if digits else str(units), "currency": currency}


@st.composite
def voices(draw: st.DrawFn) -> Document:
    calls = draw(st.integers(0, 40))
    measured = draw(st.one_of(st.just(calls), st.integers(0, calls)))
    hundredths = draw(st.integers(350 * measured, 410 * measured))
    talk = draw(st.integers(measured, 100 * measured))
    talk_hundredths = draw(st.integers(350 * talk, 410 * talk))
    return {
        "calls": calls,
        "measured": measured,
        "mos_total": f"{hundredths // 100}.{hundredths % 100:02d}",
        "talk_seconds": str(talk),
        "mos_talk_total": f"{talk_hundredths // 100}.{talk_hundredths % 100:02d}",
    }


@st.composite
def experiences(draw: st.DrawFn) -> Document:
    measured, video = draw(st.integers(0, 40)), draw(st.integers(0, 3))
    return {
        "measured": measured,
        "within": draw(st.one_of(st.just(measured), st.integers(0, measured))),
        "video_measured": video,
        "video_within": draw(st.one_of(st.just(video), st.integers(0, video))),
    }


@st.composite
def requests(draw: st.DrawFn, earliest: int, as_of: int) -> list[Document]:
    drawn = draw(st.lists(moments(earliest, as_of) | moments(as_of - 6 * HOUR, as_of), max_size=4))
    waits = st.one_of(st.none(), st.sampled_from([0, 4, 5, 30, 24 * 20]).map(lambda hours: hours * HOUR))
    found = []
    for n, received in enumerate(drawn):
        wait = draw(waits)
        answered = None if wait is None else received + wait + draw(st.sampled_from([0, 0, 1, SECOND]))
        answered = None if answered is None or answered > as_of else text(answered)
        found.append({"id": f"T-{n}", "received_at": text(received), "first_response_at": answered})
    return found


@st.composite
def years(draw: st.DrawFn, agreement: Document) -> list[Document]:
    """Some months of one service, in any order, with gaps; each commitment kept, missed or not measured."""
    found: list[Document] = []
    some = draw(evidences(agreement))
    service = {**some["service"], "from": "2020-01-01T00:00:00Z", "until": None}
    outcomes = st.sampled_from(["missed", "missed", "kept", "not_measured"])
    for number in range(draw(st.integers(1, 14))):
        month = f"{2025 + number // 12}-{number % 12 + 1:02d}"
        if not draw(st.sampled_from([True, True, True, False])):
            continue
        start, end = month_of({"month": month}, agreement)
        down, late = draw(outcomes), draw(outcomes)
        noon = start + 36 * HOUR
        outage = {"id": "O", "from": text(noon), "until": text(noon + 9 * HOUR)}
        request = {"id": "T", "received_at": text(noon), "first_response_at": text(noon + 9 * HOUR)}
        found.append(
            {
                **some,
                "service": service,
                "experience": draw(experiences()),
                "month": month,
                "as_of": text(end + draw(st.sampled_from([0, 10, 29, 30, 31, 60])) * 24 * HOUR),
                "availability": {
                    "observed": [] if down == "not_measured" else [[text(start), text(end)]],
                    "downtime": [outage] if down == "missed" else [],
                    "maintenance": [],
                    "excluded": [],
                },
                "support": {
                    "missed": [request],
                    "kept": [{**request, "first_response_at": text(noon)}],
                    "not_measured": [],
                }[late],
            }
        )
    return draw(st.permutations(found))
