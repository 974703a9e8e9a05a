"""The cost of an outage that runs, on 20 October 2026 at noon; a service of 1000.00 USD."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from platform_kit import NOW, samples

from clearline.agreement.moments import datetime_us
from clearline.agreement.months import Month
from clearline.platform.availability.models import Target
from clearline.platform.availability.observation import observe, outage_id
from clearline.platform.customers.models import Service
from clearline.platform.measurements import records
from clearline.platform.statements.meter import Meter, Meters, meter_of, meters
from clearline.platform.statements.services import month_statement

pytestmark = pytest.mark.django_db

FIRST = datetime(2026, 10, 1, tzinfo=UTC)


def meter(service: Service) -> Meter | None:
    found = month_statement(service, Month(2026, 10), NOW)
    assert found is not None
    assert meters([found], NOW) == Meters([one for one in [meter_of(found, NOW)] if one], 0)
    return meter_of(found, NOW)


def test_what_it_has_cost_and_when_it_costs_more(service: Service, target: Target) -> None:
    """2 h of 468: 0.327 below 99.9 %, one step begun, 100.00. Two are begun below 98.9 %: when (2 h + x)/(468 h + x)
    passes 1.1 %, x = 3.148/0.989 h = 11,458.8 s: at the next full second, 200.00."""
    records().append(samples(target, FIRST, "+" * 466 + "--", 3600))
    found = meter(service)
    assert found is not None
    assert found.since_us == datetime_us(NOW - timedelta(hours=2))
    assert found.due_us == datetime_us(NOW - timedelta(hours=1))
    assert str(found.so_far) == "100.00 USD"
    assert found.next_us == datetime_us(NOW) + 11_459_000_000
    assert str(found.then) == "200.00 USD"


def test_what_other_outages_cost_is_not_its_cost(service: Service, target: Target) -> None:
    """4 h down before, 0.75 points below, 100.00 already; half an hour more stays within the step that is begun."""
    records().append(samples(target, FIRST, "+" * 10 + "----" + "+" * 452, 3600))
    records().append(samples(target, NOW - timedelta(hours=2), "++++++--", 900))
    found = meter(service)
    assert found is not None
    assert str(found.so_far) == "0.00 USD"
    assert str(found.then) == "100.00 USD"


def test_without_a_running_outage_there_is_no_meter(service: Service, target: Target) -> None:
    records().append(samples(target, FIRST, "+" * 10 + "---" + "+" * 455, 3600))
    assert meter(service) is None


def test_a_page_says_how_many_services_are_down_beyond_those_it_shows(
    service: Service, target: Target, page: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    monkeypatch.setattr("clearline.platform.statements.meter.MOST", 1)
    for name in ("Second", "Third"):
        other = Service.objects.create(
            customer=service.customer, name=name, monthly_fee=1, currency="USD", agreement=service.agreement,
            starts_at=service.starts_at,
        )  # fmt: skip
        other.targets.add(target)
    records().append(samples(target, NOW - timedelta(minutes=9), "+" * 30 + "-" * 6, 15))
    shown = page.get("/").text
    assert shown.count("Running outage of") == 1
    assert "2 more services are down and not shown here" in shown
    assert "for all that keeps it down now" in shown


def test_the_dashboard_shows_it(
    service: Service, target: Target, page: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    records().append(samples(target, NOW - timedelta(minutes=9), "+" * 30 + "-" * 6, 15))
    shown = page.get("/").text
    assert "Running outage of" in shown
    assert "It has cost" in shown


def test_the_page_of_the_outage_shows_it_for_each_service(
    service: Service, target: Target, page: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    records().append(samples(target, NOW - timedelta(minutes=9), "+" * 30 + "-" * 6, 15))
    down = datetime_us(NOW - timedelta(seconds=90))
    (outage,) = observe(target, (down - 3_600_000_000, datetime_us(NOW)), datetime_us(NOW)).outages
    code = outage_id(target, outage)
    assert f"/statements/running/{code}/" in page.get(f"/availability/outages/{code}/").text
    cost = page.get(f"/statements/running/{code}/").text
    assert f"Running outage of {service}" in cost
    assert "It has cost" in cost
    assert page.get("/statements/running/O-1-20200101T000000Z/").status_code == 404
