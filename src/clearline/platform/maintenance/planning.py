"""The life of a window: planned, approved by a second person, announced, moved, reminded of, started, completed."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q, QuerySet

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
    """Approve a window, and those of its series that this person may approve; what is due is announced at once.

    Raises:
        NotNowError: it was approved or ended before, or planned by the same person.
    """
    if not may_approve(window, actor):
        raise NotNowError("A second person approves it, once.")
    with transaction.atomic():
        together = Q(series=window.series) if window.series else Q(pk=window.pk)
        waiting = Window.objects.filter(together, provider=window.provider, approved_at=None, cancelled_at=None)
        held = waiting.select_for_update().select_related("provider").order_by("from_at")
        _approve([one for one in held if may_approve(one, actor)], actor, now)


def _approve(windows: Sequence[Window], actor: User, now: datetime) -> None:
    for window in windows:
        window.approved_at, window.approved_by = now, actor
        window.save(update_fields=["approved_at", "approved_by"])
        record(actor.provider, actor, "maintenance.approved", window.code, {}, now=now)
        if window.announce_at is not None and window.announce_at <= now:
            _announce(window, actor, now)


def _announce(window: Window, actor: User | None, now: datetime) -> None:
    """Tell the customers when a window is: for the first time, or that it is at another time than they were told."""
    last = window.notices.last()
    if last is not None and (last.from_at, last.until_at) == (window.from_at, window.until_at):
        window.announce_at = None  # moved, and back again before it was approved: they know
        window.save(update_fields=["announce_at"])
        return
    notify(window, Notice.Kind.ANNOUNCEMENT if last is None else Notice.Kind.MOVE, actor, now)


def later_ones(window: Window) -> QuerySet[Window]:
    """The windows of its series that come after it and have neither begun nor ended, by their start."""
    waiting = Window.objects.filter(started_at=None, completed_at=None, cancelled_at=None).exclude(series="")
    return waiting.filter(provider=window.provider_id, series=window.series, from_at__gt=window.from_at).order_by(
        "from_at"
    )


def _locked_later(window: Window) -> list[Window]:
    return list(later_ones(window).select_for_update().select_related("provider"))


def move(
    window: Window, from_at: datetime, until_at: datetime, actor: User, now: datetime, *, later: bool = False
) -> None:
    """Have a window take place at another time. It is approved anew, and then who was told of it is told so.

    One that was announced by other means is announced from here for its new time.

    Args:
        window: what is moved.
        from_at: its new start.
        until_at: its new end, exclusive.
        actor: who moves it.
        now: the present moment.
        later: move the later ones of its series by as much on the wall clock of its zone, and make them as long.

    Raises:
        NotNowError: it has begun or is over or past, or would begin before now, or nothing would change.
    """
    with transaction.atomic():
        held = _held(window)
        if held.started_at is not None:
            raise NotNowError("It has begun: extend it, or say that the work is done.")
        if held.until_at <= now:
            raise NotNowError("Its time is past: plan another.")
        if (from_at, until_at) == (held.from_at, held.until_at):
            raise NotNowError("It has these times already.")
        zone = ZoneInfo(held.zone)
        shift, length = _wall(from_at, zone) - _wall(held.from_at, zone), until_at - from_at
        moved = [(held, from_at)]
        moved += [
            (one, (_wall(one.from_at, zone) + shift).replace(tzinfo=zone).astimezone(UTC))
            for one in (_locked_later(held) if later else [])
        ]
        for one, start_at in moved:
            if start_at <= now:
                raise NotNowError(f"{one.code} would begin before now.")
            _move(one, start_at, start_at + length, actor, now)
        if not _others(held, actor):
            _approve([one for one, _ in moved], actor, now)


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def _move(window: Window, from_at: datetime, until_at: datetime, actor: User, now: datetime) -> None:
    details = {"from": str(window.from_at), "until": str(window.until_at)}
    if window.announced_at is not None or window.notices.exists():
        window.announced_at, window.announce_at = None, now
    elif window.announce_at is not None and window.announce_at > now:
        window.announce_at = max(now, window.announce_at + (from_at - window.from_at))
    window.from_at, window.until_at = from_at, until_at
    window.planned_by, window.approved_at, window.approved_by = actor, None, None
    window.save()
    details |= {"new_from": str(from_at), "new_until": str(until_at)}
    record(window.provider, actor, "maintenance.moved", window.code, details, now=now)


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


def _held(window: Window) -> Window:
    held = Window.objects.select_for_update().select_related("provider").get(pk=window.pk)
    if held.is_over:
        raise NotNowError("It is over.")
    return held


def _announced(window: Window) -> Window:
    held = _held(window)
    if held.approved_at is None:
        raise NotNowError("It waits for a second person's approval.")
    if not held.notices.exists():
        raise NotNowError("It was not announced from here.")
    return held


def cancel(window: Window, actor: User, now: datetime, *, later: bool = False) -> None:
    """Cancel a window: from now on it takes nothing out of any judgement. Whoever was told of it is told so.

    Cancelling again, or what is completed, changes nothing.

    Args:
        window: what is cancelled.
        actor: who cancels it.
        now: the present moment.
        later: cancel the later ones of its series too.
    """
    with transaction.atomic():
        held = Window.objects.select_for_update().select_related("provider").get(pk=window.pk)
        for one in [held, *(_locked_later(held) if later else [])]:
            if one.is_over:
                continue
            one.cancelled_at = now
            one.save(update_fields=["cancelled_at"])
            record(one.provider, actor, "maintenance.cancelled", one.code, {}, now=now)
            if one.notices.exists():
                notify(one, Notice.Kind.CANCELLATION, actor, now)


def tell_due(clock: Callable[[], datetime]) -> None:
    """Announce and remind of what is due. Done twice at once, the second finds nothing to do."""
    now = clock()
    ahead = Window.objects.filter(approved_at__isnull=False, cancelled_at=None, completed_at=None, until_at__gt=now)
    with transaction.atomic():
        for window in ahead.filter(announce_at__lte=now).select_for_update().order_by("from_at"):
            _announce(window, None, now)
        soon = ahead.filter(announce_at=None, from_at__gt=now, from_at__lte=now + REMIND_BEFORE, started_at=None)
        for window in soon.select_for_update().order_by("from_at"):
            if _is_to_remind_of(window):
                notify(window, Notice.Kind.REMINDER, None, now)


def _is_to_remind_of(window: Window) -> bool:
    """Whether the customers were told of its time so early that they want a reminder, and had none since."""
    told = window.notices.filter(kind__in=[Notice.Kind.ANNOUNCEMENT, Notice.Kind.MOVE]).last()
    if told is None or told.at > window.from_at - REMIND_BEFORE - LEAST_BETWEEN:
        return False
    return not window.notices.filter(kind=Notice.Kind.REMINDER, sequence__gt=told.sequence).exists()
