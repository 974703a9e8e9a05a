"""Queueing: what is told is written down in the transaction that makes it so, and sent by the worker afterwards."""

import json
import secrets
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from clearline.platform.accounts.models import Provider
from clearline.platform.ciphers import cipher
from clearline.platform.outbox.models import Channel, Delivery

TOKEN_BYTES = 20
PURPOSE = b"webhook secret"


def send_email(  # noqa: PLR0913  # one argument for each thing an e-mail has
    provider: Provider,
    to: str,
    subject: str,
    text: str,
    *,
    about: str,
    now: datetime,
    calendar: bytes | None = None,
    method: str = "",
    unsubscribe_url: str = "",
    topic: str = "",
) -> Delivery:
    """Queue an e-mail.

    Args:
        provider: who sends it.
        to: one address; what is none makes a delivery that has bounced already.
        subject: one line.
        text: plain text.
        about: what it tells of; telling the same address the same thing again changes nothing.
        now: the present moment.
        calendar: an iCalendar document that goes along (RFC 5545).
        method: its METHOD.
        unsubscribe_url: an address that ends the subscription by one POST (RFC 8058).
        topic: what it belongs to with others, to find them together.

    Returns:
        The delivery, or the one that was queued about this before.
    """
    values: dict[str, Any] = {
        "subject": " ".join(subject.split())[:300],
        "body": text,
        "calendar": calendar.decode() if calendar else "",
        "method": method,
        "unsubscribe_url": unsubscribe_url,
        "topic": topic,
    }
    try:
        validate_email(to)
        to.encode("ascii")
    except (ValidationError, UnicodeEncodeError):
        refused = "This is no e-mail address that can be written to."
        values |= {"state": Delivery.State.BOUNCED, "said": refused, "done_at": now}
    return _queue(provider, Channel.EMAIL, to, about, now, values)


def send_webhook(
    provider: Provider, url: str, secret: str, document: dict[str, Any], *, about: str, now: datetime, topic: str = ""
) -> Delivery:
    """Queue a webhook, to be signed as Standard Webhooks has it.

    Args:
        provider: who sends it.
        url: where it goes; whether that is allowed is decided when it is sent, by the addresses it then has.
        secret: `whsec_…`, what its receiver checks the signature with; `make_secret` makes one.
        document: plain data for JSON; by the scheme with `type`, `timestamp` and `data`.
        about: what it tells of, as for `send_email`.
        now: the present moment.
        topic: as for `send_email`.
    """
    values = {
        "body": json.dumps(document, ensure_ascii=False, separators=(",", ":")),
        "sealed_secret": seal(secret),
        "topic": topic,
    }
    return _queue(provider, Channel.WEBHOOK, url, about, now, values)


def send_call(provider: Provider, number: str, text: str, *, about: str, now: datetime, topic: str = "") -> Delivery:
    """Queue a call that speaks a text and waits for `calls.KEY`; the key is the delivery's `answer`.

    Args:
        provider: whose account calls.
        number: a telephone number or SIP address.
        text: what is spoken.
        about: what it tells of, as for `send_email`.
        now: the present moment.
        topic: as for `send_email`.
    """
    return _queue(provider, Channel.CALL, number, about, now, {"body": text, "topic": topic})


def withdraw_calls(provider: Provider, topic: str, why: str, now: datetime) -> None:
    """Call nobody about this any more."""
    waiting = Delivery.objects.filter(provider=provider, topic=topic, channel=Channel.CALL, state=Delivery.State.QUEUED)
    waiting.update(state=Delivery.State.FAILED, said=why, done_at=now)


def seal(secret: str) -> str:
    """A webhook's secret as it is stored."""
    return cipher(PURPOSE).encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """A stored secret as it was."""
    return cipher(PURPOSE).decrypt(sealed.encode()).decode()


def _queue(
    provider: Provider, channel: Channel, recipient: str, about: str, now: datetime, values: dict[str, Any]
) -> Delivery:
    defaults = {"token": secrets.token_hex(TOKEN_BYTES), "queued_at": now, "due_at": now, **values}
    delivery, _ = Delivery.objects.get_or_create(
        provider=provider, about=about, channel=channel, recipient=recipient[:500], defaults=defaults
    )
    return delivery
