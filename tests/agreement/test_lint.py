"""Lint says the consequences in numbers that can be checked by hand, and warns of terms that contradict each other."""

from typing import Any

import pytest
from tests.agreement.samples import AGREEMENT, agreement

from clearline.agreement.lint import lint

RULES = AGREEMENT["credits"]["rules"]


def consequences(**terms: Any) -> tuple[str, ...]:
    return lint(agreement(**terms)).consequences


def warnings(**terms: Any) -> list[str]:
    return list(lint(agreement(**terms)).warnings)


def test_the_default_agreement_has_its_consequences_and_no_warnings() -> None:
    found = lint(agreement())
    assert found.warnings == ()
    for sentence in (
        "There is no availability credit before 43 min 12 s of downtime in a 30-day month.",
        "It credits 10 % of the fee at once, and as much again with every 7 h 12 min beyond.",
        "By availability, the whole fee is credited from 2 d 17 h 31 min 12 s of downtime in a 30-day month.",
        "Voice quality: the whole fee is credited below a mean opinion score of 3.1.",
        "First response to requests: the whole fee is credited for one request from 23 h.",
        "Restoration of service: no credit; a miss is reported and counts towards termination.",
        "Of 1,000 calls 50 may be worse than 150 ms of delay, 30 ms of jitter or 1 % of loss.",
        "A person must decide when more than 7 h 12 min of a 30-day month were not observed.",
        "The first month that is whole under these terms is June 2022.",
    ):
        assert sentence in found.consequences
    assert found.to_json() == {"consequences": list(found.consequences), "warnings": []}


@pytest.mark.parametrize(
    ("count", "begins", "whole"),
    [
        ("started", "43 min 12 s", "2 d 17 h 31 min 12 s"),
        ("full", "7 h 55 min 12 s", "3 d 43 min 12 s"),
        ("prorata", "43 min 12 s", "3 d 43 min 12 s"),
    ],
)
def test_availability_credits_begin_and_end_where_the_count_says(count: str, begins: str, whole: str) -> None:
    found = consequences(credits__rules__0__count=count)
    assert f"There is no availability credit before {begins} of downtime in a 30-day month." in found
    assert f"By availability, the whole fee is credited from {whole} of downtime in a 30-day month." in found


@pytest.mark.parametrize(
    ("count", "begins", "whole"),
    [
        ("started", "below {} 4", "below {} 3.1"),
        ("full", "at or below {} 3.9", "at or below {} 3"),
        ("prorata", "below {} 4", "at or below {} 3"),
    ],
)
def test_voice_credits_begin_and_end_where_the_count_says(count: str, begins: str, whole: str) -> None:
    found, score = consequences(credits__rules__1__count=count), "a mean opinion score of"
    assert f"Voice quality: credits begin {begins.format(score)}: 10 % of the fee for every 0.1." in found
    assert f"Voice quality: the whole fee is credited {whole.format(score)}." in found


@pytest.mark.parametrize(
    ("count", "begins", "whole"), [("started", "4 h", "23 h"), ("full", "5 h", "1 d"), ("prorata", "4 h", "1 d")]
)
def test_response_credits_begin_and_end_where_the_count_says(count: str, begins: str, whole: str) -> None:
    found = consequences(credits__rules__2__count=count, credits__rules__2__per="worst")
    name = "First response to requests"
    assert f"{name}: the worst request of a month credits 5 % of the fee for every 1 h beyond 4 h." in found
    assert f"{name}: there is no credit before {begins}." in found
    assert f"{name}: the whole fee is credited for one request from {whole}." in found


def test_a_cap_is_reached_earlier_than_the_fee() -> None:
    found = consequences(credits__cap_percent="25")
    most = "the most there can be, 25 % of the fee,"
    assert f"By availability, {most} is credited from 15 h 7 min 12 s of downtime in a 30-day month." in found
    assert "By availability, the whole fee is credited from" in " ".join(consequences(credits__cap_percent=None))


