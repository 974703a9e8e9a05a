"""Each commitment is kept, missed or not measured, by sums done by hand."""

from typing import Any

import pytest
from tests.agreement.samples import AGREEMENT, agreement, evidence, judged
from tests.agreement.test_classes import FULL, excluded, span, window

from clearline.agreement.judge import Level
from clearline.agreement.readings import readings_of
from clearline.agreement.statement import evaluate


def verdict(commitment: str, terms: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    made = judged(terms, **changes)["commitments"][commitment]
    assert isinstance(made, dict)
    return made


def availability(
    terms: dict[str, Any] | None = None, changes: dict[str, Any] | None = None, **seen: Any
) -> dict[str, Any]:
    return verdict("availability", terms, availability={"observed": FULL, **seen}, **changes or {})


def restoration(*downtime: dict[str, Any], terms: dict[str, Any] | None = None, **changes: Any) -> tuple[Any, ...]:
    seen = {"observed": FULL, "downtime": list(downtime), **changes.pop("seen", {})}
    made = verdict("restoration", terms, availability=seen, **changes)
    return made["status"], made["outages"], made["late"], made["pending"]


def request(id_: str, received: str, answered: str | None) -> dict[str, Any]:
    return {"id": id_, "received_at": received, "first_response_at": answered}


def first_response(*requests: dict[str, Any], **changes: Any) -> tuple[Any, ...]:
    made = verdict("first_response", support=list(requests), **changes)
    return made["status"], made["requests"], made["late"], made["pending"]


# Availability: 31 days are 744 hours.


def test_uptime_exactly_at_the_target_is_kept() -> None:
    # 0.1 % of 744 h is 44 min 38.4 s.
    at = availability(downtime=[span("O", "2026-10-03T10:00:00Z", "2026-10-03T10:44:38.4Z")])
    below = availability(downtime=[span("O", "2026-10-03T10:00:00Z", "2026-10-03T10:44:38.400001Z")])
    assert (at["status"], at["measured"], at["exact"]) == ("kept", "99.9000", "999/1000")
    assert (below["status"], below["measured"]) == ("missed", "99.8999")


@pytest.mark.parametrize(
    ("counts_as", "exact"),
    [("excluded", "741/742"), ("up", "743/744"), ("down", "247/248")],
)
def test_maintenance_counts_as_the_agreement_says(counts_as: str, exact: str) -> None:
    # 1 h down, 2 h maintenance: 741/742, (741 + 2)/744, 741/744.
    made = availability(
        {"commitments__availability__maintenance__counts_as": counts_as},
        downtime=[span("O", "03T10:00", "03T11:00")],
        maintenance=[window("M", "10T01:00", "10T03:00")],
    )
    assert made["exact"] == exact


@pytest.mark.parametrize(("counts_as", "exact"), [("excluded", "719/720"), ("up", "743/744"), ("down", "719/744")])
def test_unknown_time_counts_as_the_agreement_says(counts_as: str, exact: str) -> None:
    # 1 h down, 24 h not observed.
    made = availability(
        {"commitments__availability__unknown": counts_as},
        observed=[["2026-10-02T00:00:00Z", "2026-11-01T00:00:00Z"]],
        downtime=[span("O", "03T10:00", "03T11:00")],
    )
    assert made["exact"] == exact
    assert (made["coverage"], made["needs_decision"]) == ("96.7741", True)


@pytest.mark.parametrize("counts_as", ["excluded", "up", "down"])
def test_time_that_is_still_ahead_enters_no_figure(counts_as: str) -> None:
    made = availability(
        {"commitments__availability__unknown": counts_as},
        {"as_of": "2026-10-11T00:00:00Z"},
        downtime=[span("O", "03T10:00", "03T11:00")],
    )
    assert (made["exact"], made["coverage"], made["needs_decision"]) == ("239/240", "100.0000", False)


@pytest.mark.parametrize(
    ("counts_as", "status", "exact"),
    [("excluded", "not_measured", None), ("up", "not_measured", None), ("down", "missed", "0")],
)
def test_a_month_that_nobody_observed_is_never_kept(counts_as: str, status: str, exact: str | None) -> None:
    for seen in (None, {"observed": []}):
        made = verdict("availability", {"commitments__availability__unknown": counts_as}, availability=seen)
        assert (made["status"], made["exact"], made["coverage"]) == (status, exact, "0.0000")
        assert made["needs_decision"] is True


def test_a_month_outside_the_service_life_is_not_measured_and_needs_nobody() -> None:
    made = verdict("availability", service__from="2026-12-01T00:00:00Z")
    assert (made["status"], made["measured"], made["coverage"]) == ("not_measured", None, None)
    assert made["needs_decision"] is False


def test_a_month_of_nothing_but_maintenance_is_judged_only_where_maintenance_counts() -> None:
    seen = {"maintenance": [window("M", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z")]}
    assert availability(**seen)["status"] == "not_measured"
    assert availability({"commitments__availability__maintenance__counts_as": "up"}, **seen)["measured"] == "100.0000"
    assert availability({"commitments__availability__maintenance__counts_as": "down"}, **seen)["measured"] == "0.0000"


@pytest.mark.parametrize(("minimum", "needs"), [("96.7741", False), ("96.7742", True), ("0", False), ("100", True)])
def test_coverage_below_the_minimum_needs_a_decision(minimum: str, *, needs: bool) -> None:
    made = availability({"coverage__minimum_percent": minimum}, observed=[["2026-10-02T00:00:00Z", FULL[0][1]]])
    assert made["needs_decision"] is needs
    assert made["status"] == "kept"


def test_what_was_not_measured_is_short_of_nothing() -> None:
    made = evaluate(agreement(), evidence(availability=None)).verdicts["availability"]
    assert isinstance(made, Level)
    assert (made.status, made.shortfall) == ("not_measured", 0)


@pytest.mark.parametrize("name", ["availability", "voice_mos", "experience", "first_response"])
def test_only_the_commitments_of_the_agreement_are_judged_and_read(name: str) -> None:
    terms = {"commitments": {name: AGREEMENT["commitments"][name]}, "credits__rules": [], "origins": {}}
    statement = evaluate(agreement(**terms), evidence())
    assert list(statement.to_json()["commitments"]) == [name]
    keys = {reading.key for reading in readings_of(statement.agreement)}
    assert {key.split(".")[1] for key in keys if key.startswith("commitments.")} <= {name}


# Restoration


@pytest.mark.parametrize(("until", "late"), [("03T11:00", []), ("2026-10-03T11:00:00.000001Z", ["O"])])
def test_an_outage_of_an_hour_is_in_time_and_a_longer_one_is_late(until: str, late: list[str]) -> None:
    assert restoration(span("O", "03T10:00", until)) == ("missed" if late else "kept", 1, late, [])


def test_a_month_without_outages_has_nothing_to_restore() -> None:
    assert restoration() == ("not_measured", 0, [], [])
    assert verdict("restoration", availability=None)["status"] == "not_measured"


def test_an_outage_is_judged_in_the_month_of_its_last_instant_on_its_whole_length() -> None:
    over_the_end = span("A", "31T23:30", "2026-11-01T00:45:00Z")
    until_midnight = span("B", "2026-09-30T22:00:00Z", "01T00:00")
    from_before = span("C", "2026-09-30T23:30:00Z", "01T00:45")
    to_the_end = span("D", "31T22:00", "2026-11-01T00:00:00Z")
    later = {"as_of": "2026-11-02T00:00:00Z"}
    assert restoration(over_the_end, **later) == ("not_measured", 0, [], [])
    assert restoration(until_midnight, **later) == ("not_measured", 0, [], [])
    assert restoration(from_before, **later) == ("missed", 1, ["C"], [])
    assert restoration(to_the_end, **later) == ("missed", 1, ["D"], [])


def test_maintenance_and_exclusions_are_taken_off_an_outages_length() -> None:
    outage = span("O", "10T01:00", "10T04:00")
    maintenance = {"maintenance": [window("M", "10T02:00", "10T04:30")]}
    late_notice = {"maintenance": [window("M", "10T02:00", "10T04:30", None)]}
    exclusion = {"excluded": [excluded("X", "10T01:30", "10T03:30", "customer")]}
    allowed = {"commitments__availability__exclusions": ["customer"]}
    assert restoration(outage, seen=maintenance) == ("kept", 1, [], [])
    assert restoration(outage, seen=late_notice) == ("missed", 1, ["O"], [])
    assert restoration(outage, seen=exclusion) == ("missed", 1, ["O"], [])
    assert restoration(outage, seen=exclusion, terms=allowed) == ("kept", 1, [], [])


def test_an_outage_within_maintenance_is_no_outage_to_restore() -> None:
    seen = {"maintenance": [window("M", "10T01:00", "10T06:00")]}
    assert restoration(span("O", "10T01:00", "10T04:00"), seen=seen) == ("not_measured", 0, [], [])


def test_each_outage_is_charged_with_its_own_part_of_what_is_taken_off() -> None:
    outages = [span("A", "10T00:00", "10T02:00"), span("B", "10T03:00", "10T05:00"), span("C", "10T06:00", "10T07:30")]
    seen = {"maintenance": [window("M", "10T01:00", "10T04:00")]}
    assert restoration(*outages, seen=seen) == ("missed", 3, ["C"], [])


def test_an_outage_that_goes_on_is_named_and_not_judged() -> None:
    going_on = span("O", "10T00:00", None)
    assert restoration(going_on, as_of="2026-10-20T00:00:00Z") == ("not_measured", 0, [], ["O"])
    assert restoration(going_on) == ("not_measured", 0, [], ["O"])
    assert restoration(going_on, as_of="2026-11-05T00:00:00Z") == ("not_measured", 0, [], [])


def test_a_joined_outage_is_late_with_all_its_entries() -> None:
    outages = [span("A", "03T10:00", "03T10:40"), span("B", "03T10:40", "03T11:20"), span("C", "04T10:00", "04T10:20")]
    assert restoration(*outages) == ("missed", 2, ["A", "B"], [])


def test_an_outage_ends_with_the_service() -> None:
    outage = span("O", "10T00:00", None)
    made = restoration(outage, service__until="2026-10-10T00:30:00Z", as_of="2026-12-01T00:00:00Z")
    assert made == ("kept", 1, [], [])


# Voice quality


def voice(calls: int, measured: int, total: str, talk: str = "100", talk_total: str = "400") -> dict[str, Any]:
    return {
        "calls": calls,
        "measured": measured,
        "mos_total": total,
        "talk_seconds": talk,
        "mos_talk_total": talk_total,
    }


def test_a_mean_exactly_at_the_target_is_kept() -> None:
    at, below = verdict("voice_mos", voice=voice(3, 3, "12.00")), verdict("voice_mos", voice=voice(3, 3, "11.99"))
    assert (at["status"], at["measured"], at["exact"]) == ("kept", "4.0000", "4")
    assert (below["status"], below["measured"], below["exact"]) == ("missed", "3.9966", "1199/300")


def test_the_mean_is_weighted_as_the_agreement_says() -> None:
    # Two calls: 4.4 for 10 s of talk and 3.4 for 30 s.
    seen = voice(2, 2, "7.80", "40", "146.0")
    by_talk = {"commitments__voice_mos__weight": "talk_time"}
    assert verdict("voice_mos", voice=seen)["exact"] == "39/10"
    assert verdict("voice_mos", by_talk, voice=seen)["exact"] == "73/20"


@pytest.mark.parametrize(("minimum", "status"), [(2, "kept"), (3, "not_measured")])
def test_fewer_calls_than_the_minimum_are_no_measurement(minimum: int, status: str) -> None:
    made = verdict("voice_mos", {"commitments__voice_mos__minimum_calls": minimum}, voice=voice(2, 2, "8.4"))
    assert made["status"] == status


def test_no_talk_time_is_no_measurement_by_talk_time() -> None:
    made = verdict("voice_mos", {"commitments__voice_mos__weight": "talk_time"}, voice=voice(2, 2, "8", "0", "0"))
    assert (made["status"], made["measured"], made["exact"]) == ("not_measured", None, None)


@pytest.mark.parametrize(
    ("seen", "coverage", "needs"),
    [
        (voice(100, 99, "400"), "99.0000", False),
        (voice(1000, 989, "4000"), "98.9000", True),
        (voice(5, 0, "0"), "0.0000", True),
        (voice(0, 0, "0"), None, False),
        (None, None, True),
    ],
)
def test_calls_that_were_not_measured_need_a_decision(seen: Any, coverage: str | None, *, needs: bool) -> None:
    made = verdict("voice_mos", voice=seen)
    assert (made["coverage"], made["needs_decision"]) == (coverage, needs)


# Experience


def experience(measured: int, within: int, video: int = 0, video_within: int = 0) -> tuple[Any, ...]:
    seen = {"measured": measured, "within": within, "video_measured": video, "video_within": video_within}
    made = verdict("experience", experience=seen)
    return made["status"], made["measured"], made["video"]


def test_experience_is_missed_when_fewer_than_the_share_are_within_the_limits() -> None:
    assert experience(100, 95) == ("kept", "95.0000", None)
    assert experience(100, 94) == ("missed", "94.0000", None)


def test_video_calls_are_judged_by_themselves() -> None:
    assert experience(100, 95, 20, 19) == ("kept", "95.0000", "95.0000")
    assert experience(100, 100, 20, 18) == ("missed", "100.0000", "90.0000")
    assert experience(0, 0, 20, 18) == ("missed", None, "90.0000")
    assert experience(0, 0) == ("not_measured", None, None)
    assert verdict("experience", experience=None)["status"] == "not_measured"


# First response: within 4 hours.


@pytest.mark.parametrize(("answered", "late"), [("12:00:00Z", []), ("12:00:00.000001Z", ["T"])])
def test_a_request_is_late_after_four_hours(answered: str, late: list[str]) -> None:
    made = first_response(request("T", "2026-10-05T08:00:00Z", f"2026-10-05T{answered}"))
    assert made == ("missed" if late else "kept", 1, late, [])


def test_a_request_is_late_while_it_is_not_answered() -> None:
    asked = request("T", "2026-10-05T08:00:00Z", None)
    assert first_response(asked, as_of="2026-10-05T12:00:00Z") == ("not_measured", 1, [], ["T"])
    assert first_response(asked, as_of="2026-10-05T12:00:01Z") == ("missed", 1, ["T"], [])


def test_an_answer_after_the_moment_of_the_evidence_is_not_known() -> None:
    asked = request("T", "2026-10-05T08:00:00Z", "2026-10-05T11:00:00Z")
    assert first_response(asked, as_of="2026-10-05T10:00:00Z") == ("not_measured", 1, [], ["T"])


def test_a_request_counts_in_each_month_in_which_it_is_open() -> None:
    asked = request("T", "2026-09-30T18:00:00Z", "2026-10-01T08:00:00Z")
    assert first_response(asked, month="2026-09") == ("missed", 1, ["T"], [])
    assert first_response(asked, month="2026-10") == ("missed", 1, ["T"], [])
    assert first_response(asked, month="2026-11", as_of="2026-12-01T00:00:00Z") == ("not_measured", 0, [], [])
    assert first_response(asked, month="2026-08") == ("not_measured", 0, [], [])


def test_a_request_pending_at_the_months_end_is_judged_where_it_is_answered() -> None:
    asked = request("T", "2026-09-30T23:00:00Z", "2026-10-01T01:00:00Z")
    assert first_response(asked, month="2026-09") == ("not_measured", 1, [], ["T"])
    assert first_response(asked, month="2026-10") == ("kept", 1, [], [])


def test_a_request_answered_as_the_month_began_belongs_to_the_month_before() -> None:
    asked = request("T", "2026-09-30T18:00:00Z", "2026-10-01T00:00:00Z")
    assert first_response(asked, month="2026-09") == ("missed", 1, ["T"], [])
    assert first_response(asked, month="2026-10") == ("not_measured", 0, [], [])


def test_evidence_from_before_the_month_has_no_requests_of_it() -> None:
    asked = request("T", "2026-09-05T08:00:00Z", None)
    assert first_response(asked, as_of="2026-09-30T00:00:00Z") == ("not_measured", 1, [], ["T"])


def test_a_month_without_requests_is_not_measured() -> None:
    assert first_response() == ("not_measured", 0, [], [])
    assert verdict("first_response", support=None)["status"] == "not_measured"


# Notice of maintenance: 48 hours.


def notice(*windows: dict[str, Any], **changes: Any) -> tuple[Any, ...]:
    made = verdict("maintenance_notice", availability={"observed": FULL, "maintenance": list(windows)}, **changes)
    return made["status"], made["windows"], made["late"]


def test_a_window_announced_too_late_is_a_miss() -> None:
    in_time = window("A", "10T01:00", "10T03:00", "2026-10-08T01:00:00Z")
    late = window("B", "10T01:00", "10T03:00", "2026-10-08T01:00:00.000001Z")
    never = window("C", "10T01:00", "10T03:00", None)
    assert notice(in_time) == ("kept", 1, [])
    assert notice(in_time, late, never) == ("missed", 3, ["B", "C"])
    assert notice(never, terms={"commitments__availability__maintenance__notice_hours": 0}) == ("missed", 1, ["C"])


def test_a_window_is_judged_in_the_month_in_which_it_starts() -> None:
    before = window("A", "2026-09-30T23:00:00Z", "01T03:00", None)
    over = window("B", "31T23:00", "2026-11-01T03:00:00Z", None)
    empty = window("C", "10T01:00", "10T01:00", None)
    assert notice(before, over, empty) == ("missed", 1, ["B"])
    assert notice(before) == ("not_measured", 0, [])
    assert notice(over, service__until="2026-10-20T00:00:00Z") == ("not_measured", 0, [])
    assert verdict("maintenance_notice", availability=None)["status"] == "not_measured"
