"""Maintenance windows and exclusions: recording them, and saying at once whether they will count."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from clearline.agreement.moments import datetime_us, length_text
from clearline.platform.accounts.models import User
from clearline.platform.audit.services import record
from clearline.platform.customers.models import Service
from clearline.platform.maintenance.models import Exclusion, Window


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a window will be taken out of one service's downtime, and why."""

    service: Service
    counts: bool
    reason: str


def save_window(window: Window, services: Iterable[Service], actor: User, now: datetime) -> None:
    """Record an announced window."""
    with transaction.atomic():
        window.provider = actor.provider
        window.entered_at = now
        window.save()
        window.services.set(services)
        details = {
            "from": str(window.from_at),
            "until": str(window.until_at),
            "announced_at": str(window.announced_at),
            "services": [service.code for service in services],
        }
        record(actor.provider, actor, "maintenance.announced", window.code, details, now=now, reason=window.notice)


def cancel_window(window: Window, actor: User, now: datetime) -> None:
    """Cancel a window: from now on it takes nothing out of any judgement. Cancelling again changes nothing."""
    with transaction.atomic():
        cancelled = Window.objects.filter(pk=window.pk, cancelled_at=None).update(cancelled_at=now)
        if cancelled:
            record(actor.provider, actor, "maintenance.cancelled", window.code, {}, now=now)


def verdicts(window: Window, services: Iterable[Service]) -> list[Verdict]:
    """Say for each affected service whether the window was announced early enough for its agreement."""
    return [_verdict(window, service) for service in services]


def _verdict(window: Window, service: Service) -> Verdict:
    if window.cancelled_at is not None:
        return Verdict(service, counts=False, reason="It was cancelled.")
    version = service.agreement.in_force(service.agreement.month_of(window.from_at))
    promise = version.terms.commitments.availability if version else None
    if promise is None:
        return Verdict(service, counts=False, reason="No agreement on availability is in force then.")
    needed_us = promise.maintenance.notice_us
    notice_us = datetime_us(window.from_at) - datetime_us(window.announced_at)
    if notice_us < needed_us:
        late = length_text(needed_us - notice_us)
        return Verdict(service, counts=False, reason=f"Announced {late} too late: what fails in it counts as downtime.")
    if promise.maintenance.counts_as != "excluded":
        return Verdict(service, counts=True, reason=f"Announced in time; it counts as {promise.maintenance.counts_as}.")
    return Verdict(service, counts=True, reason="Announced in time: it is left out of the month.")


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
