"""The life of a window: planned, approved by a second person, announced, reminded of, started, extended, completed."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from clearline.platform.accounts.models import User
from clearline.platform.audit.services import record
from clearline.platform.customers.models import Service
from clearline.platform.maintenance.models import Notice, Window
from clearline.platform.maintenance.notices import notify

REMIND_BEFORE = timedelta(hours=24)
"""Customers are reminded so long before the start, unless they were told only shortly before that."""

LEAST_BETWEEN = timedelta(hours=12)
"""Between the announcement and its reminder."""


class NotNowError(ValueError):
    """What was asked for cannot be done with the window as it is; the message says why."""


def plan(window: Window, services: Iterable[Service], actor: User, now: datetime) -> None:
    """Record a planned window. Where the provider has but one person, it counts as approved at once."""
    services = list(services)
    with transaction.atomic():
        window.provider = actor.provider
        window.entered_at, window.planned_by = now, actor
        window.uid = str(uuid.uuid4())
        if window.announced_at is None and window.announce_at is None:
            window.announce_at = now
        window.save()
        window.services.set(services)
        details = {
            "from": str(window.from_at),
            "until": str(window.until_at),
            "announced_at": str(window.announced_at) if window.announced_at else None,
            "services": [service.code for service in services],
        }
        record(actor.provider, actor, "maintenance.planned", window.code, details, now=now, reason=window.notice)
        if not _others(window, actor):
            _approve([window], actor, now)


def plan_series(
    window: Window, starts: Sequence[datetime], lead: timedelta, services: Iterable[Service], actor: User, now: datetime
) -> list[Window]:
    """Record a window for each start of a recurrence rule; each is announced by itself, so long before it starts."""
    services, series = list(services), str(uuid.uuid4())
    length = window.until_at - window.from_at
    planned = []
    with transaction.atomic():
        for start in starts:
            one = Window(
                title=window.title, impact=window.impact, zone=window.zone, notice=window.notice, rule=window.rule,
                series=series, from_at=start, until_at=start + length, announce_at=max(now, start - lead),
            )  # fmt: skip
            plan(one, services, actor, now)
            planned.append(one)
    return planned


def _others(window: Window, user: User) -> bool:
    people = User.objects.filter(provider=window.provider, is_active=True)
    return people.exclude(pk=user.pk).exists()


def may_approve(window: Window, user: User) -> bool:
    """Whether a person may approve a window: not one they planned, while they have a colleague."""
    return (
        window.approved_at is None
        and not window.is_over
        and (window.planned_by_id != user.pk or not _others(window, user))
    )


def approve(window: Window, actor: User, now: datetime) -> None:
    """Approve a window, and those of its series with it; what is due is announced at once.

    Raises:
        NotNowError: it was approved or ended before, or planned by the same person.
    """
    if not may_approve(window, actor):
        raise NotNowError("A second person approves it, once.")
    with transaction.atomic():
        together = Q(series=window.series) if window.series else Q(pk=window.pk)
        waiting = Window.objects.filter(together, provider=window.provider, approved_at=None, cancelled_at=None)
        _approve(list(waiting.select_for_update().select_related("provider").order_by("from_at")), actor, now)


def _approve(windows: Sequence[Window], actor: User, now: datetime) -> None:
    for window in windows:
        window.approved_at, window.approved_by = now, actor
        window.save(update_fields=["approved_at", "approved_by"])
        record(actor.provider, actor, "maintenance.approved", window.code, {}, now=now)
        if window.announce_at is not None and window.announce_at <= now:
            notify(window, Notice.Kind.ANNOUNCEMENT, actor, now)


def start(window: Window, actor: User, now: datetime) -> None:
    """Say that the work has begun.

    Raises:
        NotNowError: it was not announced, has begun, or is over.
    """
    with transaction.atomic():
        held = _announced(window)
        if held.started_at is not None:
            raise NotNowError("It has begun before.")
        held.started_at = now
        held.save(update_fields=["started_at"])
        notify(held, Notice.Kind.START, actor, now)


def extend(window: Window, until_at: datetime, actor: User, now: datetime) -> None:
    """Say that it will take longer. The time added was announced now, and counts as such.

    Raises:
        NotNowError: it was not announced, is over, or does not become longer.
    """
    with transaction.atomic():
        held = _announced(window)
        if until_at <= max(held.until_at, now):
            raise NotNowError("It must end later than it does now, and later than now.")
        held.until_at = until_at
        held.save(update_fields=["until_at"])
        notify(held, Notice.Kind.EXTENSION, actor, now)


def complete(window: Window, actor: User, now: datetime) -> None:
    """Say that the work is done: from now on what fails is downtime again.

    Raises:
        NotNowError: it was not announced, has not begun, or is over.
    """
    with transaction.atomic():
        held = _announced(window)
        if held.started_at is None:
            raise NotNowError("It has not begun.")
        held.completed_at = now
        held.save(update_fields=["completed_at"])
        notify(held, Notice.Kind.COMPLETION, actor, now)


def _announced(window: Window) -> Window:
    held = Window.objects.select_for_update().select_related("provider").get(pk=window.pk)
    if held.is_over:
        raise NotNowError("It is over.")
    if not held.notices.exists():
        raise NotNowError("It was not announced from here.")
    return held


def cancel(window: Window, actor: User, now: datetime) -> None:
    """Cancel a window: from now on it takes nothing out of any judgement. Whoever was told of it is told so.

    Cancelling again, or what is completed, changes nothing.
    """
    with transaction.atomic():
        held = Window.objects.select_for_update().select_related("provider").get(pk=window.pk)
        if held.is_over:
            return
        held.cancelled_at = now
        held.save(update_fields=["cancelled_at"])
        record(actor.provider, actor, "maintenance.cancelled", held.code, {}, now=now)
        if held.notices.exists():
            notify(held, Notice.Kind.CANCELLATION, actor, now)


def tell_due(clock: Callable[[], datetime]) -> None:
    """Announce and remind of what is due. Done twice at once, the second finds nothing to do."""
    now = clock()
    ahead = Window.objects.filter(approved_at__isnull=False, cancelled_at=None, completed_at=None, until_at__gt=now)
    with transaction.atomic():
        for window in ahead.filter(announce_at__lte=now).select_for_update().order_by("from_at"):
            notify(window, Notice.Kind.ANNOUNCEMENT, None, now)
        told_early = Q(notices__sequence=0, notices__at__lte=F("from_at") - REMIND_BEFORE - LEAST_BETWEEN)
        soon = ahead.filter(told_early, from_at__gt=now, from_at__lte=now + REMIND_BEFORE, started_at=None)
        for window in soon.select_for_update().order_by("from_at"):
            if not window.notices.filter(kind=Notice.Kind.REMINDER).exists():
                notify(window, Notice.Kind.REMINDER, None, now)
