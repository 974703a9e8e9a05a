"""Every page: found, private, and nobody else's."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from platform_kit import call_record, samples

from clearline.agreement.moments import datetime_us
from clearline.platform.accounts.models import User
from clearline.platform.alerts.models import Alert, Responder, Signal
from clearline.platform.availability.models import Component, Target
from clearline.platform.availability.observation import observe, outage_id
from clearline.platform.calls.uploading import take_in
from clearline.platform.customers.models import Contact, Service
from clearline.platform.desk.models import Message, Request
from clearline.platform.maintenance.models import Exclusion, Window
from clearline.platform.measurements import records
from clearline.platform.outages.models import Correction, Declaration
from clearline.platform.outages.services import declare, propose
from clearline.platform.outbox.models import CallAccount
from clearline.platform.status.models import Incident, Listing
from clearline.platform.vantages.services import invite

pytestmark = pytest.mark.django_db

OPEN = {
    "welcome", "account_login", "account_reset_password", "account_signup", "healthz", "metrics",
    "agent-enrol", "agent-exchange", "status-subscribe", "status-confirm", "status-end", "status-customer",
    "status-customer-report", "status-customer-feed", "status-customer-calendar",
    "alert-link",
}  # fmt: skip
"""Addresses that need no sign-in; agents sign what they send."""


@pytest.fixture
def objects(service: Service, target: Target, alice: User) -> dict[str, str | int]:
    """One of everything, of Alice's provider."""
    now = timezone.now()
    window = Window.objects.create(
        provider=alice.provider,
        title="Upgrade",
        from_at=now,
        until_at=now + timedelta(hours=1),
        announced_at=now - timedelta(hours=1),
        notice="by e-mail",
        entered_at=now,
        approved_at=now,
    )
    window.services.add(service)
    contact = Contact.objects.create(customer=service.customer, address="it@acme.example", added_at=now)
    Exclusion.objects.create(
        service=service,
        from_at=now,
        until_at=now + timedelta(hours=1),
        cause="customer",
        reason="their firewall",
        approved_by=alice,
        entered_at=now,
    )
    request = Request.objects.create(service=service, subject="No dial tone", received_at=now, entered_at=now)
    Message.objects.create(request=request, kind="note", body="hm", at=now, author=alice, entered_at=now)
    upload = take_in(service, SimpleUploadedFile("a.pcap", b"\xd4\xc3\xb2\xa1"), alice, now).upload
    call = call_record(service, now - timedelta(minutes=5))
    records().append([*samples(target, now - timedelta(minutes=2), "++--+++"), call])
    outage = outage_id(target, observe(target, span_about(now), datetime_us(now)).outages[0])
    correction = Correction(outage=outage, from_at=now, until_at=now, becomes="up", reason="a test call")
    propose(correction, [service], alice, now)
    alert = Alert.objects.create(
        provider=alice.provider, kind="certificate", subject="x", title="Reflector ends", began_at=now, opened_at=now
    )
    responder = Responder(provider=alice.provider, name="Acme on call", address="a@northwind.example", added_at=now)
    responder.save()
    CallAccount.objects.create(provider=alice.provider, server="sip:pbx.northwind.example", user="alarm")
    declaration = Declaration(from_at=now, what="No audio")
    declare(declaration, [service], alice, now, file=SimpleUploadedFile("shot.png", b"png"))
    component = Component.objects.create(provider=alice.provider, name="Acme's trunk")
    return {
        "alert": alert.pk,
        "signal": Signal.objects.create(provider=alice.provider, name="Reflector's calls", limit=1).pk,
        "component": component.pk,
        "responder": responder.pk,
        "outage": outage,
        "correction": correction.pk,
        "declaration": declaration.pk,
        "incident": Incident.objects.create(provider=alice.provider, title="No dial tone", started_at=now).pk,
        "listing": Listing.objects.create(component=component, name="Calling", listed_at=now).pk,
        "window": window.pk,
        "contact": contact.pk,
        "vantage": invite(alice, "Berlin", now)[0].pk,
        "request": request.pk,
        "upload": upload.pk,
        "call": f"{call.start_us}/{call.key}",
        "month": f"{now:%Y-%m}",
        "version": service.agreement.versions.get().pk,
    }


