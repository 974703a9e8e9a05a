"""Alerts: opened by what goes wrong, told along the chain, acknowledged by page or link, over by themselves."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from django.test import Client
from mail_kit import Inbox
from platform_kit import NOW, samples

from clearline.agreement.moments import datetime_us
from clearline.platform.accounts.models import Provider, User
from clearline.platform.alerts import services
from clearline.platform.alerts.chain import due
from clearline.platform.alerts.models import Alert, Responder
from clearline.platform.alerts.watching import look
from clearline.platform.audit.models import Event
from clearline.platform.availability.models import Target
from clearline.platform.customers.models import Service
from clearline.platform.measurements import records
from clearline.platform.outages.models import Declaration
from clearline.platform.outages.services import declare
from clearline.platform.outbox.models import Channel, Delivery
from clearline.platform.outbox.sending import send_due
from clearline.records.errors import RecordsError

MINUTE = timedelta(minutes=1)


def on_call(provider: Provider, name: str = "Dana", **more: object) -> Responder:
    values = {"address": f"{name.lower()}@northwind.example", "added_at": NOW, **more}
    return Responder.objects.create(provider=provider, name=name, **values)


def tend(now: datetime) -> None:
    services.tend(lambda: now)


def told() -> list[tuple[str, str]]:
    return list(Delivery.objects.order_by("pk").values_list("about", "recipient"))


@pytest.fixture
def down(service: Service, target: Target) -> datetime:
    """Eight good samples, then failures for an hour; returns the first failing one's moment."""
    records().append(samples(target, NOW - 2 * MINUTE, "+" * 8 + "-" * 240))
    return NOW


@pytest.mark.django_db
def test_an_outage_opens_one_alert_that_says_who_feels_it(down: datetime, target: Target) -> None:
    for seconds in (16, 21, 26):
        tend(down + timedelta(seconds=seconds))
    (alert,) = Alert.objects.all()
    assert alert.subject == f"O-{target.pk}-20261020T120000Z"
    assert (alert.began_at, alert.opened_at) == (down, down + timedelta(seconds=16))
    assert "Hosted voice of Acme Ltd" in alert.text
    assert Event.objects.filter(action="alert.opened").count() == 1


@pytest.mark.django_db
def test_one_failing_sample_alone_opens_none(service: Service, target: Target) -> None:
    records().append(samples(target, NOW - 2 * MINUTE, "+" * 8 + "-"))
    tend(NOW + timedelta(seconds=5))
    assert not Alert.objects.exists()


@pytest.mark.django_db
def test_the_chain_goes_on_until_somebody_acknowledges(down: datetime, provider: Provider) -> None:
    on_call(provider, "Dana")
    on_call(provider, "Erik", after_minutes=5)
    on_call(provider, "Fay", after_minutes=10)
    opened = down + MINUTE
    for minutes in (0, 4, 5, 6):
        tend(opened + minutes * MINUTE)
    alert = Alert.objects.get()
    assert told() == [
        (f"{alert.code}/chain", "dana@northwind.example"),
        (f"{alert.code}/chain", "erik@northwind.example"),
    ]
    assert services.acknowledge(alert, "Erik", None, opened + 7 * MINUTE)
    tend(opened + 11 * MINUTE)
    assert len(told()) == 2


@pytest.mark.django_db
def test_at_15_30_and_45_minutes_everybody_hears_of_it_acknowledged_or_not(down: datetime, provider: Provider) -> None:
    on_call(provider, "Dana")
    on_call(provider, "Erik", after_minutes=120)
    tend(down + MINUTE)
    services.acknowledge(Alert.objects.get(), "Dana", None, down + 2 * MINUTE)
    for minutes in (14, 15, 29, 30, 45, 59):
        tend(down + minutes * MINUTE)
    code = Alert.objects.get().code
    assert [about for about, who in told() if who.startswith("erik")] == [f"{code}/15", f"{code}/30", f"{code}/45"]
    body = Delivery.objects.get(about=f"{code}/45", recipient__startswith="erik").body
    assert "45 minutes after its first failing sample" in body
    assert "Dana looks after it" in body


@pytest.mark.django_db
def test_an_alert_opened_late_does_not_tell_of_marks_long_past(down: datetime, provider: Provider) -> None:
    on_call(provider)
    tend(down + 50 * MINUTE)
    assert [about.partition("/")[2] for about, _ in told()] == ["chain"]


@pytest.mark.django_db
def test_it_is_over_by_itself_and_whoever_was_told_is_told(
    service: Service, target: Target, provider: Provider
) -> None:
    on_call(provider, "Dana")
    on_call(provider, "Erik", after_minutes=30)
    records().append(samples(target, NOW - 2 * MINUTE, "+" * 8 + "-" * 4 + "+" * 8))
    tend(NOW + timedelta(seconds=40))
    tend(NOW + timedelta(seconds=90))
    alert = Alert.objects.get()
    assert alert.resolved_at == NOW + timedelta(seconds=90)
    assert told()[1:] == [(f"{alert.code}/resolved", "dana@northwind.example")]
    assert not services.acknowledge(alert, "Dana", None, NOW + 2 * MINUTE)


