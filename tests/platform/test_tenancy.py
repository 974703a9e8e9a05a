"""Tenancy through one door: views ask by `visible_to`, and every model that belongs to a provider has the door."""

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.core.management import call_command

from clearline.platform.accounts.models import Provider, SignInLink, User
from clearline.platform.customers.models import Customer, Service
from clearline.platform.tenancy import TenantModel

PLATFORM = Path(__file__).parents[2] / "src/clearline/platform"
EDGES = sorted([*PLATFORM.rglob("views.py"), *PLATFORM.rglob("forms.py")])

WITHOUT_A_DOOR = {Provider, User, SignInLink}
"""Asked for before anybody is signed in."""


@pytest.mark.parametrize("path", EDGES, ids=lambda path: str(path.relative_to(PLATFORM)))
def test_an_edge_asks_for_nothing_but_what_its_user_may_see(path: Path) -> None:
    asked = re.findall(r"(\w+)\.objects\.(\w+)", path.read_text())
    allowed = {"visible_to", "none"} | ({"filter"} if path.parent.name == "accounts" else set())
    assert {method for _, method in asked} <= allowed


def test_every_model_has_the_door() -> None:
    ours = {model for model in apps.get_models() if model.__module__.startswith("clearline.")}
    assert ours - WITHOUT_A_DOOR == {model for model in ours if issubclass(model, TenantModel)}


@pytest.mark.django_db
def test_the_door(service: Service, alice: User, charlie: User) -> None:
    assert list(Service.objects.visible_to(alice)) == [service]
    assert list(Customer.objects.visible_to(charlie)) == []
    assert list(Service.objects.visible_to(AnonymousUser())) == []


@pytest.mark.django_db
def test_migrations_say_what_the_models_say() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
