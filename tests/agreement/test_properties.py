"""What holds for every agreement and every evidence."""

import copy
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.agreement.samples import AGREEMENT, EVIDENCE, varied

from clearline.agreement.evidence import load_evidence
from clearline.agreement.moments import SECOND_US, moment_text, moment_us
from clearline.agreement.promises import COUNTS
from clearline.agreement.statement import Statement, evaluate
from clearline.agreement.terms import load_agreement_document

BEGIN_S = moment_us("2026-09-25T00:00:00Z") // SECOND_US
HOURS = 42 * 24
"""From a few days before October 2026 to a few days after it."""

hours = st.integers(0, HOURS)
counts_as = st.sampled_from(["excluded", "up", "down"])


def at(hour: int) -> str:
    return moment_text((BEGIN_S + hour * 3600) * SECOND_US)


@st.composite
def spans(draw: st.DrawFn) -> tuple[int, int]:
    first, second = draw(hours), draw(hours)
    return min(first, second), max(first, second)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Evidence of an October with outages, windows, exclusions and requests anywhere around it."""

    def listing(letter: str, **more: Any) -> list[dict[str, Any]]:
        drawn = draw(st.lists(spans(), max_size=4))
        return [{"id": f"{letter}{n}", "from": at(a), "until": at(b)} | more for n, (a, b) in enumerate(drawn)]

    life_from, life_until = draw(spans())
    return varied(
        EVIDENCE,
        {
            "as_of": at(draw(hours)),
            "service.from": at(life_from),
            "service.until": draw(st.sampled_from([None, at(life_until)])),
            "service.monthly_fee": {
                "amount": str(draw(st.integers(0, 10**7))),
                "currency": draw(st.sampled_from(["USD", "JPY", "KWD"])),
            },
            "availability": {
                "observed": [[at(a), at(b)] for a, b in draw(st.lists(spans(), max_size=4))],
                "downtime": listing("O"),
                "maintenance": [
                    window | {"announced_at": at(draw(hours)) if draw(st.booleans()) else None}
                    for window in listing("M")
                ],
                "excluded": listing(
                    "X", cause=draw(st.sampled_from(["customer", "suspension"])), reason="r", approved_by="a"
                ),
            },
            "voice": {
                "calls": 1000,
                "measured": 1000,
                "mos_total": str(draw(st.integers(100_000, 500_000)) / Decimal(100)),
                "talk_seconds": "0",
                "mos_talk_total": "0",
            },
            "support": [
                {"id": f"T{n}", "received_at": at(a), "first_response_at": draw(st.sampled_from([None, at(b)]))}
                for n, (a, b) in enumerate(draw(st.lists(spans(), max_size=4)))
            ],
        },
    )


@st.composite
def agreements(draw: st.DrawFn) -> dict[str, Any]:
    """The default agreement with its choices made in any way."""
    changes: dict[str, Any] = {
        "time_zone": draw(st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Pacific/Auckland"])),
        "commitments.availability.maintenance.counts_as": draw(counts_as),
        "commitments.availability.unknown": draw(counts_as),
        "commitments.availability.exclusions": draw(st.sampled_from([[], ["customer"]])),
        "commitments.availability.minimum_outage_seconds": draw(st.sampled_from([0, 3600, 86_400])),
        "credits.pro_rata_fee": draw(st.booleans()),
        "credits.stacking": draw(st.sampled_from(["sum", "highest"])),
        "credits.cap_percent": draw(st.sampled_from([None, "0", "33.3", "100"])),
        "credits.rules.2.per": draw(st.sampled_from(["request", "worst"])),
    }
    for index in range(3):
        changes[f"credits.rules.{index}.count"] = draw(st.sampled_from(COUNTS))
    return varied(AGREEMENT, changes)


def judged(terms: dict[str, Any], document: dict[str, Any]) -> Statement:
    agreement, problems = load_agreement_document(terms, "a")
    assert agreement, problems
    evidence, problems = load_evidence(document, "e")
    assert evidence, problems
    return evaluate(agreement, evidence)


@given(agreements(), documents())
def test_the_classes_of_seconds_add_up_to_the_service_seconds_of_the_month(
    terms: dict[str, Any], document: dict[str, Any]
) -> None:
    statement = judged(terms, document)
    seconds = statement.seconds_us()
    service = seconds.pop("service")
    assert sum(seconds.values()) == service
    assert service <= statement.classes.month[1] - statement.classes.month[0]


@given(agreements(), documents(), spans())
@settings(max_examples=200)
def test_more_downtime_never_lowers_the_availability_credit(
    terms: dict[str, Any], document: dict[str, Any], more: tuple[int, int]
) -> None:
    before = judged(terms, document)
    document["availability"]["downtime"].append({"id": "more", "from": at(more[0]), "until": at(more[1])})
    after = judged(terms, document)
    measured = [statement.verdicts["availability"].status != "not_measured" for statement in (before, after)]
    if measured[0]:
        assert availability_credit(after) >= availability_credit(before)


def availability_credit(statement: Statement) -> Fraction:
    return sum((line.amount.exact for line in statement.lines if line.commitment == "availability"), Fraction(0))


@given(agreements(), documents(), st.randoms(use_true_random=False))
def test_the_order_of_evidence_never_matters(terms: dict[str, Any], document: dict[str, Any], shuffle: Any) -> None:
    shuffled = copy.deepcopy(document)
    for entries in (*shuffled["availability"].values(), shuffled["support"]):
        shuffle.shuffle(entries)
    one, other = judged(terms, document), judged(terms, shuffled)
    assert one.to_json() == other.to_json()
    assert one.text() == other.text()


@given(agreements(), documents())
def test_the_total_never_passes_the_cap(terms: dict[str, Any], document: dict[str, Any]) -> None:
    total = judged(terms, document).total
    assert total.amount.amount <= total.uncapped.amount
    if total.cap is None:
        assert not total.capped
    else:
        assert total.amount.amount <= total.cap.amount
        assert total.capped == (total.uncapped.amount > total.cap.amount)


@given(agreements(), documents(), hours)
def test_cutting_an_interval_in_two_changes_nothing(terms: dict[str, Any], document: dict[str, Any], cut: int) -> None:
    whole = judged(terms, document).to_json()
    for name in ("downtime", "excluded"):
        document["availability"][name] = [
            part for entry in document["availability"][name] for part in cut_in_two(entry, at(cut))
        ]
    document["availability"]["observed"] = [
        part
        for a, b in document["availability"]["observed"]
        for part in ([[a, at(cut)], [at(cut), b]] if a < at(cut) < b else [[a, b]])
    ]
    parts = judged(terms, document).to_json()
    for statement in (whole, parts):
        restoration = statement["commitments"]["restoration"]
        restoration["late"] = sorted({id_.removesuffix("'") for id_ in restoration["late"]})
        restoration["pending"] = sorted({id_.removesuffix("'") for id_ in restoration["pending"]})
    assert parts == whole


def cut_in_two(entry: dict[str, Any], at_: str) -> list[dict[str, Any]]:
    if not entry["from"] < at_ < entry["until"]:
        return [entry]
    return [entry | {"until": at_}, entry | {"from": at_, "id": entry["id"] + "'"}]


@given(agreements(), documents())
@settings(max_examples=200)
def test_the_alternatives_are_what_those_rules_would_give(terms: dict[str, Any], document: dict[str, Any]) -> None:
    statement = judged(terms, document).to_json()
    for count in COUNTS:
        other = varied(terms, {f"credits.rules.{index}.count": count for index in range(3)})
        credits_ = judged(other, document).to_json()["credits"]
        assert [line["alternatives"][count] for line in statement["credits"]] == [line["amount"] for line in credits_]
        assert [line["alternatives"] for line in statement["credits"]] == [line["alternatives"] for line in credits_]


@given(agreements(), documents())
def test_full_steps_give_least_and_started_steps_most(terms: dict[str, Any], document: dict[str, Any]) -> None:
    for line in judged(terms, document).lines:
        if line.case is None or line.case.before_us == 0:
            amounts = line.alternatives
            assert amounts["full"].amount <= amounts["prorata"].amount <= amounts["started"].amount


@given(agreements(), documents())
def test_no_line_is_of_a_kept_commitment_and_no_amount_is_negative(
    terms: dict[str, Any], document: dict[str, Any]
) -> None:
    statement = judged(terms, document)
    assert {line.commitment for line in statement.lines} <= set(statement.missed)
    assert all(line.amount.amount >= 0 for line in statement.lines)


@given(agreements(), documents())
def test_what_is_shown_is_never_more_than_what_is_exact(terms: dict[str, Any], document: dict[str, Any]) -> None:
    for commitment in judged(terms, document).to_json()["commitments"].values():
        if commitment.get("exact") is not None:
            shown, exact = Fraction(commitment["measured"]), Fraction(commitment["exact"])
            exact *= 100 if commitment["clause"] == "1.1" else 1
            assert shown <= exact < shown + Fraction(1, 10_000)


@given(agreements(), documents())
def test_the_letter_fits_a_terminal(terms: dict[str, Any], document: dict[str, Any]) -> None:
    assert max(len(line) for line in judged(terms, document).text().splitlines()) <= 100
