"""Which targets stand for a service, and which services an outage is felt by.

A service uses components, which need other components; it buys some of their capabilities. What is probed for it
follows, and is kept as the service's targets, so that whoever asks finds it in one place. A service that names no
component has the targets that were chosen by hand.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from clearline.platform.accounts.models import Provider, User
from clearline.platform.audit.services import record
from clearline.platform.availability.models import Component, Target
from clearline.platform.customers.models import Service


def save_component(
    component: Component, needs: Iterable[Component], targets: dict[Target, str], actor: User, now: datetime
) -> None:
    """Add a part of the telephone service, or keep what was changed about one.

    Args:
        component: with its name set.
        needs: without which it does not work either.
        targets: what stands for it, each with the capability it tells of, or "" for all.
        actor: who does it.
        now: the present moment.
    """
    with transaction.atomic():
        component.provider = actor.provider
        component.save()
        component.needs.set(needs)
        for target in Target.objects.filter(provider=actor.provider):
            if target in targets:
                target.component, target.capability = component, targets[target]
            elif target.component_id == component.pk and target.retired_at is None:  # else its past would be lost
                target.component, target.capability = None, ""
            target.save(update_fields=["component", "capability"])
        derive(actor.provider)
        details = {
            "needs": [str(each) for each in component.needs.all()],
            "targets": {target.code: capability for target, capability in targets.items()},
        }
        record(actor.provider, actor, "component.saved", component.name, details, now=now)


def targets_of(service: Service) -> list[Target]:
    """What is probed to know whether a service works."""
    return list(service.targets.all())


def services_of(targets: Iterable[Target]) -> list[Service]:
    """The services that feel it when one of some targets fails."""
    return list(
        Service.objects.filter(targets__in=list(targets)).select_related("customer", "site", "agreement").distinct()
    )


def with_needed(components: Iterable[int], needs: dict[int, set[int]]) -> set[int]:
    """Some components with all that they need, directly or not; circles do no harm.

    Args:
        components: primary keys.
        needs: each component's primary key to those it needs.
    """
    found: set[int] = set()
    waiting = list(components)
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += needs.get(one, ())
    return found


def needs_of(provider: Provider) -> dict[int, set[int]]:
    """Each component's primary key to those it needs itself; one that needs nothing is left out."""
    needs: dict[int, set[int]] = {}
    for needing, needed in Component.needs.through.objects.filter(from_component__provider=provider).values_list(
        "from_component_id", "to_component_id"
    ):
        needs.setdefault(needing, set()).add(needed)
    return needs


def derive(provider: Provider) -> None:
    """Give each service that names components the targets that follow; within the caller's transaction."""
    needs = needs_of(provider)
    targets = list(Target.objects.filter(provider=provider).exclude(component=None))
    using = Service.objects.filter(customer__provider=provider).exclude(components=None).distinct()
    for service in using.prefetch_related("components"):
        used = with_needed((component.pk for component in service.components.all()), needs)
        service.targets.set(
            target
            for target in targets
            if target.component_id in used and (not target.capability or target.capability in service.capabilities)
        )
