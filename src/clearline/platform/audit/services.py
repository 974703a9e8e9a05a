"""The audit trail: an append-only chain, one per provider, written by the functions that change something."""

import hashlib
from datetime import datetime
from typing import Any

import rfc8785
from django.db import transaction

from clearline.agreement.moments import datetime_us, moment_text
from clearline.platform.accounts.models import Provider, User
from clearline.platform.audit.models import Event

FIRST_DIGEST = "0" * 64
"""What the first event carries in place of an earlier event's digest."""


def record(  # one argument for each thing an event says
    provider: Provider,
    actor: User | None,
    action: str,
    subject: str,
    details: dict[str, Any],
    *,
    now: datetime,
    reason: str = "",
) -> Event:
    """Append one event, within the caller's transaction so that the deed and its trace stand or fall together.

    The provider's row is locked meanwhile (SQLite locks the file), so that two events never follow the same one.
    """
    with transaction.atomic():
        Provider.objects.select_for_update().get(pk=provider.pk)
        last = Event.objects.filter(provider=provider).order_by("-number").first()
        event = Event(
            provider=provider,
            number=last.number + 1 if last else 1,
            at=now,
            actor=actor,
            actor_name=actor.email if actor else "Clearline",
            action=action,
            subject=subject,
            details=details,
            reason=reason,
            previous_digest=last.digest if last else FIRST_DIGEST,
        )
        event.digest = digest(event)
        event.save()
    return event


def digest(event: Event) -> str:
    """SHA-256 over the canonical JSON (RFC 8785) of everything the event says, the earlier digest included."""
    said = {
        "number": event.number,
        "at": moment_text(datetime_us(event.at)),
        "actor": event.actor_name,
        "action": event.action,
        "subject": event.subject,
        "details": event.details,
        "reason": event.reason,
        "previous": event.previous_digest,
    }
    return hashlib.sha256(rfc8785.dumps(said)).hexdigest()


def first_break(provider: Provider) -> int | None:
    """The number of the first event that is missing, changed or out of the chain; None when all is whole."""
    previous = FIRST_DIGEST
    expected = 1
    for event in Event.objects.filter(provider=provider).order_by("number").iterator():
        if event.number != expected or event.previous_digest != previous or event.digest != digest(event):
            return expected
        previous = event.digest
        expected += 1
    return None
