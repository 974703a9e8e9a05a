"""Outages that customers report themselves, on the private view of their link."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from clearline.agreement.moments import datetime_us
from clearline.platform.accounts.models import User
from clearline.platform.alerts.models import Alert, Responder
from clearline.platform.alerts.services import tend
from clearline.platform.audit.models import Event
from clearline.platform.customers.models import Customer, Service, Site
from clearline.platform.outages import services
from clearline.platform.outages.models import Declaration
from clearline.platform.outbox.models import Delivery
from clearline.platform.status import links

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def view(service: Service, alice: User) -> str:
    """The address of the customer's own view."""
    service.site = Site.objects.create(customer=service.customer, name="Berlin")
    service.save()
    return links.make(service.customer, alice, timezone.now()).partition("127.0.0.1:8080")[2]


def told(service: Service, **more: object) -> dict[str, object]:
    """What the customer types."""
    return {
        "what": "No sound at all", "shown": "Ann called Bob at nine: nothing was heard.", "places": [service.pk],
        "from_at": f"{timezone.now() - HOUR:%Y-%m-%dT%H:%M:%S}", "until_at": "", "contact": "Ann, +49 30 123", **more,
    }  # fmt: skip


def test_a_report_waits_for_us_and_its_verdict_and_reason_are_read_on_the_customers_view(
    page: Client, client: Client, service: Service, view: str
) -> None:
    assert "Hosted voice at Berlin" in client.get(f"{view}report/").content.decode()
    assert client.post(f"{view}report/", told(service)).headers["Location"] == view
    report = Declaration.objects.get()
    assert (report.source, report.customer, report.made_by, report.said_by) == (
        "customer", service.customer, None, "Acme Ltd",
    )  # fmt: skip
    assert "Waits for our decision" in client.get(view).content.decode()
    outage = page.get(f"/availability/outages/{report.code}/").content.decode()
    for expected in ("Declared by Acme Ltd on the customer's own view", "Ann, +49 30 123", "nothing was heard"):
        assert expected in outage
    page.post(f"/availability/outages/declared/{report.pk}/accept/", {"reason": "Our relay had hung."})
    text = client.get(view).content.decode()
    for expected in ("Accepted: it counts as downtime", "Our relay had hung.", "down, as declared"):
        assert expected in text
    trail = list(Event.objects.filter(subject=report.code).order_by("number"))
    assert [(event.action, event.actor_name) for event in trail] == [
        ("outage.declared", "Clearline"),
        ("outage.accepted", "alice@northwind.example"),
    ]
    assert (trail[0].details["source"], trail[0].details["said_by"]) == ("customer", "Acme Ltd")
    assert (trail[1].reason, trail[1].details["said_by"]) == ("Our relay had hung.", "Acme Ltd")


def test_a_customer_is_refused_only_with_a_reason(page: Client, client: Client, service: Service, view: str) -> None:
    client.post(f"{view}report/", told(service))
    report = Declaration.objects.get()
    answer = page.post(f"/availability/outages/declared/{report.pk}/refuse/", {"reason": ""}, follow=True)
    assert "Say why it is refused" in answer.content.decode()
    page.post(f"/availability/outages/declared/{report.pk}/refuse/", {"reason": "Your own switch was off."})
    text = client.get(view).content.decode()
    assert "Refused." in text
    assert "Your own switch was off." in text
    assert "as declared" not in text


def test_who_is_on_call_is_told_of_a_report_until_somebody_decided(
    page: Client, client: Client, service: Service, view: str, alice: User
) -> None:
    now = timezone.now()
    Responder.objects.create(provider=alice.provider, name="NOC", address="noc@nw.example", added_at=now)
    client.post(f"{view}report/", told(service))
    tend(timezone.now)
    alert = Alert.objects.get(kind="report")
    assert (alert.title, alert.is_critical) == ("Acme Ltd reports: No sound at all", True)
    assert f'href="/availability/outages/{alert.subject}/"' in page.get("/alerts/").content.decode()
    (sent,) = Delivery.objects.filter(topic=alert.code)
    assert sent.recipient == "noc@nw.example"
    for expected in ("nothing was heard", "Hosted voice of Acme Ltd (Berlin)", "Ann, +49 30 123"):
        assert expected in sent.body
    services.decide(Declaration.objects.get(), alice, timezone.now(), accepted=True)
    tend(timezone.now)
    alert.refresh_from_db()
    assert alert.resolved_at is not None
    assert Alert.objects.filter(kind="outage", subject=Declaration.objects.get().code, resolved_at=None).exists()