@pytest.mark.django_db
def test_nothing_is_called_over_while_nobody_looks(
    down: datetime, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The measurements stop, or cannot be read: the outage's alert stays, and another one says what is missing."""

    def still_open() -> list[str]:
        return sorted(Alert.objects.filter(resolved_at=None).values_list("kind", flat=True))

    tend(down + MINUTE)
    tend(down + 65 * MINUTE)
    assert still_open() == ["outage"]
    tend(down + 75 * MINUTE)
    assert still_open() == ["outage", "records"]

    def broken(**_: object) -> None:
        raise RecordsError("a segment is damaged")

    monkeypatch.setattr(records(), "probe_samples", broken)
    assert look(provider, down).troubles[0].text == "a segment is damaged"
    tend(down + 80 * MINUTE)
    assert still_open() == ["outage", "records"]


@pytest.mark.django_db
def test_a_certificate_is_told_fourteen_days_ahead(target: Target, provider: Provider) -> None:
    good = samples(target, NOW - 2 * MINUTE, "+" * 8)
    ends = datetime_us(NOW + timedelta(days=14))
    records().append([replace(one, expires_at_us=ends) for one in good])
    assert look(provider, NOW - timedelta(seconds=1)).troubles == ()
    (trouble,) = look(provider, NOW + timedelta(seconds=1)).troubles
    assert (trouble.kind, trouble.subject) == ("certificate", target.code)
    assert "3 Nov 2026, 12:00 UTC" in trouble.text


@pytest.mark.django_db
def test_a_declared_outage_alerts_once_accepted(service: Service, alice: User, provider: Provider) -> None:
    declaration = Declaration(from_at=NOW - MINUTE, what="No audio")
    declare(declaration, [service], alice, NOW)
    assert look(provider, NOW).troubles == ()
    Declaration.objects.update(accepted=True)
    assert [trouble.title for trouble in look(provider, NOW).troubles] == ["No audio is down"]


@pytest.mark.parametrize(
    ("at", "quiet"),
    [("20:59", False), ("21:00", True), ("23:30", True), ("05:59", True), ("06:00", False), ("12:00", False)],
)
def test_quiet_hours_are_those_of_the_zones_clocks(at: str, quiet: bool) -> None:  # noqa: FBT001  # a case of the table
    """23:00 to 08:00 in Berlin, two hours ahead of UTC on 20 October: 21:00 to 06:00."""
    responder = Responder(zone="Europe/Berlin", quiet_from=time(23), quiet_until=time(8))
    moment = datetime.combine(NOW.date(), time.fromisoformat(at), UTC)
    assert responder.is_quiet(moment) is quiet
    assert not Responder(zone="UTC").is_quiet(moment)


@pytest.mark.parametrize(
    ("kind", "passes", "steps"), [("outage", True, 1), ("outage", False, 0), ("certificate", True, 0)]
)
def test_quiet_hours_let_pass_what_is_critical_if_chosen(kind: str, passes: bool, steps: int) -> None:  # noqa: FBT001  # a case of the table
    responder = Responder(quiet_from=time(0), quiet_until=time(13), critical_passes=passes)
    alert = Alert(kind=kind, began_at=NOW, opened_at=NOW)
    assert len(list(due(alert, [responder], NOW + MINUTE))) == steps
    assert list(due(alert, [responder], NOW + timedelta(hours=1)))


@pytest.mark.django_db
def test_the_link_in_the_mail_acknowledges_without_signing_in(
    down: datetime, provider: Provider, client: Client, inbox: Inbox
) -> None:
    on_call(provider)
    tend(down + MINUTE)
    send_due(Channel.EMAIL, lambda: down + MINUTE)
    (mail,) = inbox.messages()
    found = re.search(r"http://[^/\s]+(/alerts/link/\S+)", mail.get_content())
    assert found
    here = Client(headers={"host": "127.0.0.1"})
    assert "I look after it" in here.get(found[1]).content.decode()
    assert Alert.objects.get().acknowledged_at is None
    assert "Dana looks after it" in here.post(found[1]).content.decode()
    assert Alert.objects.get().acknowledged_by == "Dana"
    assert here.get(found[1][:-2] + "x/").status_code == 404
    assert here.post("/alerts/link/nonsense/").status_code == 404


@pytest.mark.django_db
def test_a_webhook_says_what_the_mail_says(down: datetime, provider: Provider, page: Client, alice: User) -> None:
    answer = page.post(
        "/alerts/on-call/add/",
        {"name": "Pager", "channel": "webhook", "address": "https://pager.example/in", "after_minutes": "0"},
        follow=True,
    )
    assert "whsec_" in answer.content.decode()
    tend(down + MINUTE)
    (delivery,) = Delivery.objects.all()
    document = json.loads(delivery.body)
    assert document["type"] == "alert.raised"
    assert document["data"]["began_at"] == "2026-10-20T12:00:00Z"
    assert "/alerts/link/" in document["data"]["acknowledge"]
    page.post(f"/alerts/{Alert.objects.get().pk}/acknowledge/")
    assert "alice@northwind.example looks after it" in page.get("/alerts/").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"address": "nobody"}, "valid email"),
        ({"channel": "webhook", "address": "ftp://x"}, "http"),
        ({"quiet_from": "22:00"}, "both ends"),
        ({"zone": "Mars/Olympus"}, "no such time zone"),
    ],
)
def test_somebody_who_cannot_be_reached_is_refused(page: Client, wrong: dict[str, str], said: str) -> None:
    right = {"name": "Dana", "channel": "email", "address": "dana@northwind.example", "after_minutes": "0"}
    answer = page.post("/alerts/on-call/add/", {**right, **wrong})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert page.post("/alerts/on-call/add/", right).status_code == 302
    assert page.post("/alerts/on-call/add/", right).status_code == 422