def told_addresses(objects: dict[str, str | int], service: Service) -> dict[str, str]:
    """The addresses of maintenance, of what is said in public, and of what is sent."""
    return {
        "maintenance": "/maintenance/",
        "maintenance-calendar": "/maintenance/calendar/",
        "carrier-notice-read": "/maintenance/calendar/read/",
        "window-add": "/maintenance/add/",
        "window": f"/maintenance/{objects['window']}/",
        **{f"window-{deed}": f"/maintenance/{objects['window']}/{deed}/" for deed in DEEDS},
        "window-move": f"/maintenance/{objects['window']}/move/",
        "window-cancel": f"/maintenance/{objects['window']}/cancel/",
        "exclusion-add": "/maintenance/exclude/",
        "incidents": "/incidents/",
        "incident-add": "/incidents/add/",
        "incident": f"/incidents/{objects['incident']}/",
        "listing-add": "/incidents/components/add/",
        "listing-remove": f"/incidents/components/{objects['listing']}/remove/",
        "customer-link": f"/incidents/customers/{service.customer.pk}/link/",
        "outbox": "/deliveries/",
    }


def outage_addresses(objects: dict[str, str | int], service: Service) -> dict[str, str]:
    """The addresses of outages, alerts and closed months."""
    return {
        "alerts": "/alerts/",
        "signal-add": "/alerts/signals/add/",
        "signal-remove": f"/alerts/signals/{objects['signal']}/remove/",
        "alert-acknowledge": f"/alerts/{objects['alert']}/acknowledge/",
        "call-account": "/alerts/telephone/",
        "call-account-remove": "/alerts/telephone/remove/",
        "responder-add": "/alerts/on-call/add/",
        "responder-remove": f"/alerts/on-call/{objects['responder']}/remove/",
        "outage": f"/availability/outages/{objects['outage']}/",
        "components": "/availability/outages/components/",
        "restoration": "/availability/outages/restoration/",
        "component-add": "/availability/outages/components/add/",
        "component-edit": f"/availability/outages/components/{objects['component']}/",
        "outage-cost": f"/statements/running/{objects['outage']}/",
        "outage-note": f"/availability/outages/{objects['outage']}/note/",
        "post-mortem": f"/availability/outages/{objects['outage']}/post-mortem/",
        "post-mortem-export": f"/availability/outages/{objects['outage']}/post-mortem/json/",
        "outage-declare": "/availability/outages/declare/",
        "correction-add": "/availability/outages/correct/",
        "correction-decide": f"/availability/outages/corrections/{objects['correction']}/refuse/",
        "declaration-decide": f"/availability/outages/declared/{objects['declaration']}/refuse/",
        "declaration-file": f"/availability/outages/declared/{objects['declaration']}/",
        "declaration-end": f"/availability/outages/D-{objects['declaration']}/end/",
        "month-close": f"/statements/{service.pk}/{objects['month']}/close/",
    }


