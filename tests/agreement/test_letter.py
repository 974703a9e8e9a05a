"""The letter says what was promised, measured and credited, and how; read it in docs/agreement.md."""

import pytest
from tests.agreement.samples import ROOT, agreement, evidence
from tests.agreement.test_classes import FULL, excluded, span, window
from tests.agreement.test_judge import request, voice
from tests.agreement.test_termination import month_of

from clearline.agreement.layout import WIDTH, bullet, listed, wrapped
from clearline.agreement.statement import evaluate, evaluate_months
from clearline.agreement.words import counted, day_text, either, listing, time_text


def letter(terms: dict[str, object] | None = None, **changes: object) -> str:
    """The letter on one line, so that wrapping does not matter."""
    return " ".join(evaluate(agreement(**terms or {}), evidence(**changes)).text().split())


def test_the_letter_of_the_published_example_is_the_documented_one() -> None:
    text = evaluate(agreement(), evidence()).text()
    assert text in (ROOT / "docs" / "agreement.md").read_text()
    assert max(len(line) for line in text.splitlines()) <= WIDTH


def test_the_letter_names_the_evidence_with_its_times() -> None:
    text = letter(
        {"commitments__availability__exclusions": ["customer"], "time_zone": "Europe/Berlin"},
        as_of="2026-10-31T20:00:00Z",
        availability={
            "observed": FULL,
            "downtime": [
                span("O-1", "25T00:30", "25T01:30", reason="no answer to OPTIONS"),
                span("O-2", "30T10:00", None),
                span("O-0", "2026-09-01T00:00:00Z", "2026-09-01T01:00:00Z"),
            ],
            "maintenance": [window("M-1", "10T01:00", "10T03:00", None)],
            "excluded": [
                excluded("X-1", "11T01:00", "11T02:00", "customer"),
                excluded("X-2", "12T01:00", "12T02:00", "suspension"),
            ],
        },
    )
    assert "O-1: 2026-10-25 02:30:00 CEST to 2026-10-25 02:30:00 CET (1 h), no answer to OPTIONS" in text
    assert "O-2: from 2026-10-30 11:00:00 CET, not over yet" in text
    assert "O-0" not in text
    assert "M-1: 2026-10-10 03:00:00 CEST to 2026-10-10 05:00:00 CEST (2 h), not announced" in text
    assert "X-1: 2026-10-11 03:00:00 CEST to 2026-10-11 04:00:00 CEST (1 h), customer: why (approved by Ann)" in text
    assert "suspension: why (approved by Ann); the agreement does not allow this cause" in text
    assert "Not over O-2" in text


def test_the_letter_says_how_a_carried_request_is_credited() -> None:
    asked = [request("T", "2026-09-30T18:00:00Z", None)]
    text = letter(support=asked, as_of="2026-10-01T08:00:00Z")
    assert "T: received 2026-09-30 18:00:00 UTC, not answered yet: 10 h late" in text
    assert "8 h late in this month, after 2 h that earlier months answer for" in text
    assert "the month is not over; this is what it comes to so far" in text


def test_the_letter_says_how_stacking_and_the_cap_decide() -> None:
    seen = {"voice": voice(100, 100, "370.00")}
    assert "Together 500.00 USD; the cap is 100 % of the fee, 1,000.00 USD" in letter(None, **seen)
    assert "500.00 USD, more than the cap of 30 % of the fee, 300.00 USD: 300.00 USD" in letter(
        {"credits__cap_percent": "30"}, **seen
    )
    assert "Together the highest is that for voice quality: 300.00 USD; there is no cap" in letter(
        {"credits__cap_percent": None, "credits__stacking": "highest"}, **seen
    )


def test_the_letter_says_why_a_fee_is_less_than_a_month() -> None:
    text = letter(service__from="2026-10-22T00:00:00Z")
    assert "Fee 322.58 USD: of 1,000.00 USD a month, for 10 d of service in a month of 31 d" in text


def test_the_letter_says_what_was_not_measured_and_needs_a_decision() -> None:
    text = letter(availability=None, voice=None, experience=None, support=None)
    assert "Not measured service availability (1.1)" in text
    assert "To decide too little was measured for service availability (1.1) and voice quality (2.2)" in text
    assert "Measured nothing that could be judged" in text
    assert "From no calls were looked at" in text
    assert "Coverage 0.0000 % was measured, less than 99 %: a person must decide" in text
    assert "No commitment that carries a credit was missed." in text
    assert "Measured no calls Measured no video calls" in text


def test_the_letter_of_a_month_outside_the_service_life_has_no_seconds_to_tell() -> None:
    assert "From 0 s of service: none" in letter(service__from="2026-12-01T00:00:00Z")


