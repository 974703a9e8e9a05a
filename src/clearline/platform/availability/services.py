"""What is probed: adding, keeping and retiring targets."""

from datetime import datetime

from django.db import transaction

from clearline.platform.accounts.models import Provider, User
from clearline.platform.audit.services import record
from clearline.platform.availability.models import Target
from clearline.platform.config import Settings
from clearline.sensors.probe import target as sensors


def add_target(
    provider: Provider,
    actor: User | None,
    *,
    name: str,
    uri: str,
    settings: Settings,
    now: datetime,
    built_in: bool = False,
) -> Target:
    """Begin to probe an endpoint."""
    target = Target.objects.create(
        provider=provider,
        name=name,
        uri=uri,
        built_in=built_in,
        interval_seconds=settings.probe_interval_seconds,
        timeout_seconds=settings.probe_timeout_seconds,
        added_at=now,
    )
    record(provider, actor, "target.added", target.code, {"uri": uri}, now=now)
    return target


def keep_targets(settings: Settings, now: datetime) -> None:
    """Give every provider the built-in reflector, where it listens now, and the targets named when it was started."""
    for provider in Provider.objects.all():
        _keep_reflector(provider, settings, now)
        known = set(Target.objects.filter(provider=provider).values_list("uri", flat=True))
        for uri in settings.targets.split():
            if uri not in known:
                add_target(provider, None, name=uri.removeprefix("sip:"), uri=uri, settings=settings, now=now)


def _keep_reflector(provider: Provider, settings: Settings, now: datetime) -> None:
    if settings.reflector is None:
        return
    reflector = Target.objects.filter(provider=provider, built_in=True).first()
    if reflector is None:
        add_target(
            provider, None, name="Built-in reflector", uri=settings.reflector, settings=settings, now=now, built_in=True
        )
    elif reflector.uri != settings.reflector:
        record(
            provider, None, "target.moved", reflector.code, {"from": reflector.uri, "to": settings.reflector}, now=now
        )
        reflector.uri = settings.reflector
        reflector.save(update_fields=["uri"])


def retire_target(target: Target, actor: User, now: datetime) -> None:
    """Stop probing an endpoint; what was measured stays. Again: changes nothing."""
    with transaction.atomic():
        if Target.objects.filter(pk=target.pk, retired_at=None).update(retired_at=now):
            record(actor.provider, actor, "target.retired", target.code, {"uri": target.uri}, now=now)


def probed_targets() -> list[sensors.Target]:
    """Every provider's targets that this machine looks at, as the prober takes them."""
    active = Target.objects.filter(retired_at=None).select_related("provider").prefetch_related("watches")
    return [as_probed(target) for target in active if all(watch.local for watch in list(target.watches.all())[-1:])]


def as_probed(target: Target) -> sensors.Target:
    """A target as a prober takes it."""
    return sensors.Target(
        id=target.code,
        tenant=target.provider.tenant,
        uri=target.uri,
        interval_us=target.interval_seconds * 1_000_000,
        timeout_us=target.timeout_seconds * 1_000_000,
    )
