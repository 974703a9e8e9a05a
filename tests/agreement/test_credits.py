"""What each rule credits, by sums done by hand."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agreement.samples import AGREEMENT, judged
from tests.agreement.test_classes import FULL, span, window
from tests.agreement.test_judge import request, voice

from clearline.agreement.credits import steps_of
from clearline.agreement.moments import SECOND_US, moment_text, moment_us
from clearline.agreement.promises import COUNTS, Count

RULES: list[dict[str, Any]] = AGREEMENT["credits"]["rules"]
SUPPORT_ONLY = {"availability": None, "voice": None, "experience": None}


def lines(terms: dict[str, Any] | None = None, **changes: Any) -> list[dict[str, Any]]:
    made = judged(terms, **changes)["credits"]
    assert isinstance(made, list)
    return made


def amounts(terms: dict[str, Any] | None = None, **changes: Any) -> list[tuple[str, str, dict[str, str]]]:
    return [(line["steps"], line["amount"], line["alternatives"]) for line in lines(terms, **changes)]


def mos(total: str) -> dict[str, Any]:
    return {"availability": None, "support": None, "voice": voice(100, 100, total)}


def outage(hours: str) -> dict[str, Any]:
    downtime = [span("O", "2026-10-03T00:00:00Z", hours)]
    return {"availability": {"observed": FULL, "downtime": downtime}, "voice": None, "support": None}


# The table of the knowledge base, for a month of 31 days: uptime 99.89, 99.5, 98.9 and 98 percent.


@pytest.mark.parametrize(
    ("until", "full", "started", "prorata"),
    [
        ("2026-10-03T00:49:06.24Z", "0.00", "100.00", "1.00"),
        ("2026-10-03T03:43:12Z", "0.00", "100.00", "40.00"),
        ("2026-10-03T08:11:02.4Z", "100.00", "100.00", "100.00"),
        ("2026-10-03T14:52:48Z", "100.00", "200.00", "190.00"),
    ],
)
def test_availability_credits_ten_percent_for_every_percent_below(
    until: str, full: str, started: str, prorata: str
) -> None:
    expected = {"full": full, "started": started, "prorata": prorata}
    for count in COUNTS:
        ((_, amount, alternatives),) = amounts({"credits__rules__0__count": count}, **outage(until))
        assert (amount, alternatives) == (expected[count], expected)


@pytest.mark.parametrize(
    ("total", "full", "started", "prorata"),
    [
        ("395.00", "0.00", "100.00", "50.00"),
        ("390.00", "100.00", "100.00", "100.00"),
        ("370.00", "300.00", "300.00", "300.00"),
        ("369.99", "300.00", "400.00", "300.10"),
    ],
)
def test_voice_quality_credits_ten_percent_for_every_tenth_below(
    total: str, full: str, started: str, prorata: str
) -> None:
    ((_, amount, alternatives),) = amounts(**mos(total))
    assert (amount, alternatives) == (started, {"full": full, "started": started, "prorata": prorata})


@pytest.mark.parametrize(
    ("answered", "full", "started", "prorata"),
    [
        ("12:20:00Z", "0.00", "50.00", "16.67"),
        ("13:00:00Z", "50.00", "50.00", "50.00"),
        ("13:00:00.000001Z", "50.00", "100.00", "50.00"),
        ("15:30:00Z", "150.00", "200.00", "175.00"),
    ],
)
def test_a_late_response_credits_five_percent_for_every_hour(
    answered: str, full: str, started: str, prorata: str
) -> None:
    asked = [request("T", "2026-10-05T08:00:00Z", f"2026-10-05T{answered}")]
    ((_, amount, alternatives),) = amounts(support=asked, **SUPPORT_ONLY)
    assert (amount, alternatives) == (started, {"full": full, "started": started, "prorata": prorata})


def test_what_was_kept_is_not_credited() -> None:
    assert lines(**mos("400.00")) == []
    assert judged(**mos("400.00"))["total"]["amount"] == "0.00"


def test_a_miss_without_a_rule_is_not_credited() -> None:
    assert lines({"credits__rules": RULES[1:], "origins": {}}, **outage("2026-10-03T05:00:00Z")) == []


# An unanswered request over months: 5 % for each started hour beyond 4 h.


def carried(month: str, as_of: str, count: str = "started", answered: str | None = "2026-10-01T08:00:00Z") -> Any:
    asked = [request("T", "2026-09-30T18:00:00Z", answered)]
    terms = {"credits__rules__2__count": count}
    return lines(terms, month=month, as_of=as_of, support=asked, **SUPPORT_ONLY)


def test_a_request_over_two_months_is_credited_once_in_all() -> None:
    # 14 h in all, 10 h late: 2 h of it in September, 8 h in October.
    (september,), (october,) = carried("2026-09", "2026-10-05T00:00:00Z"), carried("2026-10", "2026-11-01T00:00:00Z")
    assert (september["shortfall_seconds"], september["steps"], september["amount"]) == ("7200", "2", "100.00")
    assert "carried_seconds" not in september
    assert (october["shortfall_seconds"], october["steps"], october["amount"]) == ("28800", "8", "400.00")
    assert october["carried_seconds"] == "7200"


def test_a_step_started_in_one_month_is_not_started_again_in_the_next() -> None:
    # Late by 1 h 30 min at the month's end, by 1 h 50 min when answered: two steps in all, both started in September.
    asked = [request("T", "2026-09-30T18:30:00Z", "2026-10-01T00:20:00Z")]
    (september,) = lines(month="2026-09", as_of="2026-10-05T00:00:00Z", support=asked, **SUPPORT_ONLY)
    (october,) = lines(support=asked, **SUPPORT_ONLY)
    assert (september["steps"], september["amount"]) == ("2", "100.00")
    assert (october["steps"], october["amount"]) == ("0", "0.00")
    assert october["alternatives"] == {"full": "0.00", "started": "0.00", "prorata": "16.67"}


@given(st.integers(0, 150 * 24 * 60), st.sampled_from(COUNTS))
def test_months_together_credit_what_the_whole_delay_is_worth(minutes: int, count: Count) -> None:
    received_us = moment_us("2026-07-31T12:20:00Z")
    asked = [request("T", moment_text(received_us), moment_text(received_us + minutes * 60 * SECOND_US))]
    terms = {"credits__rules__2__count": count}
    credited = sum(
        Fraction(line["shortfall_seconds"]) / 3600 if count == "prorata" else Fraction(line["steps"])
        for month in range(7, 13)
        for line in lines(terms, month=f"2026-{month:02}", as_of="2027-01-01T00:00:00Z", support=asked, **SUPPORT_ONLY)
    )
    assert credited == steps_of(count, Fraction(max(minutes - 240, 0), 60))


# Worst request


def two_requests() -> list[dict[str, Any]]:
    return [
        request("A", "2026-10-05T08:00:00Z", "2026-10-05T13:10:00Z"),
        request("B", "2026-10-06T08:00:00Z", "2026-10-06T15:00:00Z"),
        request("C", "2026-10-07T08:00:00Z", "2026-10-07T09:00:00Z"),
    ]


def test_each_late_request_is_credited_by_itself() -> None:
    made = lines(support=two_requests(), **SUPPORT_ONLY)
    assert [(line["request"], line["amount"]) for line in made] == [("A", "100.00"), ("B", "150.00")]


def test_only_the_worst_request_is_credited_where_the_agreement_says_so() -> None:
    (line,) = lines({"credits__rules__2__per": "worst"}, support=two_requests(), **SUPPORT_ONLY)
    assert (line["request"], line["amount"]) == ("B", "150.00")


def test_each_alternative_of_the_worst_is_the_worst_under_that_count() -> None:
    # A adds 50 min to a delay of 30 min: a whole step is completed, one more is started. B is 55 min late: none, one.
    asked = [
        request("A", "2026-09-30T19:30:00Z", "2026-10-01T00:50:00Z"),
        request("B", "2026-10-06T08:00:00Z", "2026-10-06T12:55:00Z"),
    ]
    for count, worst, amount in (("full", "A", "50.00"), ("started", "B", "50.00"), ("prorata", "B", "45.83")):
        terms = {"credits__rules__2__per": "worst", "credits__rules__2__count": count}
        (line,) = lines(terms, support=asked, **SUPPORT_ONLY)
        assert (line["request"], line["amount"]) == (worst, amount)
        assert line["alternatives"] == {"full": "50.00", "started": "50.00", "prorata": "45.83"}


# Rules that the default agreement does not have


def test_restoration_can_carry_a_credit_for_each_outage() -> None:
    rule = {"commitment": "restoration", "step_seconds": 1800, "percent": "2", "count": "started", "per": "outage"}
    downtime = [span("A", "03T10:00", "03T10:50"), span("B", "03T10:50", "03T11:40"), span("C", "04T10:00", "04T11:00")]
    terms = {"credits__rules": [rule], "origins": {}}
    (line,) = lines(terms, availability={"observed": FULL, "downtime": downtime}, voice=None, support=None)
    assert (line["outage"], line["shortfall_seconds"], line["steps"], line["amount"]) == ("A", "2400", "2", "40.00")


def test_late_notice_can_carry_a_credit_for_each_window() -> None:
    rule = {"commitment": "maintenance_notice", "step_seconds": 3600, "percent": "1", "count": "full", "per": "window"}
    windows = [window("A", "10T01:00", "10T03:00", "2026-10-08T03:30:00Z"), window("B", "11T01:00", "11T02:00", None)]
    terms = {"credits__rules": [rule], "origins": {}}
    made = lines(terms, availability={"observed": FULL, "maintenance": windows}, voice=None, support=None)
    assert [(line["window"], line["steps"], line["amount"]) for line in made] == [
        ("A", "2", "20.00"),
        ("B", "48", "480.00"),
    ]


def test_experience_can_carry_a_credit_for_the_lower_share() -> None:
    rule = {"commitment": "experience", "step": "2", "percent": "3", "count": "prorata"}
    seen = {"measured": 100, "within": 94, "video_measured": 20, "video_within": 18}
    terms = {"credits__rules": [rule], "origins": {}}
    (line,) = lines(terms, availability=None, voice=None, support=None, experience=seen)
    assert (line["shortfall"], line["steps"], line["percent"], line["amount"]) == ("5.0000", "2.5", "7.5", "75.00")


# Fee, stacking, cap, currency


def total(terms: dict[str, Any] | None = None, **changes: Any) -> tuple[str, str, bool]:
    made = judged(terms, **changes)["total"]
    return made["uncapped"], made["amount"], made["capped"]


def test_credits_of_different_commitments_add_up_or_the_highest_counts() -> None:
    seen = {"voice": voice(100, 100, "370.00")}
    assert total(**seen) == ("500.00", "500.00", False)
    highest = judged({"credits__stacking": "highest"}, **seen)
    assert (highest["total"]["uncapped"], highest["total"]["amount"]) == ("300.00", "300.00")
    assert highest["total"]["counted"] == ["voice_mos"]
    assert len(highest["credits"]) == 3


def test_the_highest_is_of_commitments_and_not_of_lines() -> None:
    # Availability 100, two requests of 100 and 150: the requests together are the highest.
    assert total({"credits__stacking": "highest"}, support=two_requests()) == ("250.00", "250.00", False)


def test_the_highest_is_the_largest_sum_wherever_it_stands() -> None:
    changes = {**outage("2026-10-04T00:00:00Z"), "voice": voice(100, 100, "395.00")}
    made = judged({"credits__stacking": "highest"}, **changes)["total"]
    assert (made["counted"], made["uncapped"]) == (["availability"], "400.00")


def test_nothing_is_the_highest_of_nothing() -> None:
    assert total({"credits__stacking": "highest"}, **mos("400.00")) == ("0.00", "0.00", False)


def test_the_cap_is_of_the_months_fee() -> None:
    all_down = outage("2026-11-01T00:00:00Z")
    assert total(**all_down) == ("9400.00", "1000.00", True)
    assert total({"credits__cap_percent": "12.5"}, **all_down) == ("9400.00", "125.00", True)
    assert total({"credits__cap_percent": "0"}, **all_down) == ("9400.00", "0.00", True)
    assert total({"credits__cap_percent": None}, **all_down) == ("9400.00", "9400.00", False)


def test_a_total_at_the_cap_is_not_capped() -> None:
    assert total({"credits__cap_percent": "20"}) == ("200.00", "200.00", False)
    assert total({"credits__cap_percent": "19.99"}) == ("200.00", "199.90", True)
    assert judged({"credits__cap_percent": "19.99"})["total"]["cap"] == "199.90"
    assert judged({"credits__cap_percent": None})["total"]["cap"] is None


def test_the_fee_is_pro_rated_by_the_seconds_of_service() -> None:
    # In service for 10 of 31 days; down for 2 h 30 min of 240 h, so 98.958 % and one started step.
    changes = {"service__from": "2026-10-22T00:00:00Z", **outage("2026-10-03T02:30:00Z")}
    changes["availability"]["downtime"] = [span("O", "23T10:00", "23T12:30")]
    made = judged(**changes)
    assert made["fee"] == {"amount": "322.58", "currency": "USD"}
    assert [line["amount"] for line in made["credits"]] == ["32.26"]
    assert made["credits"][0]["alternatives"]["prorata"] == "30.38"
    whole = judged({"credits__pro_rata_fee": False}, **changes)
    assert whole["fee"] == {"amount": "1000.00", "currency": "USD"}
    assert [line["amount"] for line in whole["credits"]] == ["100.00"]


def test_percentages_are_of_the_exact_fee_and_not_of_the_rounded_one() -> None:
    # 10 JPY for 10 of 31 days are 3.2258 JPY, shown as 3. 48 % of it are 1.548, so 2; 48 % of 3 would be 1.44, so 1.
    rules = [{"commitment": "availability", "step": "1", "percent": "48", "count": "started"}]
    changes = {
        "service__from": "2026-10-22T00:00:00Z",
        "service__monthly_fee": {"amount": "10", "currency": "JPY"},
        "availability": {"observed": FULL, "downtime": [span("O", "23T10:00", "23T12:30")]},
    }
    made = judged({"credits__rules": rules, "origins": {}}, **changes)
    assert made["fee"]["amount"] == "3"
    assert made["credits"][0]["amount"] == "2"


@pytest.mark.parametrize(
    ("currency", "fee", "amount"), [("JPY", "1005", "101"), ("KWD", "1.005", "0.101"), ("USD", "10.05", "1.01")]
)
def test_a_line_is_rounded_half_up_to_the_currencys_minor_unit(currency: str, fee: str, amount: str) -> None:
    changes = {"service__monthly_fee": {"amount": fee, "currency": currency}, **outage("2026-10-03T02:00:00Z")}
    assert [line["amount"] for line in lines(**changes)] == [amount]


def test_the_total_is_the_sum_of_rounded_lines() -> None:
    # 0.05 USD: each of two lines of 5 % is 0.0025, rounded to 0.00; ten percent each would be 0.01.
    asked = [
        request("A", "2026-10-05T08:00:00Z", "2026-10-05T12:30:00Z"),
        request("B", "2026-10-06T08:00:00Z", "2026-10-06T12:30:00Z"),
    ]
    changes = {"service__monthly_fee__amount": "0.05", "support": asked, **SUPPORT_ONLY}
    assert total(**changes) == ("0.00", "0.00", False)
    changes["service__monthly_fee__amount"] = "0.10"
    assert total(**changes) == ("0.02", "0.02", False)


def test_a_fee_of_nothing_credits_nothing() -> None:
    made = judged(service__monthly_fee__amount="0.00")
    assert [line["amount"] for line in made["credits"]] == ["0.00", "0.00"]
    assert made["total"]["amount"] == "0.00"


@pytest.mark.parametrize(
    ("quotient", "full", "started"), [("0", 0, 0), ("0.0001", 0, 1), ("1", 1, 1), ("1.9999", 1, 2), ("2", 2, 2)]
)
def test_steps_are_counted_as_their_names_say(quotient: str, full: int, started: int) -> None:
    exact = Fraction(quotient)
    assert (steps_of("full", exact), steps_of("started", exact), steps_of("prorata", exact)) == (full, started, exact)