@pytest.fixture
def addresses(objects: dict[str, str | int], service: Service, target: Target) -> dict[str, str]:
    """One address for each view that shows or changes something of Alice's provider."""
    month = objects["month"]
    return {
        "dashboard": "/",
        "customers": "/customers/",
        "customer-add": "/customers/add/",
        "customer": f"/customers/{service.customer.pk}/",
        "customer-edit": f"/customers/{service.customer.pk}/edit/",
        "contact-add": f"/customers/{service.customer.pk}/contacts/add/",
        "contact-remove": f"/customers/contacts/{objects['contact']}/remove/",
        "site-add": f"/customers/{service.customer.pk}/sites/add/",
        "service-add": f"/customers/{service.customer.pk}/services/add/",
        "service": f"/customers/services/{service.pk}/",
        "service-edit": f"/customers/services/{service.pk}/edit/",
        "availability": "/availability/",
        "target-add": "/availability/targets/add/",
        "target": f"/availability/targets/{target.pk}/",
        "target-retire": f"/availability/targets/{target.pk}/retire/",
        "target-account": f"/availability/targets/{target.pk}/account/",
        "target-plot": f"/availability/targets/{target.pk}/plot/latency/1/",
        "target-watch": f"/availability/vantages/targets/{target.pk}/",
        "vantages": "/availability/vantages/",
        "watch-everywhere": "/availability/vantages/everywhere/",
        "vantage-revoke": f"/availability/vantages/{objects['vantage']}/revoke/",
        "calls": "/calls/",
        "upload": "/calls/upload/",
        "capture": f"/calls/captures/{objects['upload']}/",
        "capture-retry": f"/calls/captures/{objects['upload']}/retry/",
        "call": f"/calls/{objects['call']}/",
        "desk": "/desk/",
        "request-add": "/desk/add/",
        "request": f"/desk/{objects['request']}/",
        "statements": "/statements/",
        "statement": f"/statements/{service.pk}/{month}/",
        "statement-download": f"/statements/{service.pk}/{month}/evidence/",
        "agreements": "/agreements/",
        "agreement-add": "/agreements/add/",
        "agreement-version": f"/agreements/versions/{objects['version']}/",
        "people": "/people/",
        "audit": "/audit/",
        **told_addresses(objects, service),
        **outage_addresses(objects, service),
    }


DEEDS = ("approve", "start", "extend", "complete")
POST_ONLY = {
    "target-retire", "window-cancel", "capture-retry", "contact-remove", "vantage-revoke",
    "listing-remove", "customer-link",
    *(f"window-{deed}" for deed in DEEDS),
    "alert-acknowledge", "responder-remove", "call-account-remove", "month-close", "outage-note", "signal-remove",
    "correction-decide", "declaration-decide", "declaration-end",
}  # fmt: skip

SHARED = {
    "dashboard", "customers", "customer-add", "availability", "target-add", "maintenance", "window-add",
    "exclusion-add", "calls", "upload", "desk", "request-add", "statements", "agreements", "agreement-add", "people",
    "audit", "outbox", "vantages", "watch-everywhere", "maintenance-calendar", "carrier-notice-read", "incidents",
    "incident-add", "listing-add", "outage-declare", "correction-add",
    "alerts", "call-account", "responder-add", "components", "component-add", "signal-add",
    "restoration",
}  # fmt: skip
"""Addresses without an object in them: everybody has their own page there."""


SECRETS = (
    "Acme", "Hosted voice", "No dial tone", "Upgrade", "their firewall", "Reflector", "a.pcap", "No audio",
)  # fmt: skip
"""Words of Alice's things."""


def span_about(now: datetime) -> tuple[int, int]:
    return datetime_us(now - timedelta(hours=1)), datetime_us(now) + 1


def names(patterns: list[URLPattern | URLResolver]) -> set[str]:
    found: set[str] = set()
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            found |= names(pattern.url_patterns)
        elif pattern.name:
            found.add(pattern.name)
    return found


def test_no_view_escapes_these_tests(addresses: dict[str, str]) -> None:
    ours = {name for name in names(get_resolver().url_patterns) if not name.startswith(("account_", "mfa_"))}
    assert ours - OPEN == set(addresses)


def test_every_page_is_found(page: Client, addresses: dict[str, str]) -> None:
    for name, address in addresses.items():
        answer = page.post(address) if name in POST_ONLY else page.get(address)
        assert answer.status_code == (302 if name in POST_ONLY else 200), name


def test_every_page_asks_a_stranger_to_sign_in(client: Client, addresses: dict[str, str]) -> None:
    for name, address in addresses.items():
        answer = client.post(address) if name in POST_ONLY else client.get(address)
        assert answer.headers["Location"].startswith("/sign-in/?next="), name


