"""What is probed: adding, keeping and retiring targets."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import structlog
from cryptography.fernet import InvalidToken
from django.db import transaction
from django.db.models import Q

from clearline.agreement.moments import datetime_us
from clearline.platform.accounts.models import Provider, User
from clearline.platform.audit.services import record
from clearline.platform.availability.models import Target
from clearline.platform.ciphers import cipher
from clearline.platform.config import Settings
from clearline.records.schema import ProbeSample
from clearline.sensors.probe import target as sensors

log = structlog.get_logger(__name__)

PURPOSE = b"target's password"

SUSPECTED_WITHIN = timedelta(minutes=1)
"""A failure that is older when it is told hurries nobody."""

SUSPECTED_AGAIN = timedelta(minutes=5)
"""A target's failures hurry those who look at it this often at most."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person wants to be probed."""

    name: str
    uri: str
    kind: sensors.Kind = "options"
    account: str = ""
    password: str = ""
    interval_seconds: int | None = None
    """None: as the settings say."""
    digits: str = ""
    """Keys that a call presses."""
    registers: bool = False
    encrypts: bool = False
    path: str = ""
    name_server: str = ""


def add_target(
    provider: Provider, actor: User | None, wanted: Wanted, *, settings: Settings, now: datetime, built_in: bool = False
) -> Target:
    """Begin to probe an endpoint; the password is sealed and leaves only to the prober."""
    target = Target.objects.create(
        provider=provider,
        name=wanted.name,
        uri=wanted.uri,
        kind=wanted.kind,
        account=wanted.account,
        sealed_password=_sealed(wanted.account, wanted.password),
        digits=wanted.digits,
        registers=wanted.registers,
        encrypts=wanted.encrypts,
        path=wanted.path,
        name_server=wanted.name_server,
        built_in=built_in,
        interval_seconds=wanted.interval_seconds or settings.probe_interval_seconds,
        timeout_seconds=settings.probe_timeout_seconds,
        added_at=now,
    )
    facts = {"uri": target.uri, "kind": target.kind, "account": target.account}
    record(provider, actor, "target.added", target.code, facts, now=now)
    return target


def _sealed(account: str, password: str) -> str:
    return cipher(PURPOSE).encrypt(password.encode()).decode() if account else ""


def change_account(target: Target, actor: User, *, account: str, password: str, now: datetime) -> None:
    """Sign in as another user, or with another password, from the next reading of the targets on."""
    target.account = account
    target.sealed_password = _sealed(account, password)
    target.save(update_fields=["account", "sealed_password"])
    record(actor.provider, actor, "target.account", target.code, {"account": account}, now=now)


def keep_targets(settings: Settings, now: datetime) -> None:
    """Give every provider the built-in reflector, where it listens now, and the targets named when it was started."""
    for provider in Provider.objects.all():
        _keep_reflector(provider, settings, now)
        known = set(Target.objects.filter(provider=provider).values_list("uri", flat=True))
        for uri in settings.targets.split():
            if uri not in known:
                add_target(provider, None, Wanted(uri.removeprefix("sip:"), uri), settings=settings, now=now)


def _keep_reflector(provider: Provider, settings: Settings, now: datetime) -> None:
    if settings.reflector is None:
        return
    reflector = Target.objects.filter(provider=provider, built_in=True).first()
    if reflector is None:
        wanted = Wanted("Built-in reflector", settings.reflector)
        add_target(provider, None, wanted, settings=settings, now=now, built_in=True)
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
    return probed(target for target in active if all(watch.local for watch in list(target.watches.all())[-1:]))


def suspect(samples: Iterable[ProbeSample], now: datetime) -> None:
    """Let everybody who looks at a target look at once, if one of them has just seen it fail."""
    since_us = datetime_us(now - SUSPECTED_WITHIN)
    failing = {sample.target for sample in samples if not sample.ok and sample.at_us >= since_us}
    if failing:
        numbers = {int(code.removeprefix("target-")) for code in failing}
        fresh = Q(suspected_at=None) | Q(suspected_at__lte=now - SUSPECTED_AGAIN)
        Target.objects.filter(fresh, pk__in=numbers).update(suspected_at=now)


def probed(targets: Iterable[Target]) -> list[sensors.Target]:
    """Targets as a prober takes them.

    One whose password cannot be read is left out: its time is unobserved, never down for our fault.
    """
    found = []
    for target in targets:
        try:
            found.append(_as_probed(target))
        except InvalidToken:
            log.error("the password was stored under another secret key; it is not probed", target=target.code)  # noqa: TRY400  # said in full
    return found


def _as_probed(target: Target) -> sensors.Target:
    credentials = None
    if target.account:
        password = cipher(PURPOSE).decrypt(target.sealed_password.encode()).decode()
        credentials = sensors.Credentials(target.account, password)
    return sensors.Target(
        id=target.code,
        tenant=target.provider.tenant,
        uri=target.uri,
        kind=cast("sensors.Kind", target.kind),
        interval_us=target.interval_seconds * 1_000_000,
        timeout_us=target.timeout_seconds * 1_000_000,
        credentials=credentials,
        digits=target.digits,
        registers=target.registers,
        encrypts=target.encrypts,
        path=target.path or "/",
        name_server=sensors.name_server_of(target.name_server) if target.name_server else None,
        suspected_us=None if target.suspected_at is None else datetime_us(target.suspected_at),
    )
