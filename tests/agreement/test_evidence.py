"""Evidence is read whole or refused with the position of everything that is wrong in it."""

import json
from decimal import Decimal
from typing import Any

import pytest
from tests.agreement.samples import EVIDENCE, evidence, varied

from clearline.agreement.evidence import load_evidence, parse_evidence, repeated_months
from clearline.agreement.money import Money
from clearline.agreement.problems import listed

AT = "availability"
CASES: list[tuple[str, Any, str]] = [
    ("schema", "clearline/evidence/2", "schema: must be clearline/evidence/1"),
    ("month", "2026-13", "month: must be a month such as 2026-10, found '2026-13'"),
    ("as_of", "yesterday", "as_of: must be a moment in UTC such as"),
    ("as_of", "2026-02-30T00:00:00Z", "as_of: is not a moment of the calendar"),
    ("service.monthly_fee.currency", "XYZ", "service.monthly_fee.currency: must be a currency code of ISO 4217"),
    ("service.monthly_fee.currency", "usd", "service.monthly_fee.currency: must be a currency code of ISO 4217"),
    ("service.monthly_fee.currency", "XAU", "service.monthly_fee.currency: must be a currency code of ISO 4217"),
    ("service.monthly_fee.amount", "-1.00", "service.monthly_fee.amount: must not be negative, found '-1.00'"),
    ("service.monthly_fee.amount", 1000, "service.monthly_fee.amount: must be text in quotes, found 1000"),
    ("service.monthly_fee.amount", 10.5, "service.monthly_fee.amount: must be text in quotes, found 10.5"),
    ("service.until", "2026-01-14T00:00:00Z", "service.until: is before from"),
    ("customer.id", 7, "customer.id: must be text in quotes, found 7"),
    (f"{AT}.downtime.0.until", "2026-10-03T09:59:59Z", f"{AT}.downtime[0].until: is before from"),
    (f"{AT}.downtime.0.from", None, f"{AT}.downtime[0].from: must be text, found null"),
    (f"{AT}.maintenance.0.until", "2026-10-10T00:59:59Z", f"{AT}.maintenance[0].until: is before from"),
    (f"{AT}.maintenance.0.until", None, f"{AT}.maintenance[0].until: must be text, found null"),
    (f"{AT}.observed.0.1", "2026-09-30T00:00:00Z", f"{AT}.observed[0][1]: is before the interval's start"),
    (f"{AT}.observed.0.0", "x", f"{AT}.observed[0][0]: must be a moment in UTC"),
    (f"{AT}.observed.0", ["2026-10-01T00:00:00Z"], f"{AT}.observed[0]: must be a pair of moments [from, until]"),
    (f"{AT}.observed", None, f"{AT}.observed: must be a list, found null"),
    (f"{AT}.uptime", "99", f"{AT}.uptime: is not a known key"),
    ("voice.measured", 20111, "voice.measured: must be at most calls (20110), found 20111"),
    ("voice.calls", -1, "voice.calls: must not be negative, found -1"),
    ("voice.mos_total", "100010.01", "voice.mos_total: is not a sum of scores from 1 to 5 over measured (20002)"),
    ("voice.mos_total", "20001.99", "voice.mos_total: is not a sum of scores from 1 to 5 over measured (20002)"),
    ("voice.mos_talk_total", "1", "voice.mos_talk_total: is not a sum of scores from 1 to 5 over talk_seconds"),
    ("experience.within", 20003, "experience.within: must be at most measured (20002), found 20003"),
    ("experience.video_within", 1, "experience.video_within: must be at most video_measured (0), found 1"),
    ("support.0.first_response_at", "2026-10-05T07:59:59Z", "support[0].first_response_at: is before received_at"),
    ("support.0.received_at", 5, "support[0].received_at: must be text in quotes, found 5"),
    ("support", {}, "support: must be a list, found a mapping"),
]


@pytest.mark.parametrize(("path", "value", "problem"), CASES)
def test_evidence_that_cannot_be_is_refused_at_its_position(path: str, value: Any, problem: str) -> None:
    loaded, problems = load_evidence(varied(EVIDENCE, {path: value}), "evidence.json")
    assert loaded is None
    assert str(problems[0]).startswith(f"evidence.json: {problem}"), problems


def test_an_id_given_twice_is_refused() -> None:
    outage = EVIDENCE["availability"]["downtime"][0]
    request = EVIDENCE["support"][0]
    for path, entries, problem in (
        ("availability.downtime", [outage, outage], "availability.downtime[1].id: is given twice, found O-17"),
        ("support", [request, request], "support[1].id: is given twice, found T-9"),
    ):
        _, problems = load_evidence(varied(EVIDENCE, {path: entries}), "e")
        assert [str(each) for each in problems] == [f"e: {problem}"]


def test_evidence_is_read_with_its_figures_exact() -> None:
    read = evidence()
    assert read.service.monthly_fee == Money(Decimal("1000.00"), "USD")
    assert read.voice
    assert read.voice.mos_total == Decimal("83608.36")
    assert read.availability
    assert [entry.id for entry in read.availability.downtime] == ["O-17"]


def test_parts_that_nobody_looked_at_may_be_left_out() -> None:
    document = {key: EVIDENCE[key] for key in ("schema", "customer", "service", "month", "as_of")}
    document["service"] = {key: value for key, value in document["service"].items() if key != "until"}
    read, problems = load_evidence(document, "e")
    assert problems == []
    assert read
    assert (read.availability, read.voice, read.experience, read.support) == (None, None, None, None)
    assert read.service.until_us is None


def test_lists_inside_availability_may_be_left_out() -> None:
    read = evidence(availability={"observed": []})
    assert read.availability
    assert (read.availability.downtime, read.availability.maintenance, read.availability.excluded) == ((), (), ())


def test_the_order_of_entries_does_not_matter() -> None:
    entries = [
        {"id": id_, "from": f"2026-10-{day}T00:00:00Z", "until": None}
        for id_, day in (("b", "03"), ("a", "03"), ("c", "02"))
    ]
    requests = [
        {"id": id_, "received_at": f"2026-10-{day}T00:00:00Z", "first_response_at": None}
        for id_, day in (("b", "03"), ("a", "03"), ("c", "02"))
    ]
    forward = evidence(availability__downtime=entries, support=requests)
    assert forward == evidence(availability__downtime=entries[::-1], support=requests[::-1])


def test_text_is_parsed_and_refused_with_its_name() -> None:
    assert parse_evidence(json.dumps(EVIDENCE).encode(), "e") == (evidence(), [])
    assert [str(each) for each in parse_evidence("{", "e")[1]] == [
        "e: is not JSON: Expecting property name enclosed in double quotes (line 1, column 2)"
    ]
    doubled = json.dumps(EVIDENCE).replace('"month"', '"month": "2026-09", "month"')
    assert [str(each) for each in parse_evidence(doubled, "e")[1]] == ["e: month: must be text, found the key twice"]


def test_two_documents_about_one_service_month_are_named() -> None:
    here, other = evidence(), evidence(customer__id="C-2")
    problems = repeated_months([("a.json", here), ("b.json", other), ("c.json", here)])
    assert listed(problems) == "c.json: month: 2026-10 of service S-1 of customer C-1001 is in a.json already"
    assert listed([*problems, *problems]).count("\n") == 1
