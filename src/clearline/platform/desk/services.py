"""The desk: requests, what was said about them, and the first response as the agreement means it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Min, Q

from clearline.platform.accounts.models import User
from clearline.platform.audit.services import record
from clearline.platform.customers.models import Service
from clearline.platform.desk.models import Message, Request
from clearline.platform.tenancy import TenantQuerySet


@dataclass(frozen=True, slots=True)
class Clock:
    """How a request stands against the promised time of first response."""

    due_at: datetime | None
    """None: no version in force promises one."""
    answered_at: datetime | None
    late: timedelta | None
    """By how much it was answered late, or is late already; None: in time so far."""


def with_first_response(requests: TenantQuerySet[Request]) -> TenantQuerySet[Request]:
    """Add `answered_at`: the first public reply or answered call by a person, at or after the request's arrival.

    Notes among colleagues, and anything said before the request came, are no response. None: not answered yet.
    """
    is_response = Q(messages__kind__in=Message.RESPONSES, messages__at__gte=F("received_at"))
    first = {"answered_at": Min("messages__at", filter=is_response)}
    return requests.annotate(**first)


def clock(request: Request, answered_at: datetime | None, now: datetime) -> Clock:
    """Hold a request against the version in force in the month it was received."""
    agreement = request.service.agreement
    version = agreement.in_force(agreement.month_of(request.received_at))
    promise = version.terms.commitments.first_response if version else None
    if promise is None:
        return Clock(None, answered_at, None)
    due_at = request.received_at + timedelta(microseconds=promise.within_us)
    late = (answered_at or now) - due_at
    return Clock(due_at, answered_at, late if late > timedelta(0) else None)


def add_request(request: Request, actor: User, now: datetime) -> None:
    """Record a customer's request."""
    with transaction.atomic():
        request.entered_at = now
        request.save()
        details = {"service": request.service.code, "received_at": str(request.received_at)}
        record(actor.provider, actor, "request.received", request.code, details, now=now)


def add_message(message: Message, request: Request, actor: User, now: datetime) -> None:
    """Record what a person said about a request."""
    with transaction.atomic():
        message.request = request
        message.author = actor
        message.entered_at = now
        message.save()
        details = {"kind": message.kind, "at": str(message.at)}
        record(actor.provider, actor, "request.message_added", request.code, details, now=now)


def requests_between(service: Service, since: datetime, until: datetime) -> list[Request]:
    """The requests that have a say in [since, until): received before its end, and not answered before its start.

    Those received earlier are among them, because a late answer may be owed over the turn of a month. Each has
    `answered_at`.
    """
    found = with_first_response(Request.objects.filter(service=service, received_at__lt=until))
    unanswered = Q(answered_at=None)
    return list(
        found.filter(unanswered | Q(answered_at__gte=since) | Q(received_at__gte=since)).order_by("received_at")
    )
