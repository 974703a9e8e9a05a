"""The public status page: what it says, that it needs no database, and who is told."""

import json
import re
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from icalendar import Calendar
from mail_kit import Inbox
from platform_kit import NOW, samples

from clearline.platform.accounts.models import Provider, User
from clearline.platform.availability.models import Component, Target
from clearline.platform.customers.models import Customer, Service
from clearline.platform.maintenance import planning
from clearline.platform.maintenance.models import Window
from clearline.platform.measurements import records
from clearline.platform.outages.scope import save_component
from clearline.platform.outbox.models import Channel, Delivery
from clearline.platform.outbox.sending import send_due
from clearline.platform.status import files, publish, subscriptions
from clearline.platform.status.documents import summary
from clearline.platform.status.incidents import add_update, list_component, open_incident
from clearline.platform.status.models import Incident, Listing, Subscriber, Update
from clearline.platform.status.snapshot import take
from clearline.platform.status.uptime import MonthFigure

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ATOM = "{http://www.w3.org/2005/Atom}"
database = pytest.mark.django_db


@pytest.fixture
def listing(target: Target, alice: User) -> Listing:
    component = Component(name="inner Calling")
    save_component(component, [], {target: ""}, alice, timezone.now())
    listing = Listing(component=component, name="Calling")
    list_component(listing, alice, timezone.now())
    return listing


def probed(target: Target, results: str = "+" * 40) -> None:
    records().append(samples(target, timezone.now() - timedelta(seconds=15 * len(results)), results))


def published() -> dict[str, Any]:
    publish.publish(timezone.now)
    found = {}
    for path, (name, kind) in files.FILES.items():
        content = (publish.directory() / "current" / name).read_bytes()
        found[path] = json.loads(content) if "json" in kind else content.decode()
    return found


@database
@pytest.mark.parametrize(
    ("results", "state", "status", "indicator"),
    [
        ("+" * 40, "operational", "operational", "none"),
        ("+" * 36 + "----", "down", "major_outage", "critical"),
        ("", "unknown", "degraded_performance", "minor"),
    ],
)
def test_a_component_is_as_it_was_measured_and_unknown_is_never_good(
    target: Target, listing: Listing, results: str, state: str, status: str, indicator: str
) -> None:
    probed(target, results)
    summary = published()["api/v2/summary.json"]
    (component,) = summary["components"]
    assert (component["clearline_state"], component["status"], component["name"]) == (state, status, "Calling")
    assert summary["status"]["indicator"] == indicator


@database
def test_nothing_is_shown_that_was_not_listed(target: Target, service: Service) -> None:
    probed(target)
    found = published()
    assert found["api/v2/components.json"]["components"] == []
    for text in (json.dumps(found), found[""]):
        assert "Reflector" not in text
        assert "Acme" not in text


@database
def test_a_page_without_components_is_not_green(target: Target) -> None:
    assert 'class="banner none empty"' in publish.files(take(target.provider, NOW))["index.html"].decode()


@database
def test_an_incident_that_no_component_shows_is_no_green_page(provider: Provider) -> None:
    Incident.objects.create(provider=provider, title="No dial tone", started_at=NOW)
    assert summary(take(provider, NOW)) == ("minor", "An Incident Is Being Looked After")


@database
def test_months_are_measured_as_the_agreement_does(target: Target, service: Service, listing: Listing) -> None:
    Target.objects.update(added_at=NOW - 400 * DAY)
    records().append(samples(target, NOW - timedelta(minutes=20), "+" * 20 + "-" * 20 + "+" * 40))
    (component,) = take(target.provider, NOW).components
    assert [month.month for month in component.months] == [
        *(f"2026-{number:02}" for number in range(10, 0, -1)), "2025-12", "2025-11",
    ]  # fmt: skip
    assert component.months[0].uptime == "75.0000"  # 5 of 20 minutes were down, the rest of October was not measured
    assert component.months[1] == MonthFigure("2026-09", None, "0.0000")
    page = publish.files(take(target.provider, NOW))["index.html"].decode()
    assert "75.0000 % this month" in page
    assert "not measured" in page


