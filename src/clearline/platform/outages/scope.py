"""Which targets stand for a service, and which services an outage is felt by."""

from collections.abc import Iterable

from clearline.platform.availability.models import Target
from clearline.platform.customers.models import Service


def targets_of(service: Service) -> list[Target]:
    """What is probed to know whether a service works."""
    return list(service.targets.all())


def services_of(targets: Iterable[Target]) -> list[Service]:
    """The services that feel it when one of some targets fails."""
    return list(
        Service.objects.filter(targets__in=list(targets)).select_related("customer", "site", "agreement").distinct()
    )
