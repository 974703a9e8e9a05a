"""Missed months open the right to leave, as the triggers say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agreement.samples import agreement, evidence, judged
from tests.agreement.test_classes import span

from clearline.agreement.judge import Status
from clearline.agreement.months import Month
from clearline.agreement.promises import Termination, Trigger
from clearline.agreement.statement import evaluate_months
from clearline.agreement.termination import Right, rights_of

STATUS: dict[str, Status] = {"m": "missed", "k": "kept", "-": "not_measured"}
THREE_IN_A_ROW = Termination((Trigger(3, None),), 30, None)
FOUR_OF_TWELVE = Termination((Trigger(4, 12),), 30, None)


def months(history: str, first: str = "2026-01") -> dict[Month, dict[str, Status]]:
    """A history such as `mmk-m.`: missed, kept, not measured, no evidence."""
    begin = Month.parse(first).index
    return {
        Month.of_index(begin + offset): {"availability": STATUS[letter]}
        for offset, letter in enumerate(history)
        if letter != "."
    }


def opened(terms: Termination, history: str) -> list[tuple[str, str, str]]:
    """Opening day, missed months and gaps of each right."""
    return [
        (right.opens.isoformat(), _numbers(right.months), _numbers(right.gaps))
        for right in rights_of(terms, months(history))
    ]


def _numbers(named: tuple[Month, ...]) -> str:
    return " ".join(str(month.month) for month in named)


@pytest.mark.parametrize(
    ("history", "rights"),
    [
        ("mm", []),
        ("mmk", []),
        ("mmkm", []),
        ("mmm", [("2026-04-01", "1 2 3", "")]),
        ("kmmm", [("2026-05-01", "2 3 4", "")]),
        ("mmmm", [("2026-04-01", "1 2 3", ""), ("2026-05-01", "2 3 4", "")]),
        ("mmmk", [("2026-04-01", "1 2 3", "")]),
        ("mm-m", [("2026-05-01", "1 2 4", "3")]),
        ("mm.m", [("2026-05-01", "1 2 4", "3")]),
        ("m-m.m", [("2026-06-01", "1 3 5", "2 4")]),
        ("mm--", []),
        ("mm-k", []),
    ],
)
def test_a_row_is_of_missed_months_with_gaps_passed_over(history: str, rights: list[Any]) -> None:
    assert opened(THREE_IN_A_ROW, history) == rights


@pytest.mark.parametrize(
    ("history", "rights"),
    [
        ("mkmkm", []),
        ("mkmkmkm", [("2026-08-01", "1 3 5 7", "")]),
        ("m.mk-km", []),
        ("m.m-m.m", [("2026-08-01", "1 3 5 7", "2 4 6")]),
        ("mmmkkkkkkkkm", [("2027-01-01", "1 2 3 12", "")]),
        ("mmmkkkkkkkkkm", []),
        ("mmmk.......m", [("2027-01-01", "1 2 3 12", "5 6 7 8 9 10 11")]),
        ("mmmmk", [("2026-05-01", "1 2 3 4", "")]),
    ],
)
def test_so_many_of_the_last_months_are_calendar_months(history: str, rights: list[Any]) -> None:
    assert opened(FOUR_OF_TWELVE, history) == rights


def test_each_commitment_is_counted_by_itself() -> None:
    history = {
        Month(2026, month): {"availability": "missed" if month < 3 else "kept", "voice_mos": "missed"}
        for month in (1, 2, 3)
    }
    (right,) = rights_of(THREE_IN_A_ROW, history)  # type: ignore[arg-type]
    assert right.commitment == "voice_mos"


def test_every_trigger_can_open_the_right() -> None:
    both = Termination((Trigger(3, None), Trigger(2, 6)), 30, None)
    triggers = [right.trigger for right in rights_of(both, months("mmm"))]
    assert triggers == [Trigger(2, 6), Trigger(3, None), Trigger(2, 6)]


def test_without_triggers_no_right_opens() -> None:
    assert rights_of(Termination((), 30, None), months("mmmmmm")) == []


@given(st.text("mk-.", max_size=20), st.randoms(use_true_random=False))
def test_the_order_of_the_months_does_not_matter(history: str, shuffle: Any) -> None:
    known = list(months(history).items())
    shuffle.shuffle(known)
    for terms in (THREE_IN_A_ROW, FOUR_OF_TWELVE):
        assert rights_of(terms, dict(known)) == rights_of(terms, months(history))


@given(st.text("mk", max_size=20), st.integers(1, 6))
def test_a_row_opens_a_right_exactly_where_that_many_misses_end(history: str, length: int) -> None:
    terms = Termination((Trigger(length, None),), 30, None)
    ends = [right.months[-1].index - Month(2026, 1).index for right in rights_of(terms, months(history))]
    assert ends == [at for at in range(len(history)) if history[: at + 1].endswith("m" * length)]


@given(st.text("mk-.", max_size=20))
def test_a_gap_at_either_end_changes_no_right(history: str) -> None:
    assert opened(THREE_IN_A_ROW, history + "-.") == opened(THREE_IN_A_ROW, history)


# Through the one door


def month_of(number: int, as_of: str | None = None, **changes: Any) -> Any:
    """A month of 2026 with an outage that misses availability and restoration, known at its end."""
    month, following = Month(2026, number), Month(2026, number).next
    return evidence(
        month=str(month),
        as_of=as_of or f"{following}-01T00:00:00Z",
        availability={
            "observed": [[f"{month}-01T00:00:00Z", f"{following}-01T00:00:00Z"]],
            "downtime": [span(f"O-{number}", f"{month}-03T10:00:00Z", f"{month}-03T14:00:00Z")],
        },
        support=None,
        **changes,
    )


def termination(*known: Any, terms: dict[str, Any] | None = None) -> list[tuple[bool, int]]:
    made = [statement.to_json()["termination"] for statement in evaluate_months(agreement(**terms or {}), known)]
    return [(each["open"], len(each["because"])) for each in made]


def test_several_months_yield_the_right_in_the_statement_of_the_last() -> None:
    known = [month_of(10), month_of(8), month_of(9)]
    assert termination(*known) == [(True, 2), (False, 0), (False, 0)]
    (because, _) = evaluate_months(agreement(), known)[0].to_json()["termination"]["because"]
    assert because == {
        "commitment": "availability",
        "trigger": {"missed_months_in_a_row": 3},
        "months": ["2026-08", "2026-09", "2026-10"],
        "gaps": [],
        "opens": "2026-11-01",
        "closes": "2026-12-01",
    }


def test_one_month_alone_opens_nothing() -> None:
    assert termination(month_of(10)) == [(False, 0)]


def test_months_of_different_services_are_not_counted_together() -> None:
    assert termination(month_of(8), month_of(9), month_of(10, service__id="S-2")) == [(False, 0)] * 3
    assert termination(month_of(8), month_of(9), month_of(10, customer__id="C-2")) == [(False, 0)] * 3


@pytest.mark.parametrize(
    ("as_of", "is_open"),
    [
        ("2026-11-01T00:00:00Z", True),
        ("2026-11-30T23:59:59.999999Z", True),
        ("2026-12-01T00:00:00Z", False),
    ],
)
def test_the_right_is_open_for_its_days(as_of: str, *, is_open: bool) -> None:
    made = termination(month_of(8), month_of(9), month_of(10, as_of))
    assert made[-1] == (is_open, 2 if is_open else 0)


def test_the_days_are_those_of_the_agreements_time_zone() -> None:
    # In New York November 2026 begins at 04:00 UTC and ends, after the change of the clocks, at 05:00 UTC.
    terms = {"time_zone": "America/New_York"}
    for as_of, is_open in (("2026-12-01T04:59:59Z", True), ("2026-12-01T05:00:00Z", False)):
        made = termination(month_of(8, as_of), month_of(9, as_of), month_of(10, as_of), terms=terms)
        assert made[-1][0] is is_open


def test_a_running_month_opens_nothing_but_shows_a_right_opened_before() -> None:
    running = month_of(10, "2026-10-20T00:00:00Z")
    assert termination(month_of(8), month_of(9), running) == [(False, 0)] * 3
    assert termination(month_of(7), month_of(8), month_of(9), running)[-1] == (True, 2)


def test_a_right_says_when_it_opens_and_closes() -> None:
    (right,) = rights_of(Termination((Trigger(1, None),), 10, None), months("m", "2026-12"))
    assert isinstance(right, Right)
    assert (right.opens.isoformat(), right.closes.isoformat()) == ("2027-01-01", "2027-01-11")


def test_a_single_statement_may_open_the_right_where_one_miss_is_enough() -> None:
    made = judged({"termination__any_of": [{"missed_months": 1, "of_last": 1}], "origins": {}})["termination"]
    assert made["open"] is True
    assert {each["commitment"] for each in made["because"]} == {"availability", "restoration", "first_response"}
    assert made["because"][0]["trigger"] == {"missed_months": 1, "of_last": 1}
