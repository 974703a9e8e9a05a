"""Corrections are new revisions; a snapshot's figures stay what they were; calls are found by number and Call-ID."""

from pathlib import Path
from typing import Any

import pytest
from tests.records.make import DAY, NOON, call, sample

from clearline.records import check, documents, figures, history, snapshot
from clearline.records.errors import BadRecordError, RecordsError
from clearline.records.paging import Place, latest_calls
from clearline.records.search import search
from clearline.records.store import Records
from clearline.records.upkeep import upkeep

WHOLE: dict[str, Any] = {"tenant": "t", "since_us": NOON - DAY, "until_us": NOON + 2 * DAY}
WHO = {"who": "ann", "why": "re-scored"}


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "records")


@pytest.mark.parametrize("keep_up", [False, True])
def test_a_correction_replaces_and_keeps_who_when_and_why(records: Records, keep_up: bool) -> None:  # noqa: FBT001
    def maybe() -> None:
        if keep_up:
            upkeep(records)

    records.append([call(1), call(2)])
    maybe()
    records.revise([call(1, mos_x100=300)], **WHO)
    maybe()
    records.append([call(1)])
    maybe()
    records.revise([call(1, mos_x100=310)], who="bob", why="again")
    maybe()
    assert sorted(row.mos_x100 or 0 for row in records.calls(**WHOLE)) == [310, 430]
    states = history.states(records, "calls", **WHOLE, key=call(1).key)
    assert [(state.record.mos_x100, state.who, state.why) for state in states] == [
        (430, None, None),
        (300, "ann", "re-scored"),
        (310, "bob", "again"),
    ]
    assert states[0].since_us < states[1].since_us < states[2].since_us
    listed = check.state(records)
    check.rebuild(records)
    assert check.state(records) == listed


@pytest.mark.parametrize("wrong", [call(9), call(1, start_us=NOON + 1), call(1, tenant="other")])
def test_only_what_is_there_can_be_corrected(records: Records, wrong: Any) -> None:
    records.append([call(1)])
    with pytest.raises(BadRecordError, match="to correct"):
        records.revise([wrong], **WHO)
    with pytest.raises(BadRecordError, match="to correct"):
        records.revise([sample(1)], **WHO)
    assert records.calls(**WHOLE) == [call(1)]


def test_roll_ups_follow_corrections_and_late_records(records: Records) -> None:
    records.append([call(1), call(2)])
    upkeep(records)
    records.revise([call(1, mos_x100=300)], **WHO)
    records.append([call(3, mos_x100=400)])
    for _ in range(2):
        assert figures.totals(records, **WHOLE)[0]["mos_x100"] == 300 + 430 + 400
        upkeep(records)


def test_a_snapshot_recomputes_to_the_same_integers_whatever_comes_later(records: Records) -> None:
    records.append([call(1), call(2), call(3, customer="C-2", service="S-2")])
    name = snapshot.take(records, **WHOLE, who="ann", why="September closed")
    first = snapshot.load(records, name)["figures"]
    records.revise([call(1, mos_x100=300)], **WHO)
    records.append([call(4)])
    for _ in range(3):
        upkeep(records, grace_us=-1)
    again = snapshot.recompute(records, name)
    assert again.same
    assert again.figures == first
    (change,) = snapshot.difference(records, name)
    assert (change["customer"], change["attempts"], change["mos_x100"]) == ("C-1", 1, 300)
    listed = check.state(records)
    check.rebuild(records)
    assert check.state(records) == listed
    assert snapshot.recompute(records, name).same
    snapshot.drop(records, name)
    upkeep(records, grace_us=-1)
    assert records.manifest.dead() == []
    with pytest.raises(RecordsError, match="no snapshot"):
        snapshot.load(records, name)


def test_a_snapshots_file_that_was_tampered_with_is_named(records: Records) -> None:
    from clearline.records import parquet  # noqa: PLC0415

    records.append([call(1)])
    upkeep(records)
    name = snapshot.take(records, **WHOLE, who="ann", why="closed")
    (file,) = records.manifest.live(["calls"]).files
    data = parquet.read(records.path, file.path)
    parquet.write(records.path, file.path, data.slice(0, 0), parquet.footer("calls", file.day, 9))
    again = snapshot.recompute(records, name)
    assert not again.same
    assert file.path in again.problems[0]


@pytest.mark.parametrize("state", ["spooled", "sealed", "sealed and added to"])
def test_calls_are_found_by_number_and_call_id(records: Records, state: str) -> None:
    wanted = [
        call(1, caller="sip:+1 (202) 555-0142@a"),
        call(2, callee="<tel:+12025550142;phone-context=x>", start_us=NOON + DAY, customer=None, service=None),
    ]
    others = [
        call(3, caller="sip:+120255501420@a"),
        call(4, caller="sip:2025550142@a"),
        call(5, caller=None),
        call(6, tenant="u", caller="+12025550142"),
    ]
    records.append([*wanted[:1], *others])
    if state != "spooled":
        upkeep(records)
    records.append(wanted[1:])
    if state == "sealed":
        upkeep(records)
    assert search(records, **WHOLE, number="+1 202 555 0142") == wanted
    assert search(records, **WHOLE, call_id="2@pbx") == wanted[1:]
    assert search(records, **WHOLE, call_id="@pbx") == []
    assert search(records, tenant="t", since_us=NOON, until_us=NOON + 1, number="+12025550142") == wanted[:1]