def test_the_letter_says_that_the_terms_came_later() -> None:
    assert "this version took effect on 1 December 2026, after this month" in letter({"effective": "2026-12-01"})
    assert "took effect" not in letter({"effective": "2026-10-15"})


def test_the_letter_says_when_and_why_the_customer_may_leave() -> None:
    known = [month_of(7), month_of(8), month_of(10)]
    last = " ".join(evaluate_months(agreement(), known)[-1].text().split())
    assert "Right to terminate without penalty: OPEN" in last
    assert (
        "Open from 1 November 2026 to 30 November 2026: service availability was missed in 3 months in a row: July "
        "2026, August 2026 and October 2026 (passed over, since not measured: September 2026)"
    ) in last
    late = [month_of(7), month_of(8), month_of(10, "2027-01-01T00:00:00Z")]
    closed = " ".join(evaluate_months(agreement(), late)[-1].text().split())
    assert "Right to terminate without penalty: not open" in closed
    assert "Was open from 1 November 2026 to 30 November 2026" in closed


def test_the_letter_quotes_the_clauses_the_agreement_gives_and_no_others() -> None:
    assert "“We guarantee a minimum of 99.9% uptime" in letter()
    silent = {"commitments__availability__text": None, "credits__text": None, "termination__text": None, "origins": {}}
    assert "We guarantee" not in letter(silent)
    assert "service credits as follows:”" not in letter(silent)
    assert "penalty.”" not in letter(silent)


def test_the_letter_prints_where_terms_come_from() -> None:
    text = letter({"origins": {"credits.cap_percent": "negotiated", "title": "text"}, "reviews": "monthly"})
    assert "All credits of a month together are at most 100 % of the month's fee. [negotiated]" in text
    assert "text title negotiated credits.cap_percent text every other key" in text
    assert "This month is part of the monthly review of October 2026." in text


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        (
            {"commitments__availability__minimum_outage_seconds": 600},
            "An outage shorter than 10 min does not count. [text]",
        ),
        (
            {"commitments__availability__exclusions": ["customer", "force_majeure"]},
            "Time is excluded for the cause customer or force majeure.",
        ),
        ({"commitments__availability__unknown": "down"}, "Time that nobody observed counts as down."),
        ({"commitments__voice_mos__weight": "talk_time"}, "a mean that weighs calls by their talk time."),
        (
            {"credits__rules__0__count": "full"},
            "for every 1 percentage point below the target; only whole steps count.",
        ),
        ({"credits__rules__1__count": "prorata"}, "below the target; a part of a step counts in proportion."),
        ({"credits__rules__2__per": "worst"}, "only the worst request of a month is credited."),
        ({"credits__stacking": "highest"}, "do not add up: the highest one counts."),
        ({"credits__pro_rata_fee": False}, "credits are of the whole monthly fee."),
        ({"termination__any_of": []}, "opens after nothing: the agreement names no trigger."),
    ],
)
def test_the_letter_says_how_each_choice_reads(terms: dict[str, object], says: str) -> None:
    assert says in letter({**terms, "origins": {}})


def test_a_letter_explains_two_hundred_credits_and_counts_the_others() -> None:
    asked = [request(f"T-{n:03}", "2026-10-05T08:00:00Z", "2026-10-05T13:00:00Z") for n in range(203)]
    text = letter(support=asked, availability=None)
    assert "200. First response to requests, request T-199:" in text
    assert "201." not in text
    assert "And 3 more credits Together 10,150.00 USD, more than the cap" in text


def test_a_long_list_is_cut_and_counted() -> None:
    lines = list(listed("Down", [f"O-{n}" for n in range(25)], str))
    assert lines[0] == "  Down          O-0"
    assert lines[1] == "                O-1"
    assert len(lines) == 21
    assert lines[-1] == "                and 5 more"


def test_a_number_stays_with_its_unit() -> None:
    assert wrapped("x" * 87 + " 10 % of it")[1] == "  10 % of it"
    assert bullet("x" * 87 + " 30 min")[1] == "    30 min"


def test_words_are_joined_and_counted() -> None:
    assert (listing([]), listing(["a"]), listing(["a", "b"]), either(["a", "b", "c"])) == (
        "",
        "a",
        "a and b",
        "a, b or c",
    )
    assert (counted(1, "day"), counted(2000, "day"), counted(0, "day")) == ("1 day", "2,000 days", "0 days")
    read = evidence(as_of="2026-10-03T10:00:00.250Z")
    assert time_text(read.as_of_us, agreement().zone) == "2026-10-03 10:00:00.25 UTC"
    assert day_text(agreement().effective) == "5 May 2022"
