"""October 2026 of a service that costs 1000.00 USD a month, as it stood on the 20th at noon; every sum by hand."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone
from platform_kit import NOW, call_record, samples

from clearline.agreement.evidence import load_evidence
from clearline.agreement.months import Month
from clearline.agreement.statement import evaluate
from clearline.platform.accounts.models import User
from clearline.platform.availability.models import Target
from clearline.platform.customers.models import Service
from clearline.platform.desk.models import Message, Request
from clearline.platform.maintenance.models import Window
from clearline.platform.measurements import records
from clearline.platform.statements.page import credit_rows_of
from clearline.platform.statements.services import MonthStatement, month_statement, months_of, statement_with_history

pytestmark = pytest.mark.django_db

OCTOBER = Month(2026, 10)
FIRST = datetime(2026, 10, 1, tzinfo=UTC)
HOUR_S = 3600


def hours(results: str, target: Target, since: datetime = FIRST) -> None:
    records().append(samples(target, since, results, HOUR_S))


def judged(service: Service, now: datetime = NOW) -> MonthStatement:
    found = month_statement(service, OCTOBER, now)
    assert found is not None
    return found


def test_three_hours_down_of_nineteen_and_a_half_days(service: Service, target: Target) -> None:
    """468 hours seen, 3 of them down: 465/468 = 155/156 = 99.3589…%, 0.5410… below 99.9 %: one started step, 10 %."""
    hours("+" * 58 + "---" + "+" * 408, target)
    document = judged(service).statement.to_json()
    assert document["seconds"]["down"] == 3 * HOUR_S
    assert document["commitments"]["availability"]["exact"] == "155/156"
    assert document["commitments"]["availability"]["measured"] == "99.3589"
    assert document["commitments"]["restoration"]["status"] == "missed"
    assert [line["amount"] for line in document["credits"]] == ["100.00"]


def test_an_outage_is_named_the_same_each_time_it_is_derived(service: Service, target: Target) -> None:
    hours("+" * 58 + "---" + "+" * 408, target)
    for now in (NOW, NOW + timedelta(hours=1)):
        (outage,) = judged(service, now).evidence["availability"]["downtime"]
        assert outage["id"] == f"O-{target.pk}-20261003T100000Z"
        assert (outage["from"], outage["until"]) == ("2026-10-03T10:00:00Z", "2026-10-03T13:00:00Z")


def test_time_that_nobody_probed_is_unknown_and_not_up(service: Service, target: Target) -> None:
    """Ten hours seen, then none: each instant after the last sample's own hour is unknown."""
    hours("+" * 10, target)
    seconds = judged(service).statement.to_json()["seconds"]
    assert (seconds["up"], seconds["down"]) == (10 * HOUR_S, 0)
    assert seconds["unknown"] == 31 * 24 * HOUR_S - 10 * HOUR_S


def test_an_outage_over_the_months_turn_keeps_its_true_start(service: Service, target: Target) -> None:
    hours("+" * 10 + "-" * 6 + "+" * 4, target, FIRST - timedelta(hours=12))
    (outage,) = judged(service).evidence["availability"]["downtime"]
    assert outage["from"] == "2026-09-30T22:00:00Z"
    assert judged(service).statement.to_json()["seconds"]["down"] == 4 * HOUR_S


def test_a_running_outage_has_no_end(service: Service, target: Target) -> None:
    hours("+" * 466 + "--", target)
    (outage,) = judged(service).evidence["availability"]["downtime"]
    assert outage["until"] is None


def test_a_service_is_down_while_any_of_its_targets_is(service: Service, target: Target) -> None:
    other = Target.objects.create(
        provider=target.provider,
        name="Other",
        uri="sip:192.0.2.1",
        interval_seconds=15,
        timeout_seconds=4,
        added_at=NOW,
    )
    service.targets.add(other)
    hours("+" * 100 + "--" + "+" * 100, target)
    hours("+" * 101 + "--" + "+" * 50, other)
    seconds = judged(service).statement.to_json()["seconds"]
    assert seconds["down"] == 3 * HOUR_S
    assert seconds["up"] == (153 - 3) * HOUR_S


def test_two_calls_and_their_mean(service: Service) -> None:
    """4.10 and 3.70 make 3.90, exactly 0.1 below 4.0: one step, 10 %. An unscored call lowers coverage only."""
    records().append(
        [
            call_record(service, FIRST),
            call_record(service, FIRST + timedelta(days=1), mos_x100=370, talk_us=30_500_000, jitter_us=31_000),
            call_record(service, FIRST + timedelta(days=2), mos_x100=None, mos_basis=None, loss_ppm=None),
            call_record(
                service, FIRST + timedelta(days=3), mos_x100=None, answered_us=None, final_code=486, loss_ppm=None
            ),
        ]
    )
    found = judged(service)
    assert found.evidence["voice"] == {
        "calls": 3, "measured": 2, "mos_total": "7.8", "talk_seconds": "90.5", "mos_talk_total": "358.85",
    }  # fmt: skip
    assert found.evidence["experience"] == {"measured": 2, "within": 1, "video_measured": 0, "video_within": 0}
    assert [line["amount"] for line in found.statement.to_json()["credits"]] == ["100.00"]


