"""Sending what is queued: claimed by a conditional update, tried again ever later, given up in the end."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.conf import settings

from clearline.platform.outbox import calls, mail, webhooks
from clearline.platform.outbox.models import Channel, Delivery
from clearline.platform.outbox.outcome import Outcome, Result
from clearline.platform.outbox.server import MailServer
from clearline.platform.outbox.services import unseal

log = structlog.get_logger(__name__)

RETRY_AFTER = tuple(timedelta(seconds=each) for each in (30, 120, 300, 900, 1800, 3600, 7200, 14400, 28800))
"""The pauses between attempts; after the last, some 16 hours in all, it is given up."""

CALL_AGAIN_AFTER = tuple(timedelta(seconds=each) for each in (60, 180))
"""The same between calls: whoever does not answer three times is asleep or away."""


def pauses(channel: str) -> tuple[timedelta, ...]:
    """The pauses between the attempts of a channel."""
    return CALL_AGAIN_AFTER if channel == Channel.CALL else RETRY_AFTER


LEASE = timedelta(minutes=5)
"""Whoever tries a delivery keeps others from it so long: longer than any attempt takes."""

AT_ONCE = 50
CANDIDATES = 10
SAID_LIMIT = 500


def send_due(channel: Channel, clock: Callable[[], datetime]) -> int:
    """Send what is due on a channel.

    A worker that is killed between the other side's answer and writing it down makes a second attempt; the message
    has the same name then, and a receiver can tell.

    Args:
        channel: of which the deliveries are.
        clock: tells the present moment.

    Returns:
        How many attempts were made; after `AT_ONCE` of them there may be more to do.
    """
    for made in range(AT_ONCE):
        delivery = _claim(channel, clock())
        if delivery is None:
            return made
        try:
            outcome = _attempt(delivery, clock())
        except Exception as error:  # whatever is wrong with this one, the next is sent
            log.exception("a delivery could not be tried", delivery=delivery.pk)
            outcome = Outcome(Result.LATER, f"It cannot be sent: {type(error).__name__} {error}")
        _write_down(delivery, outcome, clock())
    return AT_ONCE


def _claim(channel: Channel, now: datetime) -> Delivery | None:
    due = Delivery.objects.filter(state=Delivery.State.QUEUED, channel=channel, due_at__lte=now)
    killing = "Its worker died at every attempt; it is not tried again."
    due.filter(attempts__gt=len(pauses(channel))).update(state=Delivery.State.FAILED, said=killing, done_at=now)
    for pk, attempts in due.order_by("due_at", "pk").values_list("pk", "attempts")[:CANDIDATES]:
        if due.filter(pk=pk, attempts=attempts).update(attempts=attempts + 1, due_at=now + LEASE):
            return Delivery.objects.select_related("provider").get(pk=pk)
    return None


def _attempt(delivery: Delivery, now: datetime) -> Outcome:
    chosen = settings.CLEARLINE
    if delivery.channel == Channel.WEBHOOK:
        secret = unseal(delivery.sealed_secret)
        body = delivery.body.encode()
        return webhooks.post(delivery.recipient, secret, delivery.token, body, now, private=chosen.webhook_private)
    if delivery.channel == Channel.CALL:
        return calls.ring(delivery)
    if chosen.smtp_url is None:
        return Outcome(Result.LATER, "No mail server is set: CLEARLINE_SMTP_URL names one.")
    return mail.hand_over(delivery, MailServer.of(chosen.smtp_url.get_secret_value()), chosen.mail_from)


def _write_down(delivery: Delivery, outcome: Outcome, now: datetime) -> None:
    """Keep an attempt's outcome, unless another worker has taken the delivery over meanwhile."""
    mine = Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.QUEUED, attempts=delivery.attempts)
    said = " ".join(outcome.said.split())[:SAID_LIMIT]
    if outcome.result is not Result.LATER:
        mine.update(state=Delivery.State(outcome.result), said=said, answer=outcome.answer, done_at=now)
    elif delivery.attempts <= len(pauses(delivery.channel)):
        mine.update(said=said, due_at=now + pauses(delivery.channel)[delivery.attempts - 1])
    else:
        mine.update(state=Delivery.State.FAILED, said=said, done_at=now)
