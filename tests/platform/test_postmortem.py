"""The restoration of outages: the promise, the means, the timeline and what was learned."""

from datetime import timedelta

import pytest
from django.test import Client
from platform_kit import NOW, samples

from clearline.agreement.intervals import IntervalSet
from clearline.agreement.moments import datetime_us
from clearline.platform.accounts.models import User
from clearline.platform.alerts import services as alerts
from clearline.platform.alerts.models import Alert, Responder
from clearline.platform.availability.models import Target
from clearline.platform.customers.models import Service
from clearline.platform.measurements import records
from clearline.platform.outages import postmortem
from clearline.platform.outages.cases import Case, find_case
from clearline.platform.outages.effect import Down
from clearline.platform.outages.models import FOREVER_US
from clearline.platform.outages.restoration import Means, means, promised_us, service_means

MINUTE = timedelta(minutes=1)


@pytest.fixture
def case(service: Service, target: Target, alice: User) -> Case:
    """Down from noon for one minute and a half."""
    records().append(samples(target, NOW - 2 * MINUTE, "+" * 8 + "-" * 6 + "+" * 8))
    found = find_case(alice, f"O-{target.pk}-20261020T120000Z", NOW + 5 * MINUTE)
    assert found is not None
    return found


def test_the_means_of_three_outages() -> None:
    """Of 1000 seen: began 2 in the span (the third before), ended 3 of 10, 20 and 30; worked 1000 - 10 - 20 - 5."""
    downs = [Down("a", 100, 110, ""), Down("b", 500, 520, ""), Down("c", -25, 5, ""), Down("b2", 505, 515, "")]
    found = means(IntervalSet.of([(0, 1000)]), downs, (0, 1000))
    assert found == Means(2, 3, 60, 965, 0, 1000)
    assert (found.mtrs_us, found.mtbf_us) == (20, 482)
    assert found + Means(1, 0, 0, 35, 5, 40) == Means(3, 3, 60, 1000, 5, 1040)


def test_means_without_an_outage_are_unknown_and_a_running_one_is_not_restored() -> None:
    seen = IntervalSet.of([(0, 1000)])
    quiet = means(seen, [], (0, 1000))
    assert (quiet, quiet.mtrs_us, quiet.mtbf_us) == (Means(0, 0, 0, 1000, 0, 1000), None, None)
    assert means(seen, [Down("a", 900, FOREVER_US, "")], (0, 1000)) == Means(1, 0, 0, 900, 0, 1000)


def test_means_of_a_time_that_was_measured_less_than_half_are_unknown() -> None:
    """Down for 10 of 500 measured is enough of 1000, of 1001 it is not."""
    seen, downs = IntervalSet.of([(0, 490)]), [Down("a", 490, 500, "")]
    half, less = means(seen, downs, (0, 1000)), means(seen, downs, (0, 1001))
    assert (half.unknown_us, half.mtrs_us, half.mtbf_us) == (500, 10, 490)
    assert (less.unknown_us, less.mtrs_us, less.mtbf_us) == (501, None, None)


def seconds(*lengths: int) -> list[int]:
    return [length * 1_000_000 for length in lengths]


@pytest.mark.django_db
def test_a_service_has_the_means_of_its_outages_while_it_was_bought(case: Case, service: Service) -> None:
    """Seen from 11:58:00 to 12:03:30, an interval after the last sample; down for 90 s of it. Bought later: less."""
    now_us = datetime_us(NOW + 5 * MINUTE)
    span = datetime_us(NOW - timedelta(days=1)), now_us
    assert service_means(service, span, now_us) == Means(1, 1, *seconds(90, 240, 86_370, 86_700))
    service.starts_at = NOW + MINUTE
    assert service_means(service, span, now_us) == Means(0, 1, *seconds(90, 120, 90, 240))
    service.starts_at = NOW + 9 * MINUTE
    assert service_means(service, span, now_us) == Means()


@pytest.mark.django_db
def test_services_are_listed_with_their_time_to_restore(page: Client, service: Service) -> None:
    Service.objects.create(
        customer=service.customer, name="Second line", monthly_fee=1, currency="USD", agreement=service.agreement,
        starts_at=service.starts_at, ends_at=NOW,
    )  # fmt: skip
    for asked, days in (("", 90), ("?days=30", 30), ("?days=x", 90)):
        shown = page.get(f"/availability/outages/restoration/{asked}").content.decode()
        assert f"last {days} days" in shown
        assert shown.index(service.name) < shown.index("Second line") < shown.index("All services")


@pytest.mark.django_db
def test_the_promise_is_the_agreements(case: Case) -> None:
    assert promised_us(case.services, case.from_us) == 3_600_000_000
    assert promised_us([], case.from_us) is None


@pytest.mark.django_db
def test_the_timeline_has_samples_alerts_notes_and_who_was_told(case: Case, alice: User) -> None:
    Responder.objects.create(provider=alice.provider, name="Dana", address="dana@northwind.example", added_at=NOW)
    alerts.tend(lambda: NOW + MINUTE)
    alerts.acknowledge(Alert.objects.get(), "Dana", None, NOW + MINUTE + timedelta(seconds=10))
    postmortem.add_note(case, "restarted `kamailio` <now>", alice, NOW + MINUTE + timedelta(seconds=20))
    alerts.tend(lambda: NOW + 2 * MINUTE)
    later = NOW + 5 * MINUTE
    found = [(entry.what, entry.at) for entry in postmortem.timeline(case, alice, later)]
    seconds = [(what, (at - NOW) // timedelta(seconds=1)) for what, at in found]
    assert seconds == [
        ("sample", 0), ("alert", 60), ("told", 60), ("alert", 70), ("note", 80), ("sample", 90), ("told", 120),
        ("alert", 120),
    ]  # fmt: skip
    postmortem.write(case, "A full disk.", alice, later)
    document = postmortem.as_json(case, alice, later)
    assert (document["text"], document["until"]) == ("A full disk.", "2026-10-20T12:01:30Z")
    exported = postmortem.as_markdown(case, alice, later)
    assert "restarted \\`kamailio\\` \\<now>" in exported
    assert exported.endswith("## What was learned\n\nA full disk.\n")


@pytest.mark.django_db
def test_writing_it_on_the_pages(page: Client, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"/availability/outages/{case.code}/"
    page.post(address + "note/", {"text": "called the carrier"})
    page.post(address + "post-mortem/", {"text": "Their switch."})
    shown = page.get(address).content.decode()
    for text in ("called the carrier", "Their switch.", "Promised to be over", "1 min 30 s", "(MTRS)"):
        assert text in shown
    assert page.get(address + "post-mortem/md/").content.decode().startswith(f"# Outage {case.code}\n")
    assert page.get(address + "post-mortem/json/").json()["schema"] == "clearline/post-mortem/1"
    assert page.get(address + "post-mortem/pdf/").status_code == 404
    assert "Write what was done" in page.post(address + "note/", {"text": ""}, follow=True).content.decode()
