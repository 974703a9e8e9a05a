"""Components on the status page: what tells of them, and that their uptime is what statements count."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from platform_kit import NOW, samples

from clearline.agreement.months import Month
from clearline.platform.accounts.models import User
from clearline.platform.availability.models import Component, Target
from clearline.platform.customers.models import Customer, Service
from clearline.platform.measurements import records
from clearline.platform.outages import services
from clearline.platform.outages.models import Correction, Declaration
from clearline.platform.outages.scope import save_component
from clearline.platform.statements.services import month_statement
from clearline.platform.status import publish
from clearline.platform.status.documents import documents
from clearline.platform.status.incidents import list_component
from clearline.platform.status.models import Listing
from clearline.platform.status.snapshot import ComponentStatus, take

pytestmark = pytest.mark.django_db

FIRST = datetime(2026, 10, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOUR_S = 3600


def component(alice: User, name: str, targets: dict[Target, str], *needs: Component) -> Component:
    made = Component(name=f"inner {name}")
    save_component(made, needs, targets, alice, NOW)
    return made


def shown(alice: User, name: str, targets: dict[Target, str], *needs: Component) -> Component:
    """A component shown in public under a name, which is called something else inside."""
    made = component(alice, name, targets, *needs)
    list_component(Listing(component=made, name=name), alice, NOW)
    return made


def another(target: Target, name: str, **more: object) -> Target:
    return Target.objects.create(
        provider=target.provider, name=name, uri="sip:127.0.0.1:5064", interval_seconds=15, timeout_seconds=4,
        **{"added_at": NOW, **more},
    )  # fmt: skip


def probed(target: Target, results: str) -> None:
    records().append(samples(target, NOW - timedelta(seconds=15 * len(results)), results))


def page(target: Target, at: datetime) -> str:
    return publish.files(take(target.provider, at))["index.html"].decode()


def test_a_component_of_which_one_capability_fails_is_partly_down_and_says_which(target: Target, alice: User) -> None:
    incoming = another(target, "Incoming")
    shown(alice, "Telephony", {target: "register", incoming: "call_in"})
    probed(target, "+" * 40)
    probed(incoming, "+" * 36 + "----")
    (one,) = take(target.provider, NOW).components
    assert (one.state, one.capabilities) == ("partial", {"register": "operational", "call_in": "down"})
    text = page(target, NOW)
    assert "Being called: down" in text
    assert "Registering telephones: operational" in text
    (document,) = documents(take(target.provider, NOW), "https://x")["components.json"]["components"]
    assert document["status"] == "partial_outage"
    assert document["clearline_capabilities"] == {"register": "operational", "call_in": "down"}


def test_a_component_is_down_with_what_it_needs_and_names_only_what_is_listed(target: Target, alice: User) -> None:
    relay = another(target, "Relay")
    core = shown(alice, "Core", {target: ""})
    hidden = component(alice, "Cellar", {}, core)
    shown(alice, "Conferences", {relay: ""}, hidden)
    probed(target, "+" * 36 + "----")
    probed(relay, "+" * 40)
    assert {one.name: one.state for one in take(target.provider, NOW).components} == {
        "Conferences": "down",
        "Core": "down",
    }
    text = page(target, NOW)
    assert "needs Core" in text
    assert "Cellar" not in text
    assert "inner" not in text


def test_a_component_of_which_one_capability_is_not_measured_is_not_called_working(target: Target, alice: User) -> None:
    shown(alice, "Telephony", {target: "register", another(target, "Incoming"): "call_in"})
    probed(target, "+" * 40)
    (one,) = take(target.provider, NOW).components
    assert one.state == "unknown"


def test_a_component_that_nothing_tells_of_is_not_measured(target: Target, alice: User) -> None:
    shown(alice, "Fax", {})
    (one,) = take(target.provider, NOW).components
    assert (one.state, one.months) == ("unknown", ())


def test_a_target_added_later_leaves_the_months_before_as_they_were(
    service: Service, target: Target, alice: User
) -> None:
    Target.objects.update(added_at=FIRST - DAY)
    shown(alice, "Telephony", {target: "", another(target, "New", added_at=FIRST + 40 * DAY): ""})
    records().append(samples(target, FIRST, "+" * 743 + "-", HOUR_S))
    (one,) = take(target.provider, FIRST + 41 * DAY).components
    october = next(month for month in one.months if month.month == "2026-10")
    assert october.uptime == "100.0000"


@pytest.fixture
def listed(service: Service, target: Target, alice: User) -> Service:
    """468 hours of October seen, the three from the 3rd at 10:00 down; its target is shown as Telephony."""
    Target.objects.update(added_at=FIRST)
    shown(alice, "Telephony", {target: ""})
    records().append(samples(target, FIRST, "+" * 58 + "---" + "+" * 408, HOUR_S))
    return service


def public(service: Service, now: datetime = NOW) -> ComponentStatus:
    (one,) = take(service.customer.provider, now).components
    return one


def stated(service: Service) -> str:
    """The uptime of October on the service's statement."""
    found = month_statement(service, Month(2026, 10), NOW)
    assert found is not None
    measured: str = found.statement.to_json()["commitments"]["availability"]["measured"]
    return measured


def correct(of: list[Service], becomes: str, alice: User, bob: User, **more: object) -> None:
    """Have it signed off what the second of the three hours becomes."""
    told = {"becomes": becomes, "reason": "two people called in", "outage": "", **more}
    correction = Correction(from_at=FIRST + 59 * HOUR, until_at=FIRST + 60 * HOUR, **told)
    services.propose(correction, of, alice, NOW)
    services.decide(correction, bob, NOW, accepted=True)


