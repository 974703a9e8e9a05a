"""Whose call it is follows from the rules and their dates alone, and a corrected rule says what it changed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.records.make import DAY, NOON, call

from clearline.records import ageing, check, erasure, figures
from clearline.records.attributing import changes, unattributed
from clearline.records.attribution import Rule, domain, subscriber
from clearline.records.engines.duck import subscriber_sql
from clearline.records.errors import BadRecordError
from clearline.records.schema import CallRecord, record_key
from clearline.records.store import Records
from clearline.records.upkeep import set_rules, upkeep

WHOLE: dict[str, Any] = {"tenant": "t", "since_us": NOON - DAY, "until_us": NOON + 2 * DAY}
WHO = {"who": "ann", "why": "order 17"}


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "records")


def rule(kind: Any, value: str, customer: str, **more: Any) -> Rule:
    known = {"id": f"{kind}-{value}-{customer}", "tenant": "t", "service": f"S-{customer}"}
    return Rule(**{**known, "kind": kind, "value": value, "customer": customer, **more})


def nobodys(name: object, **fields: Any) -> CallRecord:
    return call(name, **{"customer": None, "service": None, "caller": "sip:x@a", "callee": "sip:y@b", **fields})


def owners(records: Records) -> dict[str, str | None]:
    return {str(row.call_id).split("@")[0]: row.customer for row in records.calls(**WHOLE)}


CASES = [
    (rule("number", "+1 202-555-0100", "A"), {"caller": "sip:+12025550100@x;tag=1"}, True),
    (rule("number", "+12025550100", "A"), {"callee": "<tel:+1-202-555-0100>"}, True),
    (rule("number", "+1202555010", "A"), {"caller": "sip:+12025550100@x"}, False),
    (rule("number", "+12025550100", "A", side="callee"), {"caller": "sip:+12025550100@x"}, False),
    (rule("range", "+12025550000", "A", last="+12025550199"), {"caller": "+12025550199"}, True),
    (rule("range", "+12025550000", "A", last="+12025550199"), {"caller": "+12025550200"}, False),
    (rule("range", "+12025550000", "A", last="+12025550199"), {"caller": "+120255501"}, False),
    (rule("range", "+12025550000", "A", last="+12025550199"), {"caller": "+1202555010000"}, False),
    (rule("trunk", "acme", "A"), {"trunk": "acme"}, True),
    (rule("trunk", "acme", "A"), {"trunk": "acme-2"}, False),
    (rule("address", "10.1.0.0/16", "A"), {"source_address": "10.1.2.3"}, True),
    (rule("address", "10.1.0.0/16", "A"), {"source_address": "10.10.2.3"}, False),
    (rule("address", "2001:db8::/32", "A"), {"destination_address": "2001:db8::7"}, True),
    (rule("address", "10.1.0.0/16", "A"), {"source_address": "not an address"}, False),
    (rule("domain", "acme.example", "A"), {"caller": "sip:bob@ACME.example:5061"}, True),
    (rule("domain", "acme.example", "A"), {"caller": "sip:bob@sub.acme.example"}, False),
]


@pytest.mark.parametrize(("one", "fields", "hit"), CASES)
def test_a_rule_speaks_for_exactly_what_it_names(
    records: Records,
    one: Rule,
    fields: dict[str, Any],
    hit: bool,  # noqa: FBT001
) -> None:
    records.append([nobodys(1, **fields)])
    set_rules(records, "t", [one], **WHO)
    assert owners(records) == {"1": "A" if hit else None}


def test_the_more_specific_rule_wins_then_the_callers_side(records: Records) -> None:
    rules = [
        rule("domain", "a", "domain"),
        rule("trunk", "k", "trunk"),
        rule("range", "100", "wide", last="199"),
        rule("range", "150", "narrow", last="159"),
        rule("number", "155", "number"),
        rule("number", "777", "other"),
    ]
    set_rules(records, "t", rules, **WHO)
    records.append(
        [
            nobodys(1, caller="sip:z@a", trunk="k"),
            nobodys(2, caller="sip:120@a", trunk="k"),
            nobodys(3, caller="sip:151@a"),
            nobodys(4, caller="sip:155@a"),
            nobodys(5, caller="sip:155@a", callee="sip:777@a"),
            nobodys(6, caller="sip:777@a", callee="sip:155@a"),
        ]
    )
    expected = {"1": "trunk", "2": "wide", "3": "narrow", "4": "number", "5": "number", "6": "other"}
    assert owners(records) == expected
    upkeep(records)
    assert owners(records) == expected


def test_a_rule_holds_for_its_dates_only(records: Records) -> None:
    moved = [
        rule("number", "155", "old", until_us=NOON + 5),
        rule("number", "155", "new", from_us=NOON + 5),
    ]
    records.append([nobodys(n, caller="155", start_us=NOON + n) for n in (4, 5)])
    upkeep(records)
    set_rules(records, "t", moved, **WHO)
    assert owners(records) == {"4": "old", "5": "new"}


def test_what_the_source_knew_stays(records: Records) -> None:
    records.append([call(1, caller="155"), nobodys(2, caller="155")])
    set_rules(records, "t", [rule("number", "155", "A", site="north")], **WHO)
    assert owners(records) == {"1": "C-1", "2": "A"}
    assert [row.site for row in records.calls(**WHOLE, customer="A")] == ["north"]


def test_a_site_the_source_knew_stays_whatever_rules_say(records: Records) -> None:
    records.append([nobodys(1, caller="155", site="own"), nobodys(2, caller="166", site="own")])
    records.append([nobodys(3, caller="155")])
    for site in ("north", "south", None):
        set_rules(records, "t", [rule("number", "155", "A", site=site)], **WHO)
        sites = {(row.caller, row.customer): row.site for row in records.calls(**WHOLE) if row.key != record_key(3)}
        assert sites == {("155", "A"): "own", ("166", None): "own"}
        assert [row.site for row in records.calls(**WHOLE) if row.key == record_key(3)] == [site]


def test_a_corrected_call_is_still_attributed_by_rules_unless_the_correction_says_whose_it_is(records: Records) -> None:
    records.append([nobodys(n, caller="155") for n in range(3)])
    set_rules(records, "t", [rule("number", "155", "A", site="north")], **WHO)
    known = {row.key: row for row in records.calls(**WHOLE)}
    records.revise([replace(known[record_key(0)], mos_x100=300)], **WHO)
    records.revise([replace(known[record_key(1)], customer="X")], **WHO)
    records.revise([replace(known[record_key(2)], site="west")], **WHO)
    set_rules(records, "t", [rule("number", "155", "B", site="south")], **WHO)
    found = {row.key: (row.customer, row.site, row.mos_x100) for row in records.calls(**WHOLE)}
    assert found[record_key(0)] == ("B", "south", 300)
    assert found[record_key(1)] == ("X", "north", 430)
    assert found[record_key(2)] == ("B", "west", 430)


def test_a_corrected_rule_attributes_anew_and_says_what_changed(records: Records) -> None:
    records.append([nobodys(n, caller="155") for n in range(3)] + [nobodys(9, caller="166")])
    assert set_rules(records, "t", [rule("number", "155", "A")], **WHO) == {((None, None), ("A", "S-A")): 3}
    upkeep(records)
    changed = set_rules(records, "t", [rule("number", "155", "B"), rule("number", "166", "A")], **WHO)
    assert changed == {(("A", "S-A"), ("B", "S-B")): 3, ((None, None), ("A", "S-A")): 1}
    upkeep(records)
    sums = figures.totals(records, **WHOLE, by=["customer"])
    assert {row["customer"]: row["attempts"] for row in sums} == {"A": 1, "B": 3}
    assert set_rules(records, "t", [], **WHO) == {
        (("B", "S-B"), (None, None)): 3,
        (("A", "S-A"), (None, None)): 1,
    }
    assert set(owners(records).values()) == {None}
    kept = {(c["from_customer"], c["to_customer"], c["rows"]) for c in changes(records, "t")}
    assert kept == {("A", None, 1), ("A", "B", 3), ("B", None, 3), (None, "A", 1), (None, "A", 3)}
    assert changes(records, "other") == []
    assert {(c["who"], c["why"]) for c in changes(records, "t")} == {(WHO["who"], WHO["why"])}
    listed = check.state(records)
    check.rebuild(records)
    assert check.state(records) == listed


def test_a_call_whose_number_is_hidden_or_erased_stays_whose_it_was(records: Records) -> None:
    records.append([nobodys(1, caller="155"), nobodys(2, caller="155", start_us=NOON + DAY)])
    records.append([nobodys(3, caller="166", start_us=NOON + DAY)])
    set_rules(records, "t", [rule("number", "155", "A", site="north"), rule("number", "166", "B")], **WHO)
    ageing.pseudonymise(records, before_day=NOON // DAY + 1, period="2026-09")
    erasure.erase_person(records, tenant="t", number="166", **WHO)
    changed = set_rules(records, "t", [rule("number", "155", "C")], **WHO)
    assert changed == {(("A", "S-A"), ("C", "S-C")): 1}
    assert {(row.customer, row.site) for row in records.calls(**WHOLE)} == {("A", "north"), ("C", None), ("B", None)}


def test_days_a_new_rule_does_not_touch_are_not_rewritten(records: Records) -> None:
    records.append([nobodys(1, caller="155"), nobodys(2, caller="155", start_us=NOON + DAY)])
    upkeep(records)
    before = {file.day: file.path for file in records.manifest.live(["calls"]).files}
    set_rules(records, "t", [rule("number", "155", "A", from_us=NOON + DAY // 2)], **WHO)
    after = {file.day: file.path for file in records.manifest.live(["calls"]).files}
    assert {day for day in before if before[day] == after[day]} == {NOON // DAY}


def test_unattributed_calls_are_listed_by_what_a_rule_could_name(records: Records) -> None:
    records.append([nobodys(1, caller="1"), nobodys(2, caller="1"), nobodys(3, caller="2"), call(4)])
    found = unattributed(records, tenant="t", since_us=NOON - DAY, until_us=NOON + DAY).to_pylist()
    assert [(row["caller"], row["calls"]) for row in found] == [("1", 2), ("2", 1)]


@pytest.mark.parametrize(
    "bad",
    [
        rule("range", "100", "A"),
        rule("range", "100", "A", last="99"),
        rule("range", "+100", "A", last="1000"),
        rule("address", "10.0.0.1/16", "A"),
        rule("prefix", "49", "A"),
        rule("number", "1", "A", from_us=5, until_us=5),
        rule("number", "1", "A", tenant="other"),
    ],
)
def test_a_senseless_rule_is_refused_and_nothing_changes(records: Records, bad: Rule) -> None:
    records.append([nobodys(1, caller="155")])
    with pytest.raises(BadRecordError, match=r"rule "):
        set_rules(records, "t", [rule("number", "155", "A"), bad], **WHO)
    assert owners(records) == {"1": None}


TEXTS = st.text(st.sampled_from("<sip:tel+01 23-.()@;>a[]"), max_size=24)


@given(st.lists(TEXTS, min_size=1, max_size=50))
def test_the_engine_reads_a_subscriber_as_python_does(texts: list[str]) -> None:
    with duckdb.connect() as base:
        sql = f"SELECT {subscriber_sql('x')} FROM (SELECT unnest(?) AS x)"  # noqa: S608  # our own words
        found = base.execute(sql, [texts]).fetchall()
    assert [text for (text,) in found] == [subscriber(text) for text in texts]


def test_domains_of_uris() -> None:
    assert domain("sip:a@[2001:db8::1]:5060;x=1") == "[2001:db8::1]"
    assert domain("<sip:a@B.example;transport=tls>") == "b.example"
    assert domain("+12025550100") == ""