def test_what_can_never_be_credited_is_said() -> None:
    small = [{"commitment": "availability", "step": "1", "percent": "0.5", "count": "started"}]
    assert "By availability, the whole fee is never credited, not even for a month of downtime." in consequences(
        credits__rules=small, origins={}
    )
    nothing = [rule | {"percent": "0"} for rule in RULES]
    found = consequences(credits__rules=nothing)
    assert "Voice quality: the whole fee is never credited." in found
    assert "First response to requests: the whole fee is never credited." in found
    assert [each for each in warnings(credits__rules=nothing) if "is 0, so a miss of" in each]


def test_rules_for_the_other_commitments_are_said_too() -> None:
    rules = [
        {"commitment": "experience", "step": "1", "percent": "5", "count": "started"},
        {"commitment": "restoration", "step_seconds": 3600, "percent": "5", "count": "started", "per": "outage"},
        {"commitment": "maintenance_notice", "step_seconds": 3600, "percent": "5", "count": "full", "per": "window"},
    ]
    found = consequences(credits__rules=rules, origins={})
    assert "Call experience: credits begin below 95 % of good calls: 5 % of the fee for every 1." in found
    assert "Restoration of service: each late outage credits 5 % of the fee for every 1 h beyond 1 h." in found
    assert "Notice of maintenance: each late window credits 5 % of the fee for every 1 h of delay." in found
    assert "Notice of maintenance: there is no credit before 1 h." in found


def test_an_agreement_of_one_commitment_says_only_what_it_has() -> None:
    only = {"voice_mos": AGREEMENT["commitments"]["voice_mos"]}
    found = consequences(
        commitments=only, credits__rules=[RULES[1]], origins={}, termination__any_of=[], effective="2026-06-01"
    )
    assert not [
        sentence for sentence in found if "downtime" in sentence or "announced" in sentence or "1,000" in sentence
    ]
    assert not [sentence for sentence in found if "may terminate" in sentence]
    assert "The first month that is whole under these terms is June 2026." in found


@pytest.mark.parametrize(
    ("terms", "warning"),
    [
        ({"termination__any_of": []}, "termination.any_of: is empty, so the right to terminate never opens"),
        (
            {"termination__any_of": [{"missed_months_in_a_row": 3}, {"missed_months": 2, "of_last": 3}]},
            "termination.any_of[0]: never decides: what is missed in 3 months in a row is missed in 2 of the",
        ),
        (
            {"termination__any_of": [{"missed_months_in_a_row": 3}, {"missed_months_in_a_row": 2}]},
            "termination.any_of[0]: never decides: what is missed in 3 months in a row is missed in 2 months in a row",
        ),
        (
            {"termination__any_of": [{"missed_months": 4, "of_last": 6}, {"missed_months": 4, "of_last": 12}]},
            "termination.any_of[0]: never decides: what is missed in 4 of the last 6 months is missed in 4 of",
        ),
        ({"commitments__availability__unknown": "up"}, "commitments.availability.unknown: time that nobody observed"),
        (
            {"commitments__availability__minimum_outage_seconds": 3601},
            "commitments.restoration: an outage shorter than 1 h 1 s does not count, so the limit of 1 h is never",
        ),
        ({"commitments__voice_mos__target": "4.51"}, "commitments.voice_mos.target: 4.51 cannot be reached"),
        (
            {"credits__rules__0__count": "full"},
            "credits.rules[0].count: with full steps a miss of availability smaller",
        ),
        (
            {"credits__cap_percent": "9"},
            "credits.rules[0].percent: one step credits 10 %, but credits.cap_percent allows 9",
        ),
        ({"credits__rules": RULES[1:]}, "credits.rules: a miss of availability credits nothing"),
    ],
)
def test_terms_that_work_against_each_other_are_warned_of(terms: dict[str, Any], warning: str) -> None:
    assert [each for each in warnings(**terms, origins={}) if each.startswith(warning)]


@pytest.mark.parametrize(
    "triggers",
    [
        [{"missed_months": 4, "of_last": 12}, {"missed_months_in_a_row": 3}],
        [{"missed_months": 2, "of_last": 6}, {"missed_months": 3, "of_last": 12}],
    ],
)
def test_triggers_that_can_each_decide_are_not_warned_of(triggers: list[Any]) -> None:
    assert warnings(termination__any_of=triggers, origins={}) == []
