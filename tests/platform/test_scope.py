"""Who feels an outage follows from components, what they need and what is bought; and so does the money."""

import pytest
from django.test import Client
from platform_kit import NOW, samples

from clearline.agreement.months import Month
from clearline.platform.accounts.models import User
from clearline.platform.availability.models import Capability, Component, Target
from clearline.platform.availability.services import retire_target
from clearline.platform.customers.models import Customer, Service
from clearline.platform.customers.services import save_service
from clearline.platform.measurements import records
from clearline.platform.outages.scope import derive, save_component, services_of, targets_of, with_needed
from clearline.platform.statements.services import month_statement

HOUR_S = 3600


def test_what_is_needed_is_found_through_others_and_in_circles() -> None:
    needs = {1: {2}, 2: {3, 1}, 4: {1}}
    assert with_needed([1], needs) == {1, 2, 3}
    assert with_needed([4], needs) == {1, 2, 3, 4}
    assert with_needed([3], needs) == {3}


def target(provider: object, name: str) -> Target:
    return Target.objects.create(
        provider=provider, name=name, uri=f"sip:{name}.example", interval_seconds=15, timeout_seconds=4, added_at=NOW
    )


@pytest.fixture
def house(service: Service, alice: User) -> dict[str, Target]:
    """Acme's proxy needs the relay; the relay's target tells of media; the trunk stands alone, for calls out."""
    found = {name: target(alice.provider, name) for name in ("proxy", "relay", "trunk")}
    relay, proxy, trunk = (Component(name=name) for name in ("Relay", "Proxy", "Trunk"))
    save_component(relay, [], {found["relay"]: Capability.MEDIA}, alice, NOW)
    save_component(proxy, [relay], {found["proxy"]: ""}, alice, NOW)
    save_component(trunk, [], {found["trunk"]: Capability.CALL_OUT}, alice, NOW)
    return found


def buy(service: Service, components: list[str], capabilities: list[str]) -> None:
    service.capabilities = capabilities
    service.save()
    service.components.set(Component.objects.filter(name__in=components))
    derive(service.customer.provider)


def owed(service: Service) -> str:
    found = month_statement(service, Month(2026, 10), NOW)
    assert found is not None
    return str(found.statement.total.amount)


@pytest.mark.django_db
def test_money_goes_to_those_who_use_what_failed(service: Service, house: dict[str, Target]) -> None:
    """The relay is down for 3 of 468 hours: 100.00 for the service that needs it for media, nothing for the others."""
    other = Customer.objects.create(provider=service.customer.provider, name="Beta", created_at=NOW)
    services = {"whole": service}
    for name in ("silent", "trunk"):
        services[name] = Service.objects.create(
            customer=other, name=name, monthly_fee=1000, currency="USD", agreement=service.agreement,
            starts_at=service.starts_at,
        )  # fmt: skip
    buy(services["whole"], ["Proxy"], Capability.values)
    buy(services["silent"], ["Proxy"], ["register"])
    buy(services["trunk"], ["Trunk"], Capability.values)
    first = NOW.replace(day=1, hour=0)
    for name, one in house.items():
        records().append(samples(one, first, "+" * 58 + ("---" if name == "relay" else "+++") + "+" * 408, HOUR_S))
    assert [owed(one) for one in services.values()] == ["100.00 USD", "0.00 USD", "0.00 USD"]
    assert services_of([house["relay"]]) == [service]
    assert set(services_of([house["proxy"]])) == {service, services["silent"]}


@pytest.mark.django_db
def test_a_service_without_components_keeps_the_targets_chosen_by_hand(
    service: Service, house: dict[str, Target]
) -> None:
    before = set(service.targets.all())
    derive(service.customer.provider)
    assert set(service.targets.all()) == before


@pytest.mark.django_db
def test_a_retired_target_is_not_looked_for_after_its_end(service: Service, target: Target) -> None:
    """Two targets, one retired at 100 h and never measured after: the hours after are those of the other alone."""
    other = Target.objects.create(
        provider=target.provider, name="New", uri="sip:new.example", interval_seconds=15, timeout_seconds=4,
        added_at=NOW,
    )  # fmt: skip
    service.targets.add(other)
    first = NOW.replace(day=1, hour=0)
    records().append([*samples(other, first, "+" * 200, HOUR_S), *samples(target, first, "+" * 100, HOUR_S)])
    target.retired_at = first.replace(day=5, hour=4)
    target.save()
    found = month_statement(service, Month(2026, 10), NOW)
    assert found is not None
    assert found.statement.to_json()["seconds"]["up"] == 200 * HOUR_S