def declare(of: list[Service], hours: tuple[int, int | None], alice: User, bob: User) -> Declaration:
    until_at = None if hours[1] is None else FIRST + hours[1] * HOUR
    declaration = Declaration(from_at=FIRST + hours[0] * HOUR, until_at=until_at, what="no audio")
    services.declare(declaration, of, alice, NOW)
    services.decide(declaration, bob, NOW, accepted=True)
    return declaration


@pytest.mark.parametrize(
    ("becomes", "more", "uptime"),
    [
        ("up", {}, "99.5726"),  # 2 of 468 hours were down
        ("down", {}, "99.3589"),  # 3 of 468, as measured
        ("unknown", {}, "99.5717"),  # 2 of 467
        ("maintenance", {"announced_at": FIRST}, "99.5717"),
        ("maintenance", {}, "99.3589"),  # never announced, it is downtime still
        ("excluded", {"cause": "customer"}, "99.3589"),  # the default agreement does not allow this cause
    ],
)
def test_a_correction_changes_the_page_as_it_changes_the_statement(
    listed: Service, alice: User, bob: User, becomes: str, more: dict[str, object], uptime: str
) -> None:
    correct([listed], becomes, alice, bob, **more)
    assert stated(listed) == public(listed).months[0].uptime == uptime


def test_a_declared_outage_changes_the_page_as_it_changes_the_statement(
    listed: Service, alice: User, bob: User
) -> None:
    declare([listed], (100, 104), alice, bob)
    assert stated(listed) == public(listed).months[0].uptime == "98.5042"  # 7 of 468 hours


def second(service: Service) -> Service:
    customer = Customer.objects.create(provider=service.customer.provider, name="Globex", created_at=NOW)
    other = Service.objects.create(
        customer=customer, name="Trunk", monthly_fee=Decimal(100), currency="USD",
        agreement=service.agreement, starts_at=service.starts_at,
    )  # fmt: skip
    other.targets.set(service.targets.all())
    return other


def test_where_customers_fared_differently_the_page_says_how_it_was_for_the_worst(
    listed: Service, alice: User, bob: User
) -> None:
    """What helps one customer's statement does not brighten the page; what is accepted for one darkens it."""
    other = second(listed)
    correct([other], "up", alice, bob)
    assert (stated(listed), stated(other)) == ("99.3589", "99.5726")
    assert public(listed).months[0].uptime == "99.3589"
    declare([other], (100, 104), alice, bob)
    assert stated(other) == public(listed).months[0].uptime == "98.7179"  # 6 of 468 hours
    assert "Globex" not in page(listed.targets.get(), NOW)


def test_a_correction_of_an_outage_measured_elsewhere_is_not_about_this_component(
    listed: Service, alice: User, bob: User
) -> None:
    correct([listed], "up", alice, bob, outage="O-999-20261003T100000Z")
    assert public(listed).months[0].uptime == "99.3589"


def test_a_declared_outage_that_runs_is_shown_as_it_is_felt(listed: Service, alice: User, bob: User) -> None:
    other = second(listed)
    first = declare([listed], (460, None), alice, bob)
    assert public(listed).state == "partial"
    assert public(listed).since == first.from_at
    declare([other], (461, None), alice, bob)
    assert public(listed).state == "down"


def test_the_page_says_what_the_agreement_makes_of_maintenance(listed: Service) -> None:
    assert "Maintenance announced at least 2 d before it is left out; what was not measured is left out." in page(
        listed.targets.get(), NOW
    )


LISTED_BEFORE = """
import django; django.setup()
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

def at(status):
    names = [("availability", "0003_components"), ("status", status)]
    MigrationExecutor(connection).migrate(names)
    return MigrationExecutor(connection).loader.project_state(names).apps.get_model

get = at("0001_initial")
now = timezone.now()
provider = get("accounts", "Provider").objects.create(name="Northwind", created_at=now)
proxy, web = (get("availability", "Component")(provider=provider, name=name) for name in ("Proxy", "Web"))
proxy.save(); web.save()
def listed(name, position, **more):
    target = get("availability", "Target").objects.create(
        provider=provider, name=name, uri="sip:a", interval_seconds=15, timeout_seconds=4, added_at=now, **more)
    return get("status", "Listing").objects.create(target=target, name=name, position=position, listed_at=now)
listed("Calls", 1, component_id=proxy.pk)
twice = listed("Calls too", 2, component_id=proxy.pk)
listed("Fax", 3)
listed("Web", 4)
listed("Old", 5, retired_at=now)
incident = get("status", "Incident").objects.create(provider=provider, title="x", started_at=now)
incident.listings.add(twice)
get = at("0004_listings_without_targets")
for one in get("status", "Listing").objects.all():
    told = [target.name for target in one.component.targets.order_by("pk")]
    print(one.name, "|", one.component.name, "|", *told, "|", *one.incidents.values_list("title", flat=True))
"""


def test_what_was_listed_before_is_listed_as_the_component_it_is_part_of(tmp_path: Path) -> None:
    env = {"CLEARLINE_DATA": str(tmp_path), "DJANGO_SETTINGS_MODULE": "clearline.platform.settings"}
    command = [sys.executable, "-c", LISTED_BEFORE]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.stdout.splitlines() == [
        "Calls | Proxy | Calls Calls too | x",
        "Fax | Fax | Fax |",
        "Web | Web (target-4) | Web |",
    ], done.stderr
