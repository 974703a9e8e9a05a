"""What the status page says at one moment, gathered from samples, windows and incidents; every form shows this."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from clearline.agreement.evidence import load_evidence
from clearline.agreement.moments import datetime_us, moment_text, utc
from clearline.agreement.months import Month
from clearline.agreement.problems import listed as listed_problems
from clearline.agreement.statement import evaluate
from clearline.platform.accounts.models import Provider
from clearline.platform.agreements.models import Agreement
from clearline.platform.availability.observation import Now, now_of, observed_of, outages_of
from clearline.platform.maintenance.announcing import Piece, pieces_by_customer
from clearline.platform.maintenance.models import Window
from clearline.platform.status.models import Incident, Listing

HISTORY_MONTHS = 12
INCIDENT_DAYS = 90
"""Incidents that began in so many days before are told of, and all that are not resolved."""

AHEAD_DAYS = 60
PAST_DAYS = 30
"""Maintenance is told of so far ahead and back."""

State = Literal["operational", "degraded", "partial", "down", "maintenance", "unknown"]

SEVERITY: tuple[State, ...] = ("operational", "maintenance", "unknown", "degraded", "partial", "down")
"""From good to bad."""

MEASURED_STATES: dict[str, State] = {"up": "operational", "down": "down", "unknown": "unknown"}
INCIDENT_STATES: dict[str, State] = {"minor": "degraded", "major": "partial", "critical": "down"}


@dataclass(frozen=True, slots=True)
class MonthFigure:
    """A component's month."""

    month: str
    uptime: str | None
    """Percent, as the agreement measures it, cut off after four decimals; None: not measured."""
    coverage: str
    """Percent of the month so far that was observed."""


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
    listings = list(
        Listing.objects.filter(target__provider=provider, target__retired_at=None)
        .select_related("target__provider")
        .prefetch_related("target__services__customer", "target__services__agreement__versions")
    )
    agreement = Agreement.objects.filter(provider=provider).prefetch_related("versions").order_by("pk").first()
    incidents = _incidents(provider, now)
    maintenance = _maintenance(provider, listings, now)
    states = now_of([listing.target for listing in listings], datetime_us(now))
    components = [
        _component(listing, states[listing.target.pk], incidents, maintenance, agreement, now) for listing in listings
    ]
    zone = agreement.zone.key if agreement else "UTC"
    return Snapshot(provider, now, zone, tuple(components), tuple(incidents), tuple(maintenance))


def _incidents(provider: Provider, now: datetime) -> list[Incident]:
    found = Incident.objects.filter(provider=provider).prefetch_related("listings", "updates")
    since = now - timedelta(days=INCIDENT_DAYS)
    return [one for one in found if one.resolved_at is None or one.started_at >= since]


def _maintenance(provider: Provider, listings: Sequence[Listing], now: datetime) -> list[Maintenance]:
    """Approved windows that affect a listed component, with the components' names."""
    names: dict[int, list[str]] = {}
    for listing in listings:
        for service in listing.target.services.all():
            names.setdefault(service.pk, []).append(listing.name)
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
    listing: Listing,
    seen: Now,
    incidents: Iterable[Incident],
    maintenance: Iterable[Maintenance],
    agreement: Agreement | None,
    now: datetime,
) -> ComponentStatus:
    worked_on = any(
        one.stage == "in_progress" and one.window.until_at > now and listing.name in one.names for one in maintenance
    )
    states: list[State] = ["maintenance" if worked_on else MEASURED_STATES[seen.state]]
    states += [
        INCIDENT_STATES[one.impact] for one in incidents if one.resolved_at is None and listing in one.listings.all()
    ]
    return ComponentStatus(
        id=f"component-{listing.pk}",
        name=listing.name,
        position=listing.position,
        state=max(states, key=SEVERITY.index),
        since=None if seen.since_us is None else utc(seen.since_us),
        listed_at=listing.listed_at,
        months=tuple(_months(listing, agreement, now)) if agreement else (),
    )


def _months(listing: Listing, agreement: Agreement, now: datetime) -> list[MonthFigure]:
    """The months since the target was added, by the agreement of the first service that rests on it."""
    first_service = next(iter(listing.target.services.all()), None)
    agreement = first_service.agreement if first_service else agreement
    last, first = agreement.month_of(now), agreement.month_of(listing.target.added_at)
    begin = max(first.index, last.index - HISTORY_MONTHS + 1)
    return [month_figure(listing, agreement, Month.of_index(index), now) for index in range(last.index, begin - 1, -1)]


def month_figure(listing: Listing, agreement: Agreement, month: Month, now: datetime) -> MonthFigure:
    """A component's month, judged as a service's is; nothing that customers are owed depends on it."""
    version = agreement.in_force(month) or agreement.versions.order_by("effective").first()
    if version is None:
        return MonthFigure(str(month), None, "0.0000")
    span = month.interval(version.terms.zone)
    as_of_us = min(datetime_us(now), span[1])
    evidence, problems = load_evidence(_evidence(listing, month, span, as_of_us), "status")
    if evidence is None:
        raise ValueError(f"the status page gathered evidence that is refused: {listed_problems(problems)}")
    verdict = evaluate(version.terms, evidence).to_json()["commitments"].get("availability")
    if verdict is None:
        return MonthFigure(str(month), None, "0.0000")
    return MonthFigure(str(month), verdict["measured"], verdict["coverage"])


def _evidence(listing: Listing, month: Month, span: tuple[int, int], as_of_us: int) -> dict[str, Any]:
    within = (span[0], max(span[0], as_of_us))
    target = listing.target
    return {
        "schema": "clearline/evidence/1",
        "customer": {"id": "public", "name": "public"},
        "service": {
            "id": target.code,
            "name": listing.name,
            "monthly_fee": {"amount": "0.00", "currency": "EUR"},
            "from": moment_text(datetime_us(target.added_at)),
            "until": None,
        },
        "month": str(month),
        "as_of": moment_text(as_of_us),
        "availability": {
            "observed": [[moment_text(a), moment_text(b)] for a, b in observed_of([target], within, as_of_us)],
            "downtime": [
                {
                    "id": seen.id,
                    "from": moment_text(seen.outage.from_us),
                    "until": None if seen.outage.until_us is None else moment_text(seen.outage.until_us),
                }
                for seen in outages_of([target], within, as_of_us)
            ],
            "maintenance": list(_windows(listing, span)),
            "excluded": [],
        },
    }


def _windows(listing: Listing, span: tuple[int, int]) -> Iterable[dict[str, Any]]:
    """Windows that affect the component, as the customer who was told last of each knew them."""
    services = list(listing.target.services.all())
    windows = Window.objects.filter(
        services__in=services, from_at__lt=utc(span[1]), until_at__gt=utc(span[0]), approved_at__isnull=False
    )
    for window in windows.distinct().order_by("from_at", "pk"):
        customers = {one.customer.pk: one.customer for one in window.services.select_related("customer")}
        known = list(pieces_by_customer(window, customers.values()).values())
        latest = max(known, key=_told_last, default=[])
        for number, piece in enumerate(latest):
            yield {
                "id": f"{window.code}.{number}",
                "from": moment_text(datetime_us(piece.from_at)),
                "until": moment_text(datetime_us(piece.until_at)),
                "announced_at": moment_text(datetime_us(piece.announced_at)) if piece.announced_at else None,
            }


def _told_last(pieces: Sequence[Piece]) -> tuple[bool, float]:
    first = pieces[0].announced_at if pieces else None
    return (first is None, first.timestamp() if first else 0.0)