@database
def test_maintenance_of_a_listed_component_is_told_without_the_customer(
    service: Service, target: Target, listing: Listing, alice: User
) -> None:
    probed(target)
    now = timezone.now()
    window = Window(title="Core upgrade", from_at=now - HOUR, until_at=now + HOUR)
    planning.plan(window, [service], alice, now)
    later = Window(title="Later work", from_at=now + DAY, until_at=now + DAY + HOUR)
    planning.plan(later, [service], alice, now)
    found = published()
    assert [one["name"] for one in found["api/v2/scheduled-maintenances/active.json"]["scheduled_maintenances"]] == [
        "Core upgrade"
    ]
    (upcoming,) = found["api/v2/scheduled-maintenances/upcoming.json"]["scheduled_maintenances"]
    assert (upcoming["name"], upcoming["status"], upcoming["impact"]) == ("Later work", "scheduled", "maintenance")
    assert found["api/v2/components.json"]["components"][0]["status"] == "under_maintenance"
    assert "Later work" in found[""]
    events = Calendar.from_ical(found["maintenance.ics"]).walk("VEVENT")
    assert sorted((str(event["summary"]), str(event["uid"])) for event in events) == sorted(
        [("Core upgrade", window.uid), ("Later work", later.uid)]
    )
    assert "Acme" not in json.dumps(found)
    planning.cancel(later, alice, now)
    assert published()["api/v2/scheduled-maintenances/upcoming.json"]["scheduled_maintenances"] == []


def opened(listing: Listing, alice: User, title: str = "No dial tone") -> Incident:
    incident = Incident(title=title, impact="major", started_at=timezone.now())
    open_incident(incident, [listing], Update(stage="investigating", body="We look."), alice, timezone.now())
    return incident


@database
def test_an_incident_is_told_until_it_is_resolved(target: Target, listing: Listing, alice: User) -> None:
    probed(target)
    incident = opened(listing, alice, "No <b>dial</b> tone \x0b")
    found = published()
    (told,) = found["api/v2/incidents/unresolved.json"]["incidents"]
    assert (told["status"], told["impact"], told["resolved_at"]) == ("investigating", "major", None)
    assert [each["name"] for each in told["components"]] == ["Calling"]
    assert found["api/v2/status.json"]["status"] == {"indicator": "major", "description": "Partial System Outage"}
    assert "No &lt;b&gt;dial&lt;/b&gt; tone" in found[""]
    entries = ET.fromstring(found["feed.atom"]).findall(f"{ATOM}entry")  # noqa: S314  # our own
    assert len(entries) == 1
    add_update(incident, Update(stage="resolved", body="It works."), alice, timezone.now())
    found = published()
    assert found["api/v2/incidents/unresolved.json"]["incidents"] == []
    (told,) = found["api/v2/incidents.json"]["incidents"]
    assert [each["status"] for each in told["incident_updates"]] == ["resolved", "investigating"]
    assert told["resolved_at"] is not None
    assert found["api/v2/status.json"]["status"]["indicator"] == "none"


COMPONENTS = {"operational", "under_maintenance", "degraded_performance", "partial_outage", "major_outage"}
INCIDENTS = {"investigating", "identified", "monitoring", "resolved", "postmortem"}
WINDOWS = {"scheduled", "in_progress", "verifying", "completed"}
"""The words of the interface's documentation, https://status.atlassian.com/api/v2."""


def moments(document: Any) -> list[str]:
    """Every moment in a document."""
    if isinstance(document, list):
        return [each for one in document for each in moments(one)]
    if not isinstance(document, dict):
        return []
    own = [value for key, value in document.items() if key.endswith(("_at", "_for", "_until")) and value is not None]
    return own + [each for value in document.values() for each in moments(value)]