def up_hours(service: Service, month: Month) -> float:
    found = month_statement(service, month, NOW)
    assert found is not None
    return found.statement.to_json()["seconds"]["up"] / HOUR_S


@pytest.mark.django_db
def test_a_target_added_in_mid_month_makes_no_earlier_time_unmeasured(service: Service, target: Target) -> None:
    """One target measures 200 h of October, another is added at 100 h and measures 50: up are 150 h, not 50."""
    other = Target.objects.create(
        provider=target.provider, name="New", uri="sip:new.example", interval_seconds=15, timeout_seconds=4,
        added_at=NOW.replace(day=5, hour=4),
    )  # fmt: skip
    september, first = NOW.replace(month=9, day=1, hour=0), NOW.replace(day=1, hour=0)
    records().append([*samples(target, september, "+" * 720, HOUR_S), *samples(target, first, "+" * 200, HOUR_S)])
    before = up_hours(service, Month(2026, 9))
    service.targets.add(other)
    assert up_hours(service, Month(2026, 10)) == 100
    records().append(samples(other, other.added_at, "+" * 50, HOUR_S))
    assert up_hours(service, Month(2026, 10)) == 150
    assert up_hours(service, Month(2026, 9)) == before == 720


@pytest.mark.django_db
def test_components_on_the_pages(page: Client, service: Service, target: Target) -> None:
    given = {"name": "Proxy", target.code: "register"}
    assert page.post("/availability/outages/components/add/", given).status_code == 302
    assert page.post("/availability/outages/components/add/", given).status_code == 422
    component = Component.objects.get()
    target.refresh_from_db()
    assert (target.component, target.capability) == (component, "register")
    changed = {
        "name": service.name, "monthly_fee": "1000", "currency": "USD", "agreement": service.agreement.pk,
        "first_day": "2026-01-15", "components": component.pk, "capabilities": "media",
    }  # fmt: skip
    assert page.post(f"/customers/services/{service.pk}/edit/", changed).status_code == 302
    assert list(service.targets.all()) == []
    page.post(f"/availability/outages/components/{component.pk}/", {"name": "Proxy", target.code: "all"})
    assert list(service.targets.all()) == [target]
    assert "all of it" in page.get("/availability/outages/components/").content.decode()


@pytest.mark.django_db
def test_a_component_forms_answer_that_is_missing_is_an_error_and_widens_nothing(
    page: Client, service: Service, house: dict[str, Target]
) -> None:
    proxy = Component.objects.get(name="Proxy")
    before = list(Target.objects.order_by("pk").values_list("component", "capability"))
    whole = dict.fromkeys((one.code for one in Target.objects.all()), "no") | {house["proxy"].code: "register"}
    for missing in whole:
        for answer in ({}, {missing: ""}):
            part = {name: value for name, value in whole.items() if name != missing} | answer
            address = f"/availability/outages/components/{proxy.pk}/"
            assert page.post(address, {"name": "Proxy", **part}).status_code == 422
    assert list(Target.objects.order_by("pk").values_list("component", "capability")) == before


@pytest.mark.django_db
def test_a_retired_target_stays_with_its_component_and_its_services(
    page: Client, alice: User, service: Service
) -> None:
    needed, by_hand = target(alice.provider, "proxy"), target(alice.provider, "echo")
    component = Component(name="Proxy")
    save_component(component, [], {needed: ""}, alice, NOW)
    service.components.set([component])
    for one in (needed, by_hand):
        retire_target(one, alice, NOW)
    others = dict.fromkeys((one.code for one in Target.objects.filter(retired_at=None)), "no")
    page.post(f"/availability/outages/components/{component.pk}/", {"name": "Proxy", **others})
    needed.refresh_from_db()
    assert (needed.component, targets_of(service)) == (component, [needed])
    service.components.clear()
    service.targets.set([by_hand])
    save_service(service, {"first_day": NOW.date(), "last_day": None, "targets": []}, alice, NOW)
    assert targets_of(service) == [by_hand]
