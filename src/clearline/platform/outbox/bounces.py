"""Bounces: a mail server's report (RFC 3464) that a message it had accepted did not arrive after all."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes
from email.policy import compat32
from typing import TYPE_CHECKING

from django.db import transaction

from clearline.platform.audit.services import record
from clearline.platform.outbox.models import Channel, Delivery
from clearline.platform.outbox.sending import SAID_LIMIT

if TYPE_CHECKING:
    from email.message import Message

REPORT_BYTES = 1024 * 1024
"""A larger report is not read."""

BOUNCE_WITHIN = timedelta(days=7)
"""A report later than this after the delivery changes nothing: mail servers give up within five days (RFC 5321
section 4.5.4.1), and a recipient must not be able to undo an old notice."""

TOKEN = re.compile(r"\b[0-9a-f]{40}\b")


class NotABounceError(ValueError):
    """The mail is no report of a failed delivery of ours."""


@dataclass(frozen=True, slots=True)
class Report:
    """A failed delivery, as its report tells."""

    tokens: frozenset[str]
    """Names of messages found where a report has them: its envelope identifier, the returned message's headers."""
    said: str


def parse_report(raw: bytes) -> Report:
    """Read a delivery status notification.

    Args:
        raw: the whole mail.

    Raises:
        NotABounceError: it is too large, no such notification, or reports no failure.
    """
    if len(raw) > REPORT_BYTES:
        raise NotABounceError(f"it has more than {REPORT_BYTES} bytes")
    tokens: set[str] = set()
    failures: list[str] = []
    for part in message_from_bytes(raw, policy=compat32).walk():
        if part.get_content_type() == "message/delivery-status":
            blocks = _inner(part)
            failures += [_failure(block) for block in blocks if _field(block, "Action").lower() == "failed"]
            for block in blocks:
                tokens.update(TOKEN.findall(_field(block, "Original-Envelope-Id")))
        elif part.get_content_type() == "text/rfc822-headers":
            headers = part.get_payload(decode=True)
            returned = message_from_bytes(headers if isinstance(headers, bytes) else b"", policy=compat32)
            tokens.update(TOKEN.findall(_field(returned, "Message-ID")))
        elif part.get_content_type() == "message/rfc822":
            for returned in _inner(part):
                tokens.update(TOKEN.findall(_field(returned, "Message-ID")))
    if not failures:
        raise NotABounceError("it reports no failed delivery (RFC 3464)")
    return Report(frozenset(tokens), "; ".join(failures))


def _inner(part: "Message[str, str]") -> "list[Message[str, str]]":
    payload = part.get_payload()
    return [each for each in payload if not isinstance(each, str)] if isinstance(payload, list) else []


def _field(block: "Message[str, str]", name: str) -> str:
    return " ".join(str(block.get(name, "")).split())


def _failure(block: "Message[str, str]") -> str:
    said = [_field(block, name).partition(";")[2].strip() for name in ("Final-Recipient", "Diagnostic-Code")]
    return " ".join(filter(None, [_field(block, "Status"), *said]))


def take_bounce(raw: bytes, now: datetime) -> Delivery:
    """Note that an e-mail did not arrive, as its report tells. The same report again changes nothing.

    Raises:
        NotABounceError: the mail is no such report, of no message of ours, or comes too late.
    """
    report = parse_report(raw)
    with transaction.atomic():
        deliveries = Delivery.objects.select_for_update().select_related("provider")
        delivery = deliveries.filter(token__in=report.tokens, channel=Channel.EMAIL).first()
        if delivery is None:
            raise NotABounceError("it is about no message sent from here")
        if delivery.state != Delivery.State.ACCEPTED:
            return delivery
        if delivery.done_at is not None and now - delivery.done_at > BOUNCE_WITHIN:
            raise NotABounceError(f"the message was accepted more than {BOUNCE_WITHIN.days} days ago")
        delivery.state, delivery.said, delivery.done_at = Delivery.State.BOUNCED, report.said[:SAID_LIMIT], now
        delivery.save(update_fields=["state", "said", "done_at"])
        details = {"recipient": delivery.recipient, "said": delivery.said}
        record(delivery.provider, None, "delivery.bounced", delivery.about, details, now=now)
    return delivery
