"""Webhooks from their cause to a real receiver, which verifies them with the package of Standard Webhooks."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from listener_kit import Listener
from platform_kit import samples
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from clearline.platform.accounts.models import User
from clearline.platform.alerts.models import Alert, Responder
from clearline.platform.alerts.services import add_responder, tend
from clearline.platform.availability.models import Target
from clearline.platform.measurements import records
from clearline.platform.outbox.models import Channel, Delivery
from clearline.platform.outbox.sending import RETRY_AFTER, send_due
from clearline.platform.status.incidents import add_update, open_incident
from clearline.platform.status.models import Incident, Update

pytestmark = pytest.mark.django_db

WEBHOOK = Channel.WEBHOOK


@pytest.fixture(autouse=True)
def _inside(settings: Any) -> None:
    """The receivers of these tests are on this machine."""
    settings.CLEARLINE = settings.CLEARLINE.model_copy(update={"webhook_private": True})
    cache.clear()


@pytest.fixture
def failing_first() -> Iterator[Listener]:
    """A receiver that fails at its first two webhooks and takes every later one."""
    with Listener(500, 503, 204) as listener:
        yield listener


def verified(listener: Listener, secret: str) -> list[Any]:
    """What came, each read by the scheme's own package, which refuses what is not signed with the secret."""
    return [Webhook(secret).verify(body, headers) for _, headers, body in listener.posted]


def send(at: datetime) -> int:
    return send_due(WEBHOOK, lambda: at)


def failing(target: Target, now: datetime) -> None:
    """The target answered for nine minutes and fails since."""
    records().append(samples(target, now - timedelta(minutes=10), "+" * 36 + "----"))


def test_an_alert_reaches_a_program_on_call_that_failed_first_with_one_name_at_every_attempt(
    target: Target, alice: User, failing_first: Listener
) -> None:
    listener, now = failing_first, timezone.now()
    secret = add_responder(Responder(name="Pager", channel=WEBHOOK, address=listener.url), alice, now)
    failing(target, now)
    tend(lambda: now)
    assert send(now) == 1
    waiting = Delivery.objects.get()
    assert (waiting.state, waiting.attempts, waiting.said) == ("queued", 1, "500 Internal Server Error")
    assert send(now) == 0  # not before its time
    assert send(now + RETRY_AFTER[0]) == 1
    assert send(now + RETRY_AFTER[0] + RETRY_AFTER[1]) == 1
    waiting.refresh_from_db()
    assert (waiting.state, waiting.attempts, waiting.said) == ("accepted", 3, "204 No Content")
    assert len({headers["webhook-id"] for _, headers, _ in listener.posted}) == 1
    assert len({headers["webhook-signature"] for _, headers, _ in listener.posted}) == 3  # each has its own moment
    documents = verified(listener, secret)
    assert [document["type"] for document in documents] == ["alert.raised"] * 3
    alert = Alert.objects.get()
    assert (documents[0]["data"]["id"], documents[0]["data"]["about"]) == (alert.code, alert.subject)


def test_a_subscriber_confirms_by_webhook_and_is_told_of_an_incident_that_it_can_verify(
    client: Client, alice: User
) -> None:
    with Listener(503, 204) as listener:
        answer = client.post("/status/subscribe/", {"channel": "webhook", "address": listener.url}).content.decode()
        secret = next(word for word in answer.split() if word.startswith("whsec_")).rstrip(":")
        now = timezone.now()
        send(now)
        send(now + RETRY_AFTER[0])
        asked = verified(listener, secret)
        assert [document["type"] for document in asked] == ["subscription.confirm"] * 2
        client.post(asked[0]["data"]["confirm_url"].partition("127.0.0.1:8080")[2])
        incident = Incident(title="No dial tone", impact="major", started_at=timezone.now())
        open_incident(incident, [], Update(stage="investigating", body="Wir prüfen."), alice, timezone.now())
        add_update(incident, Update(stage="resolved", body="It works."), alice, timezone.now())
        send(timezone.now())
        told = verified(listener, secret)[2:]
    assert [document["type"] for document in told] == ["incident.investigating", "incident.resolved"]
    assert told[0]["data"]["body"] == "Wir prüfen."
    client.post(told[0]["data"]["leave"].partition("127.0.0.1:8080")[2])
    add_update(incident, Update(stage="monitoring", body="Hm."), alice, timezone.now())
    assert not Delivery.objects.filter(state="queued").exists()


def test_what_was_changed_on_the_way_or_is_signed_with_another_secret_is_refused_by_the_receiver(
    alice: User, target: Target
) -> None:
    now = timezone.now()
    with Listener() as listener:
        secret = add_responder(Responder(name="Pager", channel=WEBHOOK, address=listener.url), alice, now)
        failing(target, now)
        tend(lambda: now)
        send(now)
    ((_, headers, body),) = listener.posted
    assert Webhook(secret).verify(body, headers) == json.loads(body)
    other = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    for wrong_secret, wrong_body in ((secret, body.replace(b"raised", b"resolved")), (other, body)):
        with pytest.raises(WebhookVerificationError):
            Webhook(wrong_secret).verify(wrong_body, headers)
