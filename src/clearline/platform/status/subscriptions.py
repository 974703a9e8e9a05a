"""Subscriptions: asked for, confirmed by whoever reads the address, ended by one click; what subscribers are sent."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from clearline.agreement.moments import datetime_us, moment_text
from clearline.platform.accounts.models import Provider
from clearline.platform.maintenance.models import Notice
from clearline.platform.outbox.models import Channel
from clearline.platform.outbox.services import seal, send_email, send_webhook, unseal
from clearline.platform.outbox.webhooks import make_secret
from clearline.platform.status.models import Subscriber, Update
from clearline.platform.tenancy import TenantQuerySet

CONFIRM_WITHIN = timedelta(days=2)
CONFIRM, END = "clearline status confirm", "clearline status end"
"""What a link's signature is for: one kind of link never does for another."""

MOST_ASKED = 100
"""So many addresses may wait for confirmation at once: the form is open to anybody and writes to whoever is named."""

RECENT = timedelta(hours=1)
"""Notices of maintenance are told to subscribers when they are no older than this."""


class TooManyError(ValueError):
    """Too many addresses wait for confirmation."""


def ask(provider: Provider, channel: str, address: str, now: datetime) -> str:
    """Ask whoever reads an address whether they want to be told. Asking again within a day sends nothing more.

    Returns:
        For a webhook, the secret its messages are signed with, to be shown once; else nothing.

    Raises:
        TooManyError: others have to confirm first.
    """
    with transaction.atomic():
        waiting = Subscriber.objects.filter(provider=provider, confirmed_at=None)
        waiting.filter(asked_at__lte=now - CONFIRM_WITHIN).delete()
        known = Subscriber.objects.filter(provider=provider, channel=channel, address=address).first()
        if known is not None:
            return ""
        if waiting.count() >= MOST_ASKED:
            raise TooManyError("Too many addresses wait for confirmation. Try again tomorrow.")
        secret = make_secret() if channel == Channel.WEBHOOK else ""
        subscriber = Subscriber.objects.create(
            provider=provider,
            channel=channel,
            address=address,
            sealed_secret=seal(secret) if secret else "",
            asked_at=now,
        )
        confirm = _link("status-confirm", CONFIRM, subscriber)
        text = (
            f"Hello,\n\nsomebody, we hope you, asked to be told here what the status page of {provider} says.\n"
            f"If you want that, confirm it within two days:\n\n{confirm}\n\nElse do nothing, and hear no more of it.\n"
        )
        data = {"confirm_url": confirm}
        subject = f"Confirm: status of {provider}"
        _send(subscriber, f"status/ask/{now:%Y-%m-%d}", subject, text, "subscription.confirm", data, now)
    return secret


def find(token: str, purpose: str) -> Subscriber | None:
    """The subscriber a link is of; None when the link is wrong, too old, or of one who left."""
    try:
        key = signing.loads(token, salt=purpose, max_age=CONFIRM_WITHIN if purpose == CONFIRM else None)
    except signing.BadSignature:
        return None
    return Subscriber.objects.filter(pk=key).select_related("provider").first()


def confirm(subscriber: Subscriber, now: datetime) -> None:
    """They want to be told, from now on."""
    Subscriber.objects.filter(pk=subscriber.pk, confirmed_at=None).update(confirmed_at=now)


def end(subscriber: Subscriber) -> None:
    """They want to be told no more; their address is forgotten."""
    subscriber.delete()


def _link(name: str, purpose: str, subscriber: Subscriber) -> str:
    path = reverse(name, args=[signing.dumps(subscriber.pk, salt=purpose)])
    return f"{settings.CLEARLINE.origin}{path}"


def tell_of_update(update: Update, now: datetime) -> None:
    """Tell every subscriber what was said about an incident."""
    incident = update.incident
    subject = f"{update.get_stage_display()}: {incident.title}"
    data = {
        "id": f"I-{incident.pk}",
        "title": incident.title,
        "impact": incident.impact,
        "status": update.stage,
        "body": update.body,
        "components": [listing.name for listing in incident.listings.all()],
    }
    for subscriber in _confirmed(incident.provider):
        about = f"status/update/{update.pk}"
        _send(subscriber, about, subject, update.body, f"incident.{update.stage}", data, now)


def tell_of_maintenance(provider: Provider, now: datetime) -> None:
    """Tell every subscriber of notices of maintenance that affects a listed component; each once."""
    listed = Q(window__services__targets__component__listing__isnull=False)
    listed |= Q(window__services__components__listing__isnull=False)
    notices = Notice.objects.filter(listed, window__provider=provider, at__gt=now - RECENT)
    for notice in notices.exclude(kind=Notice.Kind.REMINDER).select_related("window").distinct():
        window = notice.window
        span = f"{notice.from_at:%-d %b %Y, %H:%M} to {notice.until_at:%-d %b %Y, %H:%M} UTC"
        data = {
            "id": window.code,
            "title": window.title,
            "from": moment_text(datetime_us(notice.from_at)),
            "until": moment_text(datetime_us(notice.until_at)),
        }
        subject = f"Maintenance {notice.kind}: {window.title}"
        for subscriber in _confirmed(provider).filter(confirmed_at__lte=notice.at):
            about = f"status/notice/{notice.pk}"
            _send(subscriber, about, subject, f"{window.title}\n{span}\n", f"maintenance.{notice.kind}", data, now)


def _confirmed(provider: Provider) -> TenantQuerySet[Subscriber]:
    return Subscriber.objects.filter(provider=provider, confirmed_at__isnull=False).select_related("provider")


def _send(
    subscriber: Subscriber, about: str, subject: str, text: str, kind: str, data: dict[str, Any], now: datetime
) -> None:
    leave = _link("status-end", END, subscriber)
    page = f"{settings.CLEARLINE.origin}/status/"
    if subscriber.channel == Channel.EMAIL:
        text = f"{text}\n\n{page}\nTo be told no more: {leave}\n"
        send_email(subscriber.provider, subscriber.address, subject, text, about=about, now=now, unsubscribe_url=leave)
    else:
        document = {
            "type": kind,
            "timestamp": moment_text(datetime_us(now)),
            "data": {**data, "page": page, "leave": leave},
        }
        secret = unseal(subscriber.sealed_secret)
        send_webhook(subscriber.provider, subscriber.address, secret, document, about=about, now=now)