def test_reports_are_limited_by_customer(
    client: Client, service: Service, view: str, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MOST_WAITING", 2)
    monkeypatch.setattr(services, "REPORTS_A_DAY", 3)
    for _ in range(2):
        client.post(f"{view}report/", told(service))
    refused = client.post(f"{view}report/", told(service))
    assert (refused.status_code, Declaration.objects.count()) == (429, 2)
    assert "2 reports wait to be decided already" in refused.content.decode()
    assert "nothing was heard" in refused.content.decode()  # what was typed is not lost
    for waiting in Declaration.objects.all():
        services.decide(waiting, alice, timezone.now(), accepted=False, reason="a test")
    assert client.post(f"{view}report/", told(service)).status_code == 302
    assert "within a day" in client.post(f"{view}report/", told(service)).content.decode()
    other = Customer.objects.create(provider=alice.provider, name="Globex", created_at=timezone.now())
    services.report(Declaration(from_at=timezone.now(), what="x"), [], other, timezone.now())


def test_a_report_needs_the_token_of_the_form_and_the_link(client: Client, service: Service, view: str) -> None:
    strict = Client(enforce_csrf_checks=True, headers={"host": "127.0.0.1"})
    assert strict.post(f"{view}report/", told(service)).status_code == 403
    form = strict.get(f"{view}report/")
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', form.content.decode())
    assert token
    assert form.headers["Referrer-Policy"] == "same-origin"  # with none, browsers send an origin that CSRF refuses
    assert strict.post(f"{view}report/", told(service, csrfmiddlewaretoken=token[1])).status_code == 302
    assert client.post("/status/customers/forged/report/", told(service)).status_code == 404


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("from_at", "2099-01-01T00:00:00", "of the last 62 days"),
        ("from_at", "2020-01-01T00:00:00", "of the last 62 days"),
        ("until_at", "2020-01-01T00:00:00", "It ended after it began"),
        ("contact", "", "required"),
        ("shown", "x" * 4001, "at most 4000"),
        ("places", ["999"], "not one of the available choices"),
    ],
)
def test_what_cannot_be_meant_is_refused_beside_its_field(
    client: Client, service: Service, view: str, field: str, value: object, why: str
) -> None:
    answer = client.post(f"{view}report/", told(service, **{field: value}))
    assert (answer.status_code, Declaration.objects.count()) == (422, 0)
    assert why in answer.content.decode()


def test_another_customers_service_cannot_be_reported(client: Client, service: Service, view: str, alice: User) -> None:
    customer = Customer.objects.create(provider=alice.provider, name="Globex", created_at=timezone.now())
    other = Service.objects.create(
        customer=customer, name="Trunk", monthly_fee=1, currency="USD", agreement=service.agreement,
        starts_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    assert "Trunk" not in client.get(f"{view}report/").content.decode()
    assert client.post(f"{view}report/", told(service, places=[other.pk])).status_code == 422


def test_a_report_counts_by_the_moment_that_the_customer_gave(service: Service, client: Client, view: str) -> None:
    now = timezone.now().replace(microsecond=0)
    since, until = (f"{moment:%Y-%m-%dT%H:%M:%S}" for moment in (now - 2 * HOUR, now - HOUR))
    client.post(f"{view}report/", told(service, from_at=since, until_at=until))
    report = Declaration.objects.get()
    assert (report.from_at, report.until_at) == (now - 2 * HOUR, now - HOUR)
    assert not report.runs_at(datetime_us(now))