def test_a_call_whose_delay_nobody_measured_is_neither_within_the_limits_nor_outside(service: Service) -> None:
    records().append([call_record(service, FIRST, delay_us=None), call_record(service, NOW, delay_us=150_001)])
    records().append([call_record(service, FIRST + timedelta(hours=1), delay_us=150_001)])
    assert judged(service).evidence["experience"] == {
        "measured": 1, "within": 0, "video_measured": 0, "video_within": 0,
    }  # fmt: skip


def test_a_late_answer_is_credited_by_the_hour(service: Service, alice: User) -> None:
    """Received at 8:00, answered at 13:10: 1 h 10 min beyond 4 h are two started hours, 10 %."""
    request = Request.objects.create(
        service=service, subject="x", received_at=FIRST + timedelta(hours=8), entered_at=NOW
    )
    at = FIRST + timedelta(hours=13, minutes=10)
    Message.objects.create(request=request, kind="reply", body="y", at=at, author=alice, entered_at=NOW)
    (line,) = judged(service).statement.to_json()["credits"]
    assert (line["request"], line["shortfall_seconds"], line["amount"]) == (request.code, "4200", "100.00")


def test_the_page_tells_a_delay_that_is_still_running(service: Service) -> None:
    """Its seconds are no whole number at the moment that somebody looks."""
    Request.objects.create(service=service, subject="x", received_at=NOW - timedelta(hours=5), entered_at=NOW)
    (row,) = credit_rows_of(judged(service, NOW + timedelta(seconds=61, microseconds=7)))
    assert row.shortfall == "1 h 1 min 1 s late"


def test_an_answer_after_the_months_end_is_not_known_in_it(service: Service, alice: User) -> None:
    request = Request.objects.create(
        service=service, subject="x", received_at=datetime(2026, 10, 31, 22, tzinfo=UTC), entered_at=NOW
    )
    at = datetime(2026, 11, 1, 6, tzinfo=UTC)
    Message.objects.create(request=request, kind="reply", body="y", at=at, author=alice, entered_at=at)
    later = datetime(2026, 12, 24, tzinfo=UTC)
    assert judged(service, later).evidence["as_of"] == "2026-11-01T00:00:00Z"
    assert judged(service, later).evidence["support"][0]["first_response_at"] is None
    november = month_statement(service, OCTOBER.next, later)
    assert november is not None
    assert november.evidence["support"][0]["first_response_at"] == "2026-11-01T06:00:00Z"


def test_announced_maintenance_is_taken_out(service: Service, target: Target) -> None:
    """The same three hours, two of them announced 48 h ahead: one hour down of 466."""
    hours("+" * 58 + "---" + "+" * 408, target)
    window = Window.objects.create(
        provider=target.provider,
        title="Upgrade",
        from_at=FIRST + timedelta(hours=58),
        until_at=FIRST + timedelta(hours=60),
        announced_at=FIRST + timedelta(hours=10),
        notice="by e-mail",
        entered_at=FIRST,
        approved_at=FIRST,
    )
    window.services.add(service)
    seconds = judged(service).statement.to_json()["seconds"]
    assert (seconds["maintenance"], seconds["down"]) == (2 * HOUR_S, HOUR_S)
    window.cancelled_at = NOW
    window.save()
    assert judged(service).statement.to_json()["seconds"]["down"] == 3 * HOUR_S


def test_page_json_and_letter_are_one_value(service: Service, target: Target, page: Client) -> None:
    last_month = (timezone.now().replace(day=1) - timedelta(days=1)).replace(day=1)
    month = f"{last_month:%Y-%m}"
    records().append(samples(target, last_month, "++++----++++++++"))
    address = f"/statements/{service.pk}/{month}/"
    document = json.loads(page.get(f"{address}statement/").content)
    evidence, problems = load_evidence(json.loads(page.get(f"{address}evidence/").content), "evidence.json")
    assert problems == []
    assert evidence is not None
    assert evidence.availability is not None
    assert len(evidence.availability.downtime) == 1
    text, shown = page.get(f"{address}letter/").content.decode(), page.get(address).content.decode()
    assert evaluate(service.agreement.versions.get().terms, evidence).to_json() == document
    owed = f"{Decimal(document['total']['amount']):,}"
    assert f"{owed} USD" in text
    assert f"{owed} USD" in shown
    for commitment in document["commitments"].values():
        assert commitment["status"].replace("_", " ") in shown


def test_months_outside_the_services_life_are_not_found(service: Service, page: Client) -> None:
    assert months_of(service, NOW)[0] == OCTOBER
    assert months_of(service, NOW)[-1] == Month(2026, 1)
    for month in ("2025-12", "2199-01", "never", "2026-13"):
        assert page.get(f"/statements/{service.pk}/{month}/").status_code == 404


def test_three_missed_months_open_the_right_to_leave(service: Service, target: Target) -> None:
    for month in (7, 8, 9):
        hours("+--+", target, datetime(2026, month, 1, tzinfo=UTC))
    found = statement_with_history(service, Month(2026, 9), datetime(2026, 10, 1, 2, tzinfo=UTC))
    assert found is not None
    assert found.statement.rights
    alone = month_statement(service, Month(2026, 9), datetime(2026, 10, 1, 2, tzinfo=UTC))
    assert alone is not None
    assert not alone.statement.rights
