"""Whether maintenance windows and exclusions count, said at once; and recording exclusions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction

from clearline.agreement.moments import SECOND_US, datetime_us, length_text
from clearline.platform.accounts.models import User
from clearline.platform.audit.services import record
from clearline.platform.customers.models import Service
from clearline.platform.maintenance.announcing import Piece, deliveries_of, pieces_by_customer
from clearline.platform.maintenance.models import Exclusion, Window
from clearline.platform.outbox.models import Delivery


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a window will be taken out of one service's downtime, and why."""

    service: Service
    counts: bool
    reason: str
    pending: bool = False
    """It does not count yet, and nothing went wrong so far: its announcement is planned for a moment early enough."""


def verdicts(window: Window, services: Iterable[Service]) -> list[Verdict]:
    """Say for each affected service whether the window was announced early enough for its agreement."""
    services = list(services)
    customers = {service.customer.pk: service.customer for service in services}
    known = pieces_by_customer(window, customers.values())
    return [_verdict(window, service, known[service.customer.pk]) for service in services]


def _verdict(window: Window, service: Service, known: Sequence[Piece]) -> Verdict:
    version = service.agreement.in_force(service.agreement.month_of(window.from_at))
    promise = version.terms.commitments.availability if version else None
    if promise is None:
        return Verdict(service, counts=False, reason="No agreement on availability is in force then.")
    needed_us = promise.maintenance.notice_us
    if _is_planned_in_time(window, needed_us):
        return Verdict(service, counts=False, reason=_planned(window), pending=True)
    hindrance = _hindrance(window, needed_us) or _lateness(window, service, known, needed_us)
    if hindrance:
        return Verdict(service, counts=False, reason=hindrance)
    if promise.maintenance.counts_as != "excluded":
        return Verdict(service, counts=True, reason=f"Announced in time; it counts as {promise.maintenance.counts_as}.")
    return Verdict(service, counts=True, reason="Announced in time: it is left out of the month.")


def _hindrance(window: Window, needed_us: int) -> str:
    """Why a window counts for nobody; empty: it may."""
    if window.cancelled_at is not None:
        return "It was cancelled."
    if window.approved_at is None:
        reason = "It waits for a second person's approval."
        if window.announced_at is None:
            latest = window.from_at - timedelta(microseconds=needed_us)
            reason += f" To count, its notice must be accepted by {latest.astimezone(UTC):%-d %b %Y, %H:%M} UTC."
        return reason
    return ""


def _lateness(window: Window, service: Service, known: Sequence[Piece], needed_us: int) -> str:
    """What of a window was announced too late to a service's customer; empty: nothing."""
    if not known:
        return "It was over before it began."
    late_us = _late_us(known[0], needed_us)
    if late_us is None:
        return _untold(window, service)
    if late_us > 0:
        return f"Announced {_whole_seconds(late_us)} too late: what fails in it counts as downtime."
    for piece in known[1:]:
        late_us = _late_us(piece, needed_us)
        if late_us is None or late_us > 0:
            ends = f"{piece.from_at.astimezone(UTC):%-d %b, %H:%M} UTC"
            return f"Announced in time until {ends}; what fails after that counts as downtime."
    return ""


def _is_planned_in_time(window: Window, needed_us: int) -> bool:
    if window.announce_at is None or window.approved_at is None or window.cancelled_at is not None:
        return False
    return needed_us <= (window.from_at - window.announce_at) // timedelta(microseconds=1)


def _planned(window: Window) -> str:
    return (
        f"It will be announced on {window.announce_at.astimezone(UTC):%-d %b %Y, %H:%M} UTC."
        if window.announce_at
        else ""
    )


def _whole_seconds(late_us: int) -> str:
    """A lateness in words, its fraction of a second counted as a whole one: it is never made smaller."""
    return length_text(-(-late_us // SECOND_US) * SECOND_US)


def _late_us(piece: Piece, needed_us: int) -> int | None:
    """By how much a piece was announced too late; negative or 0: in time; None: it was not."""
    if piece.announced_at is None:
        return None
    return needed_us - (datetime_us(piece.from_at) - datetime_us(piece.announced_at))


def _untold(window: Window, service: Service) -> str:
    """Why a customer has not been told."""
    if window.announce_at is not None:
        return f"{_planned(window)} That is too late to count."
    ending = "What fails in it counts as downtime"
    sent = Delivery.objects.filter(deliveries_of(window), about__endswith=f"/{service.customer.code}")
    states = set(sent.values_list("state", flat=True))
    if not states:
        return f"There is no contact to tell. {ending}."
    if Delivery.State.QUEUED in states:
        return f"The notice is on its way and was not accepted yet. {ending} until it is."
    return f"No notice arrived: each bounced or failed. {ending}."


def save_exclusion(exclusion: Exclusion, actor: User, now: datetime) -> None:
    """Record that a person approved to leave an interval out, for a cause."""
    with transaction.atomic():
        exclusion.approved_by = actor
        exclusion.entered_at = now
        exclusion.save()
        details = {
            "service": exclusion.service.code,
            "from": str(exclusion.from_at),
            "until": str(exclusion.until_at),
            "cause": exclusion.cause,
        }
        record(actor.provider, actor, "exclusion.approved", exclusion.code, details, now=now, reason=exclusion.reason)


def is_allowed(exclusion: Exclusion) -> bool:
    """Whether the agreement in force allows to exclude time for this cause."""
    agreement = exclusion.service.agreement
    version = agreement.in_force(agreement.month_of(exclusion.from_at))
    promise = version.terms.commitments.availability if version else None
    return promise is not None and exclusion.cause in promise.exclusions
