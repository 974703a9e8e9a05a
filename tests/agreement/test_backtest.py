"""A backtest adds up what terms would have cost."""

from typing import Any

from tests.agreement.samples import agreement
from tests.agreement.test_termination import month_of

from clearline.agreement.backtest import backtest


def year(**changes: Any) -> list[Any]:
    return [month_of(number, **changes) for number in (10, 2, 9, 8)]


def test_months_are_judged_in_order_and_added_up() -> None:
    made = backtest(agreement(), year()).to_json()
    assert [month["month"] for month in made["months"]] == ["2026-02", "2026-08", "2026-09", "2026-10"]
    assert made["months"][0]["credits"] == {"availability": "100.00", "voice_mos": "0.00", "first_response": "0.00"}
    assert made["months"][0]["missed"] == ["availability", "restoration"]
    assert made["totals"] == [
        {
            "currency": "USD",
            "fees": "4000.00",
            "credits": "400.00",
            "percent": "10",
            "by_commitment": {"availability": "400.00", "voice_mos": "0.00", "first_response": "0.00"},
            "worst": {"customer": "C-1001", "service": "S-1", "month": "2026-02", "amount": "100.00"},
        }
    ]


def test_the_worst_month_is_the_one_that_credits_most() -> None:
    months = [
        *year(),
        month_of(7, voice={"calls": 1, "measured": 1, "mos_total": "3", "talk_seconds": "0", "mos_talk_total": "0"}),
    ]
    (total,) = backtest(agreement(), months).to_json()["totals"]
    assert total["worst"] == {"customer": "C-1001", "service": "S-1", "month": "2026-07", "amount": "1000.00"}


def test_the_months_with_an_open_right_are_named() -> None:
    assert backtest(agreement(), year()).to_json()["termination"] == [
        {"customer": "C-1001", "service": "S-1", "months": ["2026-10", "2026-11"]}
    ]
    longer = agreement(termination__open_days=32)
    assert backtest(longer, year()[:1] + year()[2:]).to_json()["termination"][0]["months"] == ["2026-11", "2026-12"]


def test_services_and_currencies_are_kept_apart() -> None:
    other = year(service__id="S-2", service__monthly_fee={"amount": "500", "currency": "JPY"}, customer__id="C-2")[:1]
    made = backtest(agreement(), [*other, *year()]).to_json()
    assert [(total["currency"], total["fees"], total["credits"]) for total in made["totals"]] == [
        ("JPY", "500", "50"),
        ("USD", "4000.00", "400.00"),
    ]
    assert made["termination"][1] == {"customer": "C-2", "service": "S-2", "months": []}


def test_what_costs_nothing_has_no_worst_month_and_no_share() -> None:
    free = [month_of(9, service__monthly_fee={"amount": "0", "currency": "USD"})]
    (total,) = backtest(agreement(), free).to_json()["totals"]
    assert (total["worst"], total["percent"], total["credits"]) == (None, "0", "0.00")
