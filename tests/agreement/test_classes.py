"""Each instant of a service-month has one class, and an outage is one outage however it was written down."""

from typing import Any

import pytest
from tests.agreement.samples import agreement, evidence, judged

from clearline.agreement.classes import classify

OCTOBER = 2_678_400
FULL = [["2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"]]


def span(id_: str, from_: str, until: str | None, **more: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "from": f"2026-10-{from_}:00Z" if "-" not in from_ else from_,
        "until": f"2026-10-{until}:00Z" if until and "-" not in until else until,
        **more,
    }


def window(id_: str, from_: str, until: str, announced: str | None = "2026-09-01T00:00:00Z") -> dict[str, Any]:
    return span(id_, from_, until, announced_at=announced)


def excluded(id_: str, from_: str, until: str, cause: str) -> dict[str, Any]:
    return span(id_, from_, until, cause=cause, reason="why", approved_by="Ann")


def seconds(
    downtime: list[Any] | None = None,
    maintenance: list[Any] | None = None,
    exclusions: list[Any] | None = None,
    observed: list[Any] = FULL,
    terms: dict[str, Any] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    seen = {
        "observed": observed,
        "downtime": downtime or [],
        "maintenance": maintenance or [],
        "excluded": exclusions or [],
    }
    made = judged(terms, availability=seen, **changes)["seconds"]
    assert isinstance(made, dict)
    return made


def test_an_hour_of_downtime_is_an_hour_down() -> None:
    made = seconds([span("O", "03T10:00", "03T11:00")])
    assert made == {
        "service": OCTOBER,
        "maintenance": 0,
        "excluded": 0,
        "down": 3600,
        "unknown": 0,
        "up": OCTOBER - 3600,
    }


def test_maintenance_goes_before_downtime() -> None:
    made = seconds([span("O", "10T00:00", "10T04:00")], [window("M", "10T01:00", "10T03:00")])
    assert (made["maintenance"], made["down"]) == (7200, 7200)


@pytest.mark.parametrize(
    ("announced", "maintenance"),
    [
        ("2026-10-08T01:00:00Z", 7200),
        ("2026-10-08T01:00:00.000001Z", 0),
        ("2026-10-10T02:00:00Z", 0),
        (None, 0),
    ],
)
def test_maintenance_is_eligible_when_announced_48_hours_before(announced: str | None, maintenance: int) -> None:
    made = seconds([span("O", "10T01:00", "10T03:00")], [window("M", "10T01:00", "10T03:00", announced)])
    assert (made["maintenance"], made["down"]) == (maintenance, 7200 - maintenance)


def test_the_notice_asked_for_is_the_agreements() -> None:
    maintenance = [window("M", "10T01:00", "10T03:00", "2026-10-09T01:00:00Z")]
    terms = {"commitments__availability__maintenance__notice_hours": 24}
    assert seconds(maintenance=maintenance)["maintenance"] == 0
    assert seconds(maintenance=maintenance, terms=terms)["maintenance"] == 7200


def test_an_overrun_of_the_window_is_downtime() -> None:
    made = seconds([span("O", "10T01:00", "10T05:00")], [window("M", "10T01:00", "10T03:00")])
    assert (made["maintenance"], made["down"]) == (7200, 7200)


@pytest.mark.parametrize(("allowed", "excluded_s"), [([], 0), (["force_majeure"], 0), (["customer"], 3600)])
def test_only_causes_that_the_agreement_allows_are_excluded(allowed: list[str], excluded_s: int) -> None:
    made = seconds(
        [span("O", "03T10:00", "03T12:00")],
        exclusions=[excluded("X", "03T10:00", "03T11:00", "customer")],
        terms={"commitments__availability__exclusions": allowed},
    )
    assert (made["excluded"], made["down"]) == (excluded_s, 7200 - excluded_s)


def test_maintenance_goes_before_an_exclusion() -> None:
    made = seconds(
        maintenance=[window("M", "10T01:00", "10T03:00")],
        exclusions=[excluded("X", "10T02:00", "10T04:00", "customer")],
        terms={"commitments__availability__exclusions": ["customer"]},
    )
    assert (made["maintenance"], made["excluded"]) == (7200, 3600)


def test_what_was_not_observed_is_unknown_unless_it_is_known_to_be_down() -> None:
    made = seconds([span("O", "02T00:00", "02T01:00")], observed=[["2026-10-03T00:00:00Z", "2026-11-01T00:00:00Z"]])
    assert (made["unknown"], made["down"]) == (2 * 86_400 - 3600, 3600)


def test_nothing_is_known_at_or_after_the_moment_of_the_evidence() -> None:
    made = seconds(
        [span("O", "10T00:00", "25T00:00")],
        [window("M", "25T00:00", "25T02:00")],
        as_of="2026-10-11T00:00:00Z",
    )
    assert made == {
        "service": OCTOBER,
        "maintenance": 0,
        "excluded": 0,
        "down": 86_400,
        "unknown": 21 * 86_400,
        "up": 9 * 86_400,
    }


def test_an_open_outage_lasts_until_the_moment_of_the_evidence() -> None:
    made = seconds([span("O", "30T23:00", None)], as_of="2026-11-05T00:00:00Z")
    assert made["down"] == 25 * 3600


def test_evidence_from_before_the_month_knows_nothing() -> None:
    made = seconds([span("O", "03T10:00", None)], as_of="2026-09-30T00:00:00Z")
    assert made == {"service": OCTOBER, "maintenance": 0, "excluded": 0, "down": 0, "unknown": OCTOBER, "up": 0}


@pytest.mark.parametrize(
    ("from_", "until", "days"),
    [
        ("2026-10-21T00:00:00Z", None, 11),
        ("2026-01-01T00:00:00Z", "2026-10-08T00:00:00Z", 7),
        ("2026-10-08T00:00:00Z", "2026-10-10T00:00:00Z", 2),
        ("2026-11-08T00:00:00Z", None, 0),
        ("2026-01-01T00:00:00Z", "2026-09-08T00:00:00Z", 0),
    ],
)
def test_only_the_service_life_counts(from_: str, until: str | None, days: int) -> None:
    made = seconds([span("O", "01T00:00", "2026-11-01T00:00:00Z")], service__from=from_, service__until=until)
    assert (made["service"], made["down"]) == (days * 86_400, days * 86_400)


def test_an_outage_over_the_months_end_counts_in_each_month_with_its_part() -> None:
    outage = [span("O", "2026-09-30T22:00:00Z", "01T03:00"), span("P", "31T23:00", "2026-11-01T05:00:00Z")]
    assert seconds(outage, as_of="2026-11-02T00:00:00Z")["down"] == 3 * 3600 + 3600


def test_fractions_of_a_second_are_kept_exactly() -> None:
    made = seconds([span("O", "2026-10-03T10:00:00.25Z", "2026-10-03T10:00:01Z")])
    assert (made["down"], made["up"]) == ("0.75", "2678399.25")


def outages(
    *downtime: dict[str, Any], terms: dict[str, Any] | None = None, **changes: Any
) -> list[tuple[str, int, bool]]:
    made = classify(agreement(**terms or {}), evidence(availability__downtime=list(downtime), **changes)).outages
    return [(" ".join(outage.ids), outage.length_us // 1_000_000, outage.goes_on) for outage in made]


def test_entries_that_overlap_or_touch_are_one_outage() -> None:
    made = outages(
        span("C", "03T12:00", "03T13:00"),
        span("A", "03T10:00", "03T11:00"),
        span("B", "03T11:00", "03T12:00"),
        span("D", "03T12:10", "03T12:20"),
        span("E", "03T13:01", "03T14:00"),
    )
    assert made == [("A B C D", 3 * 3600, False), ("E", 59 * 60, False)]


def test_an_empty_entry_is_no_outage() -> None:
    assert outages(span("A", "03T10:00", "03T10:00"), span("B", "2026-11-03T10:00:00Z", None)) == []


@pytest.mark.parametrize(
    ("as_of", "until", "life_ends", "goes_on"),
    [
        ("2026-10-04T00:00:00Z", None, None, True),
        ("2026-10-04T00:00:00Z", "05T00:00", None, True),
        ("2026-10-04T00:00:00Z", "04T00:00", None, False),
        ("2026-10-04T00:00:00Z", None, "2026-10-03T12:00:00Z", False),
        ("2026-10-04T00:00:00Z", None, "2026-10-04T00:00:00Z", False),
        ("2026-10-04T00:00:00Z", None, "2026-10-05T00:00:00Z", True),
    ],
)
def test_an_outage_goes_on_until_it_or_the_service_ended(
    as_of: str, until: str | None, life_ends: str | None, *, goes_on: bool
) -> None:
    ((_, _, made),) = outages(span("A", "03T10:00", until), as_of=as_of, service__until=life_ends)
    assert made is goes_on


def test_a_joined_outage_goes_on_when_one_of_its_entries_does() -> None:
    entries = (span("A", "03T10:00", None), span("B", "03T11:00", "03T12:00"))
    assert outages(*entries, as_of="2026-10-03T13:00:00Z") == [("A B", 3 * 3600, True)]


@pytest.mark.parametrize(("minimum", "kept"), [(0, ["A", "B C"]), (600, ["A", "B C"]), (601, ["B C"]), (1201, [])])
def test_an_outage_shorter_than_the_minimum_does_not_count(minimum: int, kept: list[str]) -> None:
    entries = (span("A", "03T10:00", "03T10:10"), span("B", "04T10:00", "04T10:10"), span("C", "04T10:10", "04T10:20"))
    terms = {"commitments__availability__minimum_outage_seconds": minimum}
    assert [ids for ids, _, _ in outages(*entries, terms=terms)] == kept


@pytest.mark.parametrize(
    ("until", "service_ends", "counted"),
    [
        ("2026-11-01T00:05:00Z", None, 300),
        ("2026-11-01T00:04:59Z", None, 0),
        (None, None, 0),
        ("2026-11-01T00:30:00Z", "2026-11-01T00:04:59Z", 0),
        ("2026-11-01T00:30:00Z", "2026-11-01T00:05:00Z", 300),
    ],
)
def test_an_outage_over_the_months_end_is_as_long_as_it_is_known_to_be(
    until: str | None, service_ends: str | None, counted: int
) -> None:
    """Down from 23:55; ten minutes are needed. Of one that goes on nothing more is known than its five minutes."""
    down = [span("A", "31T23:55", until)]
    terms = {"commitments__availability__minimum_outage_seconds": 600}
    assert seconds(down, terms=terms, service__until=service_ends)["down"] == counted


def test_a_blip_below_the_minimum_is_as_up_as_it_was_observed() -> None:
    blip, terms = [span("A", "03T10:00", "03T10:10")], {"commitments__availability__minimum_outage_seconds": 601}
    assert seconds(blip, terms=terms)["up"] == OCTOBER
    assert seconds(blip, observed=[], terms=terms)["unknown"] == OCTOBER


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Sydney", "UTC"])
@pytest.mark.parametrize("month", ["2026-03", "2026-10", "2026-11"])
def test_the_month_is_the_time_zones(zone: str, month: str) -> None:
    made = judged({"time_zone": zone}, month=month, as_of="2027-01-01T00:00:00Z", availability=None)["seconds"]
    change = {
        ("Europe/Berlin", "2026-03"): -3600,
        ("Europe/Berlin", "2026-10"): 3600,
        ("America/New_York", "2026-03"): -3600,
        ("America/New_York", "2026-11"): 3600,
        ("Australia/Sydney", "2026-10"): -3600,
    }.get((zone, month), 0)
    assert made["service"] == made["unknown"] == (30 if month == "2026-11" else 31) * 86_400 + change


def test_without_the_commitment_nothing_is_maintenance_or_excluded() -> None:
    terms = agreement(
        commitments__availability=None,
        commitments__restoration=None,
        commitments__maintenance_notice=None,
        credits__rules=[],
        origins={},
    )
    seen = {"observed": FULL, "maintenance": [window("M", "10T01:00", "10T03:00")]}
    made = classify(terms, evidence(availability=seen))
    assert (made.maintenance.total_us, made.up.total_us) == (0, OCTOBER * 1_000_000)
