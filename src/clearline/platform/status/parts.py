"""The listed components: what tells of each, who rests on it, and how it does now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from clearline.platform.accounts.models import Provider
from clearline.platform.availability.models import Capability, Target
from clearline.platform.availability.observation import Now, together
from clearline.platform.customers.models import Service
from clearline.platform.outages.effect import Said, said_of
from clearline.platform.outages.models import Declaration
from clearline.platform.outages.scope import needs_of, with_needed
from clearline.platform.status.models import Listing

State = Literal["operational", "degraded", "partial", "down", "maintenance", "unknown"]

MEASURED: dict[str, State] = {"up": "operational", "down": "down", "unknown": "unknown"}


@dataclass(frozen=True, slots=True)
class Part:
    """One listed component."""

    listing: Listing
    needs: tuple[Listing, ...]
    """The listed ones that it needs, directly or not."""
    targets: tuple[Target, ...]
    """What tells of it: its own and those of all it needs; retired ones too, for the time they were measured."""
    services: tuple[Service, ...]
    """Those that rest on it."""

    @property
    def probed(self) -> list[Target]:
        """What tells of it now."""
        return [target for target in self.targets if target.retired_at is None]

    def said(self) -> set[Said]:
        """What was said and accepted about the services that rest on it, each differing whole once."""
        return {self._about(said_of(service)) for service in self.services} or {Said()}

    def _about(self, said: Said) -> Said:
        """Without corrections of outages that were measured elsewhere."""
        own = tuple(f"O-{target.pk}-" for target in self.targets)
        kept = (one for one in said.corrections if not one.outage.startswith("O-") or one.outage.startswith(own))
        return Said(said.declarations, tuple(kept))


def parts_of(provider: Provider) -> list[Part]:
    """A provider's listed components, in the order in which the page shows them."""
    listings = list(
        Listing.objects.filter(component__provider=provider)
        .select_related("component__provider")
        .prefetch_related(
            *(f"component__{path}" for path in ("targets__services", "services")),
            *(
                f"component__{path}__{what}"
                for path in ("targets__services", "services")
                for what in ("customer", "agreement__versions", "declarations", "corrections")
            ),
        )
    )
    needs = needs_of(provider)
    targets: dict[int, list[Target]] = {}
    for target in Target.objects.filter(provider=provider).exclude(component=None).select_related("provider"):
        if target.component_id is not None:
            targets.setdefault(target.component_id, []).append(target)
    return [_part(listing, listings, with_needed([listing.component.pk], needs), targets) for listing in listings]


def _part(listing: Listing, listings: Iterable[Listing], needed: set[int], targets: Mapping[int, list[Target]]) -> Part:
    component = listing.component
    services = {service.pk: service for target in component.targets.all() for service in target.services.all()}
    services |= {service.pk: service for service in component.services.all()}
    return Part(
        listing,
        tuple(one for one in listings if one != listing and one.component.pk in needed),
        tuple(target for pk in sorted(needed) for target in targets.get(pk, ())),
        tuple(services[pk] for pk in sorted(services)),
    )


@dataclass(frozen=True, slots=True)
class Doing:
    """How a component does now, as it was measured and as people said."""

    state: State
    since_us: int | None
    """None: not known, or longer than we looked."""
    capabilities: dict[Capability, State]
    """What of it is measured, and how that does."""


def doing(part: Part, states: Mapping[int, Now], now_us: int) -> Doing:
    """Judge a component: down when all that is measured of it is, or when everybody said so; partly when some is.

    Args:
        part: any.
        states: how its targets do, by primary key.
        now_us: the present moment.
    """
    measured = {
        capability: together([states[target.pk] for target in telling])
        for capability in Capability
        if (telling := [target for target in part.probed if target.capability in {"", capability}])
    }
    capabilities = {capability: MEASURED[seen.state] for capability, seen in measured.items()}
    found = set(capabilities.values()) or {"unknown"}
    state: State = "partial" if "down" in found and len(found) > 1 else "unknown" if "unknown" in found else found.pop()
    since = [seen.since_us for seen in measured.values() if seen.since_us is not None]
    running = _declared_running(part, now_us)
    if running and state != "down":
        everybody = all(any(service in touched for touched in running.values()) for service in part.services)
        state = "down" if everybody else "partial"
        since = [one.span_us[0] for one in running]
    since_us = min(since, default=None) if state in {"down", "partial"} else max(since, default=None)
    return Doing(state, since_us, capabilities)


def _declared_running(part: Part, now_us: int) -> dict[Declaration, list[Service]]:
    """Accepted declared outages that go on now, with the component's services that each is of."""
    found: dict[Declaration, list[Service]] = {}
    for service in part.services:
        for one in said_of(service).declarations:
            if one.runs_at(now_us):
                found.setdefault(one, []).append(service)
    return found
