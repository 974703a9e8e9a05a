"""Diff says what changes for the customer, and whether the change follows the rules for changes."""

from datetime import date
from typing import Any

import pytest
from tests.agreement.samples import AGREEMENT, agreement

from clearline.agreement.diff import diff

NEXT = {"version": "2", "effective": "2027-01-01"}
RULES = AGREEMENT["credits"]["rules"]


def changes(old: dict[str, Any] | None = None, **new: Any) -> list[tuple[str, Any, Any, str]]:
    made = diff(agreement(**old or {}, origins={}), agreement(**NEXT, **new, origins={}))
    assert made.problems == ()
    return [(each.key, each.old, each.new, each.for_customer) for each in made.changes]


AVAILABILITY = "commitments.availability"
BETTER: list[tuple[str, Any, Any]] = [
    ("notice_days", 30, 60),
    (f"{AVAILABILITY}.target", "99.9", "99.95"),
    (f"{AVAILABILITY}.maintenance.notice_hours", 48, 72),
    (f"{AVAILABILITY}.maintenance.counts_as", "excluded", "down"),
    (f"{AVAILABILITY}.maintenance.counts_as", "up", "excluded"),
    (f"{AVAILABILITY}.unknown", "up", "down"),
    (f"{AVAILABILITY}.minimum_outage_seconds", 60, 0),
    (f"{AVAILABILITY}.exclusions", ["customer", "suspension"], ["customer"]),
    ("commitments.restoration.within_seconds", 3600, 1800),
    ("commitments.experience.one_way_delay_ms", "150", "100"),
    ("commitments.experience.jitter_ms", "30", "20"),
    ("commitments.experience.loss_percent", "1", "0.5"),
    ("commitments.experience.video_mos", "3.5", "4"),
    ("commitments.experience.share_percent", "95", "99"),
    ("commitments.voice_mos.target", "4.0", "4.1"),
    ("commitments.voice_mos.minimum_calls", 10, 1),
    ("coverage.minimum_percent", "99", "99.5"),
    ("credits.pro_rata_fee", True, False),
    ("credits.stacking", "highest", "sum"),
    ("credits.cap_percent", "100", "150"),
    ("credits.cap_percent", "100", None),
    ("termination.open_days", 30, 31),
    ("reviews", "yearly", "monthly"),
]
RULE_BETTER = [
    (0, "step", "1", "0.5"),
    (0, "percent", "10", "20"),
    (0, "count", "full", "prorata"),
    (0, "count", "prorata", "started"),
    (2, "step_seconds", 3600, 1800),
    (2, "per", "worst", "request"),
]


@pytest.mark.parametrize(("key", "worse", "better"), BETTER)
def test_a_change_is_better_one_way_and_worse_the_other(key: str, worse: Any, better: Any) -> None:
    argument = key.replace(".", "__")
    assert changes({argument: worse}, **{argument: better}) == [(key, worse, better, "better")]
    assert changes({argument: better}, **{argument: worse}) == [(key, better, worse, "worse")]


@pytest.mark.parametrize(("index", "name", "worse", "better"), RULE_BETTER)
def test_a_change_of_a_rule_is_named_by_its_commitment(index: int, name: str, worse: Any, better: Any) -> None:
    argument, key = f"credits__rules__{index}__{name}", f"credits.rules.{RULES[index]['commitment']}.{name}"
    assert changes({argument: worse}, **{argument: better}) == [(key, worse, better, "better")]
    assert changes({argument: better}, **{argument: worse}) == [(key, better, worse, "worse")]


def test_other_changes_are_neither_better_nor_worse() -> None:
    assert changes(time_zone="Europe/Berlin") == [("time_zone", "UTC", "Europe/Berlin", "changed")]
    assert changes(commitments__voice_mos__weight="talk_time") == [
        ("commitments.voice_mos.weight", "call", "talk_time", "changed")
    ]
    assert changes({f"{AVAILABILITY}.target".replace(".", "__"): "99.90"}) == [
        (f"{AVAILABILITY}.target", "99.90", "99.9", "changed")
    ]
    key = f"{AVAILABILITY}.exclusions"
    assert changes({key.replace(".", "__"): ["customer"]}, **{key.replace(".", "__"): ["suspension"]}) == [
        (key, ["customer"], ["suspension"], "changed")
    ]


def test_a_commitment_a_rule_or_a_trigger_may_come_and_go() -> None:
    assert changes(credits__rules=RULES[:2])[0] == ("credits.rules.first_response", True, None, "worse")
    assert changes({"credits__rules": RULES[:2]})[0] == ("credits.rules.first_response", None, True, "better")
    gone = changes(commitments__maintenance_notice=None)
    assert gone[0] == ("commitments.maintenance_notice", True, None, "worse")
    assert {each[3] for each in gone[1:]} == {"changed"}
    assert changes(termination__any_of=[{"missed_months": 4, "of_last": 12}, {"missed_months_in_a_row": 2}]) == [
        ("termination.any_of missed_months_in_a_row 3", True, None, "worse"),
        ("termination.any_of missed_months_in_a_row 2", None, True, "better"),
    ]


def test_the_order_of_rules_and_triggers_is_no_change() -> None:
    assert changes(credits__rules=RULES[::-1], termination__any_of=AGREEMENT["termination"]["any_of"][::-1]) == []


def problems(notified: date | None = None, **new: Any) -> list[str]:
    return list(diff(agreement(), agreement(**{**NEXT, **new}), notified).problems)


def test_a_change_must_be_notified_thirty_days_ahead() -> None:
    made = diff(agreement(), agreement(**NEXT, reviews="yearly"))
    assert made.notify_by == date(2026, 12, 2)
    assert problems(date(2026, 12, 2)) == []
    assert problems(date(2026, 12, 3)) == [
        "effective: customers were notified on 3 December 2026, later than 30 days before 1 January 2027"
    ]


def test_a_change_takes_effect_on_the_first_day_of_a_later_month_as_a_new_version() -> None:
    assert problems(effective="2027-01-02") == ["effective: 2 January 2027 is not the first day of a month"]
    assert problems(effective="2022-05-01") == ["effective: 1 May 2022 is not after the old version's 5 May 2022"]
    assert problems(version="2022-05-05", reviews="yearly") == [
        "version: the terms changed, but the version is still 2022-05-05"
    ]
    assert problems(version="2022-05-05") == []
    assert problems(id="other") == ["id: other is another agreement than voip-level-agreement"]


def test_a_diff_is_plain_data() -> None:
    assert diff(agreement(), agreement(**NEXT, reviews="yearly"), date(2026, 12, 3)).to_json() == {
        "changes": [{"key": "reviews", "old": "quarterly", "new": "yearly", "for_customer": "worse"}],
        "notify_by": "2026-12-02",
        "problems": ["effective: customers were notified on 3 December 2026, later than 30 days before 1 January 2027"],
    }