def test_a_search_is_for_one_thing(records: Records) -> None:
    with pytest.raises(ValueError, match="number or for a Call-ID"):
        search(records, **WHOLE)


@pytest.mark.parametrize("keep_up", [False, True])
@pytest.mark.parametrize("by_us", [DAY, 3_600_000_000, 1])
def test_a_moved_record_counts_at_its_new_moment_alone(records: Records, keep_up: bool, by_us: int) -> None:  # noqa: FBT001
    def maybe() -> None:
        if keep_up:
            upkeep(records)

    def counted() -> tuple[list[int], list[int]]:
        spans = ((NOON, NOON + 1), (NOON + by_us, NOON + by_us + 1))
        rows = [len(records.calls(tenant="t", since_us=low, until_us=high)) for low, high in spans]
        found = [figures.totals(records, tenant="t", since_us=low, until_us=high) for low, high in spans]
        return rows, [sums[0]["attempts"] if sums else 0 for sums in found]

    there = call(1, start_us=NOON + by_us, mos_x100=300)
    records.append([call(1)])
    maybe()
    records.revise([there], **WHO, moved_from={there.key: NOON})
    maybe()
    assert counted() == ([0, 1], [0, 1])
    records.append([call(1)])  # the sender repeats what it first said
    maybe()
    assert counted() == ([0, 1], [0, 1])
    assert records.calls(**WHOLE) == [there]
    assert [row["attempts"] for row in figures.totals(records, **WHOLE)] == [1]
    states = history.states(records, "calls", **WHOLE, key=there.key)
    assert [(state.record.start_us, state.who, state.moved_to_us) for state in states] == [
        (NOON, None, None),
        (NOON, "ann", there.start_us),
        (there.start_us, "ann", None),
    ]
    records.revise([call(1)], who="bob", why="it was right", moved_from={there.key: there.start_us})
    maybe()
    assert counted() == ([1, 0], [1, 0])
    upkeep(records)
    assert check.check(records).problems == []
    listed = check.state(records)
    check.rebuild(records)
    assert check.state(records) == listed
    assert records.calls(**WHOLE) == [call(1)]


def test_a_move_is_refused_where_the_record_is_not(records: Records) -> None:
    records.append([call(1)])
    with pytest.raises(BadRecordError, match="to correct"):
        records.revise([call(1, start_us=NOON + 5)], **WHO, moved_from={call(1).key: NOON + 3})
    assert records.calls(**WHOLE) == [call(1)]


def test_a_correction_sealed_together_with_what_it_corrects_counts_once(records: Records) -> None:
    now_us = records.now_us()
    records.append([call(1, start_us=now_us)])
    records.revise([call(1, start_us=now_us, mos_x100=200)], **WHO)
    upkeep(records)  # the running day is not merged: one file holds both
    span = {"tenant": "t", "since_us": now_us, "until_us": now_us + 1}
    assert [row.mos_x100 for row in records.calls(**span)] == [200]
    whole_day = {**span, "since_us": now_us // DAY * DAY, "until_us": now_us // DAY * DAY + DAY}
    assert [(row["attempts"], row["mos_x100"]) for row in figures.totals(records, **whole_day)] == [(1, 200)]
    assert check.check(records).problems == []


def test_a_snapshot_from_before_a_sum_was_added_recomputes_to_what_it_has(records: Records) -> None:
    records.append([call(1)])
    name = snapshot.take(records, **WHOLE, **WHO)
    body = snapshot.load(records, name)
    for row in body["figures"]:
        del row["listening_only"]
    documents.keep(records.path, records.manifest, "snapshot", body.pop("at_us"), body, name)
    assert snapshot.recompute(records, name).same
    records.append([call(2, mos_basis="lq")])
    (row,) = snapshot.difference(records, name)
    assert (row["attempts"], "listening_only" in row) == (1, False)


def test_calls_are_listed_a_page_at_a_time_latest_first(records: Records) -> None:
    rows = [call(n, start_us=NOON + n // 3 * DAY // 4) for n in range(20)]
    records.append(rows[:15])
    upkeep(records)
    records.append(rows[15:])
    records.revise([call(2, start_us=NOON + 3 * DAY)], **WHO, moved_from={call(2).key: NOON})
    whole = {**WHOLE, "until_us": NOON + 5 * DAY}
    listed, place = [], None
    while page := latest_calls(records, **whole, limit=3, before=place):
        listed += page
        place = Place(page[-1].start_us, page[-1].key)
        assert len(page) <= 3
    assert listed == records.calls(**whole)[::-1]
    assert len(listed) == 20
    assert latest_calls(records, **{**whole, "tenant": "u"}, limit=3) == []