def test_another_providers_person_finds_none_of_it(stranger: Client, addresses: dict[str, str]) -> None:
    for name, address in addresses.items():
        if name not in SHARED:
            assert stranger.get(address).status_code in ({405} if name in POST_ONLY else {404}), name
            assert stranger.post(address).status_code in {404, 405}, name


def test_another_providers_lists_show_none_of_it(stranger: Client, addresses: dict[str, str]) -> None:
    for name in SHARED:
        text = stranger.get(addresses[name]).content.decode()
        for secret in SECRETS:
            assert secret not in text, name


def test_forms_offer_nothing_of_another_provider(stranger: Client, service: Service, target: Target) -> None:
    answer = stranger.post("/desk/add/", {"service": service.pk, "subject": "x", "received_at": "2026-10-01T00:00"})
    assert answer.status_code == 422
    assert not Request.objects.exists()


class Links(HTMLParser):
    """Collects what a page loads and where it leads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.found += [value for key in ("src", "href", "action", "hx-get", "data-plot") if (value := named.get(key))]
        if "style" in named or any(key.startswith("on") for key in named) or (tag == "script" and "src" not in named):
            self.inline.append(self.get_starttag_text() or tag)


def test_no_page_loads_anything_from_another_host(page: Client, addresses: dict[str, str]) -> None:
    for name, address in addresses.items():
        answer = page.get(address)
        policy = answer.headers.get("Content-Security-Policy", "")
        assert "default-src 'self'" in policy, name
        assert "unsafe" not in policy
        links = Links()
        if "html" in answer.headers["Content-Type"]:
            links.feed(answer.content.decode())
        assert {urlsplit(link).netloc for link in links.found} <= {""}, name
        assert links.inline == [], name


def test_lists_need_a_bounded_number_of_queries(
    page: Client, service: Service, django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    now = timezone.now()
    for number in range(20):
        Request.objects.create(service=service, subject=f"{number}", received_at=now, entered_at=now)
    for address in ("/customers/", "/desk/", "/calls/", "/availability/", "/agreements/", "/audit/"):
        with django_assert_max_num_queries(15):
            assert page.get(address).status_code == 200


def test_health_answers_anybody_and_metrics_this_machine_only(client: Client) -> None:
    assert client.get("/healthz").content == b"ok\n"
    assert b"process_cpu_seconds_total" in client.get("/metrics").content
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.1").status_code == 404
    assert client.get("/metrics", headers={"x-forwarded-for": "192.0.2.1"}).status_code == 404


class Fields(HTMLParser):
    """Collects the fields of a page's forms by their addresses: name and type."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "form":
            self.forms.append((named.get("action") or "", {}))
        elif tag in {"input", "select", "textarea"} and self.forms and named.get("name"):
            self.forms[-1][1][str(named["name"])] = named.get("type") or tag


NONSENSE = (
    "a\0b", "<script>alert(1)</script>", "x" * 20_000, "-1", "NaN", "9" * 400, "9999-12-31T23:59:59", "http://[::1",
)  # fmt: skip


def test_nonsense_in_every_field_of_every_form_is_answered(page: Client, addresses: dict[str, str]) -> None:
    forms: dict[str, set[str]] = {}
    for name, address in addresses.items():
        answer = page.get(address)
        if name not in POST_ONLY and "html" in answer.headers["Content-Type"]:
            fields = Fields()
            fields.feed(answer.content.decode())
            for action, form in fields.forms:
                asked = {field for field, kind in form.items() if kind not in {"file", "hidden"}}
                forms.setdefault(action or address, set()).update(asked)
    page.raise_request_exception = False
    for address, asked in forms.items():
        for nonsense in NONSENSE if asked else ():
            answer = page.post(address, dict.fromkeys(asked, nonsense))
            assert answer.status_code < 500, (address, nonsense[:40])
