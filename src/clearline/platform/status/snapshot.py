"""What the status page says at one moment, gathered from samples, windows and incidents; every form shows this."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from clearline.agreement.moments import datetime_us, utc
from clearline.platform.accounts.models import Provider
from clearline.platform.agreements.models import Agreement
from clearline.platform.availability.models import Capability
from clearline.platform.availability.observation import now_of
from clearline.platform.maintenance.models import Window
from clearline.platform.status.models import Incident, Listing
from clearline.platform.status.parts import Doing, Part, State, doing, parts_of
from clearline.platform.status.uptime import MonthFigure, agreement_of, months, reading

INCIDENT_DAYS = 90
"""Incidents that began in so many days before are told of, and all that are not resolved."""

AHEAD_DAYS = 60
PAST_DAYS = 30
"""Maintenance is told of so far ahead and back."""

SEVERITY: tuple[State, ...] = ("operational", "maintenance", "unknown", "degraded", "partial", "down")
"""From good to bad."""

INCIDENT_STATES: dict[str, State] = {"minor": "degraded", "major": "partial", "critical": "down"}


@dataclass(frozen=True, slots=True)
class ComponentStatus:
    """One listed component."""

    id: str
    name: str
    position: int
    state: State
    since: datetime | None
    listed_at: datetime
    months: tuple[MonthFigure, ...]
    """Latest first."""
    capabilities: dict[Capability, State]
    """What of it is measured, and how that does; nothing where work on it is announced for now."""
    needs: tuple[Listing, ...]
    """The listed components that it needs, directly or not."""
    reading: str
    """What its agreement makes of maintenance and of what was not measured, in a sentence."""


@dataclass(frozen=True, slots=True)
class Maintenance:
    """A window that affects listed components, and which."""

    window: Window
    names: tuple[str, ...]
    stage: Literal["scheduled", "in_progress", "completed"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole page."""

    provider: Provider
    at: datetime
    zone: str
    """The zone whose calendar months are told."""
    components: tuple[ComponentStatus, ...]
    incidents: tuple[Incident, ...]
    """Latest first, with `listings` and `updates` loaded."""
    maintenance: tuple[Maintenance, ...]
    """By start."""

    @property
    def worst(self) -> State | None:
        """The state of the worst component; None: none is listed."""
        return max((one.state for one in self.components), key=SEVERITY.index, default=None)

    @property
    def open_incidents(self) -> list[Incident]:
        """Those that are not resolved."""
        return [one for one in self.incidents if one.resolved_at is None]

    @property
    def resolved_incidents(self) -> list[Incident]:
        """Those that are over."""
        return [one for one in self.incidents if one.resolved_at is not None]


def take(provider: Provider, now: datetime) -> Snapshot:
    """Gather what the status page of a provider says now."""
    parts = parts_of(provider)
    agreement = Agreement.objects.filter(provider=provider).prefetch_related("versions").order_by("pk").first()
    incidents = _incidents(provider, now)
    maintenance = _maintenance(provider, parts, now)
    targets = {target.pk: target for part in parts for target in part.probed}
    states = now_of(list(targets.values()), datetime_us(now))
    components = [
        _component(part, doing(part, states, datetime_us(now)), incidents, maintenance, agreement, now)
        for part in parts
    ]
    zone = agreement.zone.key if agreement else "UTC"
    return Snapshot(provider, now, zone, tuple(components), tuple(incidents), tuple(maintenance))


def _incidents(provider: Provider, now: datetime) -> list[Incident]:
    found = Incident.objects.filter(provider=provider).prefetch_related("listings", "updates")
    since = now - timedelta(days=INCIDENT_DAYS)
    return [one for one in found if one.resolved_at is None or one.started_at >= since]


def _maintenance(provider: Provider, parts: Iterable[Part], now: datetime) -> list[Maintenance]:
    """Approved windows that affect a listed component, with the components' names."""
    names: dict[int, list[str]] = {}
    for part in parts:
        for service in part.services:
            names.setdefault(service.pk, []).append(part.listing.name)
    windows = Window.objects.filter(
        provider=provider,
        approved_at__isnull=False,
        cancelled_at=None,
        services__in=names,
        until_at__gt=now - timedelta(days=PAST_DAYS),
        from_at__lt=now + timedelta(days=AHEAD_DAYS),
    )
    found = []
    for window in windows.distinct().order_by("from_at", "pk").prefetch_related("services"):
        affected = sorted({name for service in window.services.all() for name in names.get(service.pk, ())})
        found.append(Maintenance(window, tuple(affected), _stage(window, now)))
    return found


def _stage(window: Window, now: datetime) -> Literal["scheduled", "in_progress", "completed"]:
    if window.completed_at is not None or (window.until_at <= now and window.started_at is None):
        return "completed"
    if window.started_at is not None or window.from_at <= now:
        return "in_progress"
    return "scheduled"


def _component(
    part: Part,
    seen: Doing,
    incidents: Iterable[Incident],
    maintenance: Iterable[Maintenance],
    agreement: Agreement | None,
    now: datetime,
) -> ComponentStatus:
    listing = part.listing
    worked_on = any(
        one.stage == "in_progress" and one.window.until_at > now and listing.name in one.names for one in maintenance
    )
    states: list[State] = ["maintenance" if worked_on else seen.state]
    states += [
        INCIDENT_STATES[one.impact] for one in incidents if one.resolved_at is None and listing in one.listings.all()
    ]
    terms = agreement_of(part, agreement)
    return ComponentStatus(
        id=f"component-{listing.pk}",
        name=listing.name,
        position=listing.position,
        state=max(states, key=SEVERITY.index),
        since=None if seen.since_us is None else utc(seen.since_us),
        listed_at=listing.listed_at,
        months=tuple(months(part, terms, now)) if terms else (),
        capabilities={} if worked_on else seen.capabilities,
        needs=part.needs,
        reading=reading(terms, now),
    )
