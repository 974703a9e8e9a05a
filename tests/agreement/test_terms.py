"""An agreement file is read whole or refused with the position of everything that is wrong in it."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tests.agreement.samples import AGREEMENT, DEFAULT, agreement, varied

from clearline.agreement.promises import DelayRule, LevelRule, Trigger
from clearline.agreement.terms import load_agreement, load_agreement_document


def problems_with(changes: dict[str, Any]) -> list[str]:
    loaded, problems = load_agreement_document(varied(AGREEMENT, changes), "terms.yaml")
    assert loaded is None
    return [str(problem) for problem in problems]


def test_the_default_agreement_has_the_terms_of_the_contract() -> None:
    loaded, problems = load_agreement(DEFAULT.read_bytes(), "terms.yaml")
    assert problems == []
    assert loaded
    made = loaded.commitments
    assert made.availability
    assert (made.availability.target, made.availability.maintenance.notice_us) == (Decimal("99.9"), 172_800_000_000)
    assert made.restoration
    assert made.restoration.within_us == 3_600_000_000
    assert loaded.credits.rules == (
        LevelRule("availability", Decimal(1), Decimal(10), "started"),
        LevelRule("voice_mos", Decimal("0.1"), Decimal(10), "started"),
        DelayRule("first_response", 3_600_000_000, Decimal(5), "started", "request"),
    )
    assert loaded.termination.triggers == (Trigger(3, None), Trigger(4, 12))
    assert (loaded.effective, loaded.zone.key, loaded.notice_days) == (date(2022, 5, 5), "UTC", 30)


def test_what_a_file_leaves_out_has_the_documented_default() -> None:
    short, problems = load_agreement_document(
        {
            "schema": "clearline/agreement/1",
            "id": "a",
            "version": "1",
            "title": "A",
            "effective": "2026-01-01",
            "time_zone": "Europe/Berlin",
            "commitments": {"availability": {"clause": "1", "target": "99"}},
            "credits": {"rules": []},
            "termination": {"any_of": []},
        },
        "short.yaml",
    )
    assert problems == []
    assert short
    document = short.document
    assert document["commitments"]["availability"]["maintenance"] == {"notice_hours": 48, "counts_as": "excluded"}
    assert (document["credits"]["stacking"], document["credits"]["cap_percent"]) == ("sum", "100")
    assert short.origin_of("credits.cap_percent") == "default"
    assert short.origin_of("commitments.availability.maintenance.notice_hours") == "default"
    assert short.origin_of("commitments.availability.target") == "text"
    assert "origins" not in short.origins
    again, _ = load_agreement_document(document, "again.yaml")
    assert again
    assert again.sha256 != ""
    assert again.document == document


def test_the_digest_is_of_the_terms_and_not_of_the_file() -> None:
    text = DEFAULT.read_text()
    loaded, _ = load_agreement(text, "a")
    commented, _ = load_agreement("# another comment\n" + text.replace('"99.9"', "'99.9'"), "b")
    other, _ = load_agreement(text.replace('"99.9"', '"99.8"'), "c")
    assert loaded
    assert commented
    assert other
    assert loaded.sha256 == commented.sha256 != other.sha256


def test_an_origin_of_a_part_holds_for_what_is_in_it() -> None:
    loaded = agreement(origins={"credits": "negotiated", "credits.rules[1]": "default", "coverage": "text"})
    assert loaded.origin_of("credits.cap_percent") == "negotiated"
    assert loaded.origin_of("credits.rules[0].count") == "negotiated"
    assert loaded.origin_of("credits.rules[1].count") == "default"
    assert loaded.origin_of("coverage.minimum_percent") == "text"
    assert loaded.origin_of("title") == "text"


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("schema", "clearline/agreement/2", "schema: must be clearline/agreement/1, found 'clearline/agreement/2'"),
        ("id", "", "id: must be text of one line, not empty, without control characters, found ''"),
        (
            "title",
            "a\x1b[2J",
            "title: must be text of one line, not empty, without control characters, found 'a\\x1b[2J'",
        ),
        ("title", "x" * 201, "title: must be text of at most 200 characters, found 201"),
        ("version", 1.0, "version: must be text in quotes, found 1.0"),
        ("version", True, "version: must be text, found true"),
        ("effective", "5 May 2022", "effective: must be a day such as 2022-05-05, found '5 May 2022'"),
        ("effective", "2022-02-30", "effective: is not a day of the calendar"),
        ("effective", 2022, "effective: must be text in quotes, found 2022"),
        ("notice_days", -1, "notice_days: must not be negative, found -1"),
        ("notice_days", 3661, "notice_days: must be from 0 to 3660, found 3661"),
        ("notice_days", "30", "notice_days: must be a whole number, found '30'"),
        ("notice_days", 30.0, "notice_days: must be a whole number, found 30.0"),
        ("notice_days", True, "notice_days: must be a whole number, found true"),
        ("time_zone", "Mars/Olympus", "time_zone: is not an IANA time zone name such as Europe/Berlin"),
        ("commitments", [], "commitments: must be a mapping, found a list"),
        (
            "commitments.availability.target",
            99.9,
            "commitments.availability.target: must be text in quotes, found 99.9",
        ),
        ("commitments.availability.target", "1e999999", "commitments.availability.target: must be a decimal"),
        ("commitments.availability.target", "NaN", "commitments.availability.target: must be a decimal"),
        ("commitments.availability.target", "9" * 16, "commitments.availability.target: must be a decimal"),
        ("commitments.availability.target", "-1", "commitments.availability.target: must not be negative, found '-1'"),
        ("commitments.availability.target", "100.1", 'commitments.availability.target: must be from "0" to "100"'),
        (
            "commitments.availability.unknown",
            "maybe",
            "commitments.availability.unknown: must be excluded or up or down",
        ),
        (
            "commitments.availability.unknown",
            ["up"],
            "commitments.availability.unknown: must be excluded or up or down",
        ),
        (
            "commitments.availability.exclusions",
            ["weather"],
            "commitments.availability.exclusions[0]: must be customer",
        ),
        (
            "commitments.availability.maintenance.notice_hours",
            "48",
            "commitments.availability.maintenance.notice_hours",
        ),
        ("commitments.voice_mos.target", "5.1", 'commitments.voice_mos.target: must be from "1" to "5", found "5.1"'),
        ("commitments.voice_mos.minimum_calls", 0, "commitments.voice_mos.minimum_calls: must be from 1 to"),
        ("commitments.experience.share_percent", "101", 'commitments.experience.share_percent: must be from "0"'),
        ("commitments.experience.loss_percent", "101", 'commitments.experience.loss_percent: must be from "0"'),
        ("commitments.experience.video_mos", "0.5", 'commitments.experience.video_mos: must be from "1"'),
        ("commitments.restoration.within_seconds", -1, "commitments.restoration.within_seconds: must not be negative"),
        ("commitments.latency", {}, "commitments.latency: is not a known key (known: availability, restoration,"),
        ("coverage.minimum_percent", "100.5", 'coverage.minimum_percent: must be from "0" to "100"'),
        ("credits.rules", {}, "credits.rules: must be a list, found a mapping"),
        ("credits.rules", [{}], "credits.rules[0]: must have the key step or step_seconds"),
        ("credits.rules", ["x"], "credits.rules[0]: must be a mapping, found 'x'"),
        ("credits.rules", [{}] * 7, "credits.rules: must have from 0 to 6 items, found 7"),
        ("credits.rules.0.step", "0", "credits.rules[0].step: must be more than 0"),
        ("credits.rules.0.per", "request", "credits.rules[0].per: is not a known key"),
        ("credits.rules.2.step_seconds", 0, "credits.rules[2].step_seconds: must be from 1 to"),
        (
            "credits.rules.2.per",
            "outage",
            "credits.rules[2].per: must be request or worst for first_response, found outage",
        ),
        (
            "credits.rules.1.commitment",
            "availability",
            "credits.rules[1].commitment: has a rule already, found availability",
        ),
        ("credits.stacking", None, "credits.stacking: must be sum or highest, found null"),
        ("credits.pro_rata_fee", "yes", "credits.pro_rata_fee: must be true or false, found 'yes'"),
        ("credits.cap_percent", 100, "credits.cap_percent: must be text in quotes, found 100"),
        ("termination.any_of.1.of_last", 3, "termination.any_of[1].of_last: must be at least missed_months, found 3"),
        ("termination.any_of.0", {"missed": 3}, "termination.any_of[0]: must have the key missed_months_in_a_row or"),
        ("termination.open_days", 0, "termination.open_days: must be from 1 to 3660, found 0"),
        ("reviews", "weekly", "reviews: must be monthly or quarterly or yearly, found 'weekly'"),
        ("origins", [], "origins: must be a mapping, found a list"),
        ("origins", {"credits.cap": "default"}, "origins.credits.cap: is the path of no key of this agreement"),
        ("origins", {"credits": "guess"}, "origins.credits: must be text or default or negotiated, found 'guess'"),
        ("origins", {"a\nb": "text"}, "origins: must have keys of one line, found 'a\\nb'"),
        ("origins", {f"k{n}": "text" for n in range(1001)}, "origins: must have at most 1000 keys, found 1001"),
    ],
)
def test_a_term_that_cannot_be_is_refused_at_its_position(path: str, value: Any, problem: str) -> None:
    problems = problems_with({path: value})
    assert [each for each in problems if each.startswith(f"terms.yaml: {problem}")], problems


def test_every_problem_is_listed_at_once() -> None:
    problems = problems_with({"reviews": "weekly", "notice_days": -3, "colour": "red", "credits.rules.0.step": 1})
    assert problems == [
        "terms.yaml: notice_days: must not be negative, found -3",
        "terms.yaml: credits.rules[0].step: must be text in quotes, found 1",
        "terms.yaml: reviews: must be monthly or quarterly or yearly, found 'weekly'",
        f"terms.yaml: colour: is not a known key (known: {', '.join([*AGREEMENT])})",
    ]


def test_a_missing_key_is_named() -> None:
    document = {key: value for key, value in AGREEMENT.items() if key != "time_zone"}
    assert [str(p) for p in load_agreement_document(document, "t")[1]] == ["t: time_zone: is missing"]


def test_a_rule_for_a_commitment_that_is_not_made_is_refused() -> None:
    problems = problems_with({"commitments.voice_mos": None, "origins": {}})
    assert problems == [
        "terms.yaml: credits.rules[1].commitment: names a commitment that this agreement does not make, found voice_mos"
    ]


def test_restoration_and_notice_need_the_commitment_that_defines_them() -> None:
    problems = problems_with({"commitments.availability": None})
    assert problems == [
        f"terms.yaml: commitments.{key}: needs the commitment availability, which says what "
        "maintenance and an outage are"
        for key in ("restoration", "maintenance_notice")
    ]


def test_an_agreement_without_commitments_is_refused() -> None:
    assert problems_with({"commitments": {}, "credits.rules": [], "origins": {}}) == [
        "terms.yaml: commitments.availability: is missing, and so is every other commitment: there is nothing to judge"
    ]


def test_a_key_given_twice_is_refused_at_its_position() -> None:
    text = DEFAULT.read_text().replace("notice_days: 30", "notice_days: 30\nnotice_days: 31")
    loaded, problems = load_agreement(text, "terms.yaml")
    assert loaded is None
    assert [str(p) for p in problems] == ["terms.yaml: notice_days: must be a whole number, found the key twice"]


def test_a_hostile_key_or_value_is_shown_harmless_and_short() -> None:
    problems = problems_with({"a\x1b]0;x": 1, "reviews": "x" * 100})
    assert problems == [
        f"terms.yaml: reviews: must be monthly or quarterly or yearly, found '{'x' * 35} …",
        f"terms.yaml: 'a\\x1b]0;x': is not a known key (known: {', '.join([*AGREEMENT])})",
    ]


@pytest.mark.parametrize("document", [None, [], "text", 3])
def test_a_document_that_is_no_mapping_is_refused(document: object) -> None:
    loaded, problems = load_agreement_document(document, "t")
    assert loaded is None
    assert str(problems[0]).startswith("t: must be a mapping, found ")


def test_bad_yaml_is_refused_before_its_terms_are_looked_at() -> None:
    loaded, problems = load_agreement("a: *b", "t")
    assert loaded is None
    assert len(problems) == 1
