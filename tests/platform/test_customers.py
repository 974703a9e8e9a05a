from decimal import Decimal

import pytest
from django.test import Client

from clearline.platform.audit.models import Event
from clearline.platform.customers.models import Customer, Service
from clearline.platform.customers.services import days_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(service: Service) -> dict[str, object]:
    return {
        "name": "SIP trunk",
        "monthly_fee": "49.90",
        "currency": "eur",
        "agreement": service.agreement.pk,
        "first_day": "2026-02-01",
        "last_day": "",
    }


def add(page: Client, service: Service, sent: dict[str, object], **other: object) -> str:
    answer = page.post(f"/customers/{service.customer.pk}/services/add/", sent | other)
    return "" if answer.status_code == 302 else answer.content.decode()


def test_a_service_lives_from_midnight_to_midnight_in_the_agreements_zone(
    page: Client, service: Service, sent: dict[str, object]
) -> None:
    service.agreement.versions.update(time_zone="Europe/Berlin")
    assert add(page, service, sent, last_day="2026-03-31") == ""
    added = Service.objects.get(name="SIP trunk")
    assert added.starts_at.isoformat() == "2026-01-31T23:00:00+00:00"
    assert added.ends_at is not None
    assert added.ends_at.isoformat() == "2026-03-31T22:00:00+00:00"
    assert {name: str(day) for name, day in days_of(added).items()} == {
        "first_day": "2026-02-01",
        "last_day": "2026-03-31",
    }
    assert (added.monthly_fee, str(added.fee)) == (Decimal("49.90"), "49.90 EUR")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"currency": "XYZ"}, "no such currency"),
        ({"monthly_fee": "-1"}, "not negative"),
        ({"monthly_fee": "1.005"}, "EUR has 2 decimals"),
        ({"currency": "JPY", "monthly_fee": "1.5"}, "JPY has 0 decimals"),
        ({"last_day": "2026-01-31"}, "cannot end before it begins"),
        ({"name": ""}, "required"),
    ],
)
def test_wrong_input_is_said_in_words(
    page: Client, service: Service, sent: dict[str, object], wrong: dict[str, str], words: str
) -> None:
    assert words in add(page, service, sent, **wrong)
    assert Service.objects.count() == 1


def test_changes_leave_their_trace(page: Client, service: Service, alice: object) -> None:
    page.post(f"/customers/{service.customer.pk}/edit/", {"name": "Acme Inc", "contact": "it@acme.example"})
    page.post(f"/customers/{service.customer.pk}/sites/add/", {"name": "Headquarters"})
    page.post("/customers/add/", {"name": "Globex"})
    assert set(Customer.objects.values_list("name", flat=True)) == {"Acme Inc", "Globex"}
    actions = list(Event.objects.filter(actor__isnull=False).values_list("action", flat=True))
    assert actions == ["customer.added", "site.added", "customer.changed"]
