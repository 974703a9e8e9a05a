"""Alice works for Northwind, Charlie for Contoso: what Alice makes, Charlie must never see."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from mail_kit import Inbox, MailServer
from platform_kit import NOW
from pydantic import SecretStr

from clearline.platform.accounts.models import Provider, User
from clearline.platform.agreements.models import Agreement
from clearline.platform.agreements.services import add_default_agreement
from clearline.platform.availability import observation, runs
from clearline.platform.availability.models import Target
from clearline.platform.customers.models import Customer, Service

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _own_data_directory(tmp_path: Path, settings: Any) -> None:
    """Data of its own for each test, and nothing remembered from the one before: keys come again in a new database."""
    settings.CLEARLINE = django_settings.CLEARLINE.model_copy(update={"data": tmp_path})
    observation._observe.cache_clear()
    runs._condensed.clear()


@pytest.fixture
def provider(db: None) -> Provider:
    return Provider.objects.create(name="Northwind Telecom", created_at=NOW)


@pytest.fixture
def alice(provider: Provider) -> User:
    return User.objects.create_person(provider=provider, email="alice@northwind.example", password=PASSWORD)


@pytest.fixture
def bob(alice: User) -> User:
    """Alice's colleague: the second person."""
    return User.objects.create_person(provider=alice.provider, email="bob@northwind.example", password=None)


@pytest.fixture
def charlie(db: None) -> User:
    other = Provider.objects.create(name="Contoso Voice", created_at=NOW)
    return User.objects.create_person(provider=other, email="charlie@contoso.example", password=PASSWORD)


@pytest.fixture
def page(alice: User) -> Client:
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(alice)
    return client


@pytest.fixture
def stranger(charlie: User) -> Client:
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(charlie)
    return client


@pytest.fixture
def target(provider: Provider) -> Target:
    return Target.objects.create(
        provider=provider,
        name="Reflector",
        uri="sip:127.0.0.1:5062",
        interval_seconds=15,
        timeout_seconds=4,
        added_at=NOW,
    )


@pytest.fixture
def service(provider: Provider, target: Target) -> Service:
    """Acme's hosted voice for 1000.00 USD a month since 15 January 2026, under the default agreement."""
    add_default_agreement(provider, None, NOW)
    customer = Customer.objects.create(provider=provider, name="Acme Ltd", created_at=NOW)
    service = Service.objects.create(
        customer=customer,
        name="Hosted voice",
        monthly_fee=Decimal("1000.00"),
        currency="USD",
        agreement=Agreement.objects.get(provider=provider),
        starts_at=datetime(2026, 1, 15, tzinfo=UTC),
    )
    service.targets.add(target)
    return service


@pytest.fixture
def acme(service: Service) -> Customer:
    """Who buys the service, with an address that notices go to."""
    service.customer.contact = "it@acme.example"
    service.customer.save()
    return service.customer


@pytest.fixture
def inbox(settings: Any) -> Iterator[Inbox]:
    """What arrives at the mail server that the platform is set to use."""
    inbox = Inbox()
    server = MailServer(inbox)
    told = {"smtp_url": SecretStr(f"smtp://127.0.0.1:{server.port}"), "mail_from": "Northwind NOC <noc@nw.example>"}
    settings.CLEARLINE = settings.CLEARLINE.model_copy(update=told)
    yield inbox
    server.stop()