STATUSPAGE_KEYS = {
    "components": {"id", "name", "status", "created_at", "updated_at", "position", "description", "group_id", "group"},
    "incidents": {"id", "name", "status", "created_at", "updated_at", "monitoring_at", "resolved_at", "impact",
                  "shortlink", "started_at", "page_id", "incident_updates", "components"},
    "scheduled_maintenances": {"id", "name", "status", "impact", "scheduled_for", "scheduled_until", "shortlink"},
}  # fmt: skip


@database
def test_the_read_interface_has_every_key_its_readers_ask_for(
    service: Service, target: Target, listing: Listing, alice: User
) -> None:
    opened(listing, alice)
    now = timezone.now()
    planning.plan(Window(title="Work", from_at=now + DAY, until_at=now + 2 * DAY), [service], alice, now)
    summary = published()["api/v2/summary.json"]
    assert set(summary) == {"page", "status", "components", "incidents", "scheduled_maintenances"}
    assert {"id", "name", "url", "time_zone", "updated_at"} == set(summary["page"])
    for part, keys in STATUSPAGE_KEYS.items():
        assert keys <= set(summary[part][0])


@database
def test_readers_of_the_interface_find_its_words_moments_with_a_fraction_and_something_said_of_each(
    service: Service, target: Target, listing: Listing, alice: User
) -> None:
    """As readers take it apart: `strptime` with `%f`, the latest of an incident's or a window's updates."""
    add_update(opened(listing, alice), Update(stage="monitoring", body="Better."), alice, timezone.now())
    now = timezone.now()
    for begins in (-HOUR, DAY):
        window = Window(title="Work", from_at=now + begins, until_at=now + begins + 2 * HOUR)
        planning.plan(window, [service], alice, now)
    planning.start(Window.objects.earliest("from_at"), alice, now)
    found = published()
    for path, document in found.items():
        if path.startswith("api/"):
            for moment in moments(document):
                datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S.%f%z")
    summary = found["api/v2/summary.json"]
    assert {each["status"] for each in summary["components"]} <= COMPONENTS
    assert [each["incident_updates"][0]["status"] for each in summary["incidents"]] == ["monitoring"]
    assert {update["status"] for each in summary["incidents"] for update in each["incident_updates"]} <= INCIDENTS
    said = {each["status"]: each["incident_updates"] for each in summary["scheduled_maintenances"]}
    assert set(said) == {"scheduled", "in_progress"}
    assert [update["status"] for update in said["in_progress"]] == ["in_progress", "scheduled"]
    assert {update["status"] for updates in said.values() for update in updates} <= WINDOWS


def write_page(text: bytes = b"<p>all is well</p><!--stale-->") -> None:
    publish.write({name: text for name, _ in files.FILES.values()}, publish.directory())


def test_the_page_is_served_without_the_database() -> None:
    """No fixture of this test opens the database, so any question to it would fail."""
    write_page()
    client = Client(headers={"host": "127.0.0.1", "cookie": "sessionid=abc; csrftoken=x"})
    for path, (_, kind) in files.FILES.items():
        answer = client.get(f"/status/{path}")
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, kind)
        assert answer.headers["Cache-Control"] == "public, max-age=15"
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert client.get("/status/", headers={"if-none-match": answer.headers["ETag"]}).status_code == 304


def test_the_page_is_served_when_the_database_is_ruined(tmp_path: Path) -> None:
    publish.write({name: b"all is well" for name, _ in files.FILES.values()}, tmp_path / "status")
    (tmp_path / "clearline.sqlite3").write_bytes(b"this is no database" * 1000)
    code = """
import django; django.setup()
from django.test import Client
client = Client(headers={"host": "127.0.0.1", "cookie": "sessionid=abc"}, raise_request_exception=False)
print(client.get("/healthz").status_code)
for path in ("/status/", "/status/api/v2/status.json"):
    print(client.get(path).content.decode())
"""
    env = {"CLEARLINE_DATA": str(tmp_path), "DJANGO_SETTINGS_MODULE": "clearline.platform.settings"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stdout == "500\nall is well\nall is well\n"


def test_a_page_that_is_not_renewed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    write_page()
    client = Client(headers={"host": "127.0.0.1"})
    assert b"not been renewed" not in client.get("/status/").content
    monkeypatch.setattr(files, "STALE_S", -1)
    assert b"not been renewed" in client.get("/status/").content


def test_before_the_first_writing_it_says_so() -> None:
    assert Client(headers={"host": "127.0.0.1"}).get("/status/").status_code == 503


def test_the_files_are_swapped_whole_and_old_ones_go() -> None:
    root = publish.directory()
    for number in range(5):
        write_page(f"{number}".encode())
        assert {path.read_bytes() for path in (root / "current").rglob("*.*") if path.is_file()} == {
            f"{number}".encode()
        }
    assert sorted(path.name for path in root.iterdir()) == ["4", "5", "current"]


def test_only_its_own_files_are_served() -> None:
    write_page()
    assert files.FILES.get("../../secret-key") is None
    client = Client(headers={"host": "127.0.0.1"}, raise_request_exception=False)
    for path in ("../secret-key", "%2e%2e/secret-key", "api/v2/../../index.html", "index.html"):
        assert client.get(f"/status/{path}").status_code == 404


def deliver() -> None:
    send_due(Channel.EMAIL, timezone.now)


def links(inbox: Inbox, address: str) -> list[str]:
    text = inbox.to(address)[-1].get_body().get_content()  # type: ignore[union-attr]  # it has one
    return re.findall(r"http://\S+?(/status/\S+)", text)


@database
def test_who_asks_is_told_after_confirming_and_leaves_by_one_click(
    client: Client, listing: Listing, alice: User, inbox: Inbox
) -> None:
    cache.clear()
    assert client.get("/status/subscribe/").status_code == 200
    asked = client.post("/status/subscribe/", {"channel": "email", "address": "ann@acme.example"})
    assert "on its way" in asked.content.decode()
    opened(listing, alice, "Before she confirmed")
    deliver()
    assert [message["Subject"] for message in inbox.to("ann@acme.example")] == ["Confirm: status of Northwind Telecom"]
    confirm = links(inbox, "ann@acme.example")[0]
    assert "Yes, tell me" in client.get(confirm).content.decode()
    assert Subscriber.objects.get().confirmed_at is None  # a scanner that follows links confirms nothing
    client.post(confirm)
    incident = opened(listing, alice)
    deliver()
    (told,) = [each for each in inbox.to("ann@acme.example") if "No dial tone" in each["Subject"]]
    leave = re.sub(r"^<http://[^/]+|>$", "", told["List-Unsubscribe"])
    assert told["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    strict = Client(enforce_csrf_checks=True, headers={"host": "127.0.0.1"})
    assert strict.post(leave, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not Subscriber.objects.exists()
    add_update(incident, Update(stage="resolved", body="It works."), alice, timezone.now())
    deliver()
    assert len(inbox.to("ann@acme.example")) == 2
    assert "Nothing is sent" in client.get(leave).content.decode()


@database
def test_a_webhook_subscribes_with_a_secret_and_is_told_of_maintenance(
    client: Client, service: Service, target: Target, listing: Listing, alice: User
) -> None:
    cache.clear()
    answer = client.post("/status/subscribe/", {"channel": "webhook", "address": "https://hooks.acme.example/"})
    assert "whsec_" in answer.content.decode()
    (asked,) = Delivery.objects.all()
    document = json.loads(asked.body)
    assert document["type"] == "subscription.confirm"
    client.post(document["data"]["confirm_url"].partition("127.0.0.1:8080")[2])
    now = timezone.now() + timedelta(seconds=1)
    planning.plan(Window(title="Work", from_at=now + DAY, until_at=now + 2 * DAY), [service], alice, now)
    for _ in range(2):
        subscriptions.tell_of_maintenance(alice.provider, now)
    (told,) = Delivery.objects.filter(about__startswith="status/notice")
    assert json.loads(told.body)["type"] == "maintenance.announced"
    assert "Acme" not in told.body


@database
def test_a_link_for_one_thing_does_not_do_for_another(client: Client, provider: Provider) -> None:
    subscriptions.ask(provider, "email", "ann@acme.example", timezone.now())
    subscriber = Subscriber.objects.get()
    confirm = subscriptions._link("status-confirm", subscriptions.CONFIRM, subscriber)
    token = confirm.rstrip("/").rpartition("/")[2]
    client.post(f"/status/end/{token}/")
    assert Subscriber.objects.exists()
    assert client.post("/status/confirm/forged/").status_code == 404


@database
def test_the_form_cannot_be_used_to_flood_anybody(
    client: Client, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.clear()
    for _ in range(3):
        client.post("/status/subscribe/", {"channel": "email", "address": "ann@acme.example"})
    assert Delivery.objects.count() == 1
    monkeypatch.setattr(subscriptions, "MOST_ASKED", 1)
    assert client.post("/status/subscribe/", {"channel": "email", "address": "bob@acme.example"}).status_code == 429
    for number in range(20):
        answer = client.post("/status/subscribe/", {"channel": "email", "address": f"{number}@acme.example"})
    assert "too often" in answer.content.decode()
    wrong = client.post("/status/subscribe/", {"channel": "webhook", "address": "http://127.0.0.1/"})
    assert wrong.status_code == 422


@database
def test_a_customers_link_shows_its_services_and_no_others(
    page: Client, client: Client, service: Service, target: Target, alice: User
) -> None:
    probed(target)
    other = Customer.objects.create(provider=alice.provider, name="Globex", created_at=timezone.now())
    now = timezone.now()
    planning.plan(Window(title="Core upgrade", from_at=now + DAY, until_at=now + 2 * DAY), [service], alice, now)
    answer = page.post(f"/incidents/customers/{service.customer.pk}/link/", follow=True).content.decode()
    first = re.search(r"http://\S+?(/status/customers/\S+/)", answer)
    assert first
    seen = client.get(first[1])
    text = seen.content.decode()
    assert seen.headers["Referrer-Policy"] == "no-referrer"
    for expected in ("Acme", "Hosted voice", "Core upgrade", "operational"):
        assert expected in text
    assert other.name not in text
    feed = ET.fromstring(client.get(f"{first[1]}feed.atom").content)  # noqa: S314  # our own
    (entry,) = feed.findall(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}title") == "Announcement: Core upgrade"
    assert "Hosted voice (S-" in str(entry.findtext(f"{ATOM}content"))
    (event,) = Calendar.from_ical(client.get(f"{first[1]}maintenance.ics").content).walk("VEVENT")
    assert event["uid"] == Window.objects.get().uid
    page.post(f"/incidents/customers/{service.customer.pk}/link/")
    assert client.get(first[1]).status_code == 404


@database
def test_an_open_incident_is_not_hidden_by_maintenance(
    service: Service, target: Target, listing: Listing, alice: User
) -> None:
    probed(target)
    now = timezone.now()
    planning.plan(Window(title="Work", from_at=now - HOUR, until_at=now + HOUR), [service], alice, now)
    opened(listing, alice)
    assert published()["api/v2/status.json"]["status"]["indicator"] == "major"


@database
def test_operators_tell_of_incidents_on_their_page(page: Client, listing: Listing) -> None:
    values = {
        "title": "No dial tone", "impact": "critical", "started_at": "2026-01-01T00:00", "listings": [listing.pk],
        "stage": "investigating", "body": "We look.",
    }  # fmt: skip
    assert page.post("/incidents/add/", {**values, "started_at": "2099-01-01T00:00"}).status_code == 422
    page.post("/incidents/add/", values)
    incident = Incident.objects.get()
    page.post(f"/incidents/{incident.pk}/", {"stage": "resolved", "body": "It works."})
    incident.refresh_from_db()
    assert incident.resolved_at is not None
    other = Component.objects.create(provider=incident.provider, name="Trunk")
    again = page.post("/incidents/components/add/", {"component": other.pk, "name": listing.name, "position": 2})
    assert "Another component is shown under this name" in again.content.decode()
    page.post(f"/incidents/components/{listing.pk}/remove/")
    assert take(incident.provider, timezone.now()).components == ()
