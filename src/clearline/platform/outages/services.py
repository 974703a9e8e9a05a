"""What people do about outages: declare, correct, decide. Each leaves its trace in the audit trail."""

import hashlib
import os
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from clearline.platform.accounts.models import User
from clearline.platform.audit.services import record
from clearline.platform.customers.models import Customer, Service
from clearline.platform.outages.models import Claim, Correction, Declaration

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

LARGEST_FILE_BYTES = 10 * 1024 * 1024
"""A screenshot, a log, a short capture."""


MOST_WAITING = 5
"""So many reports of one customer may wait to be decided at once: whoever has the link can write them."""

REPORTS_A_DAY = 20
"""So many reports one customer may make within a day, decided or not."""


class NotNowError(ValueError):
    """What was asked for cannot be done; the message says why."""


def declare(
    declaration: Declaration,
    services: Iterable[Service],
    actor: User,
    now: datetime,
    *,
    customer: Customer | None = None,
    file: "UploadedFile[bytes] | None" = None,
) -> None:
    """Record an outage that somebody saw; it counts once a second person accepts it.

    Args:
        declaration: with its plain fields set.
        services: whose outage it is.
        actor: who writes it down.
        now: the present moment.
        customer: the customer who says so, if it is one.
        file: what shows it.
    """
    services, provider = list(services), actor.provider
    with transaction.atomic():
        declaration.provider, declaration.made_at, declaration.made_by = provider, now, actor
        declaration.customer = customer
        declaration.said_by = str(customer or actor)
        if file is not None:
            declaration.file_name, declaration.file_sha256 = (file.name or "file")[-200:], keep_file(file.read())
        _write_down(declaration, services, actor, now)


def report(declaration: Declaration, services: Iterable[Service], customer: Customer, now: datetime) -> None:
    """Record an outage that a customer declares itself; it counts once one of the provider's people accepts it.

    Args:
        declaration: with its plain fields set.
        services: of the customer, whose outage it is.
        customer: who says so.
        now: the present moment.

    Raises:
        NotNowError: the customer reported too much lately, or too much of it waits to be decided.
    """
    with transaction.atomic():
        Customer.objects.select_for_update().get(pk=customer.pk)
        own = Declaration.objects.filter(customer=customer, source=Declaration.Source.CUSTOMER)
        if own.filter(decided_at=None).count() >= MOST_WAITING:
            raise NotNowError(f"{MOST_WAITING} reports wait to be decided already. Please call us.")
        if own.filter(made_at__gt=now - timedelta(days=1)).count() >= REPORTS_A_DAY:
            raise NotNowError(f"{REPORTS_A_DAY} reports came within a day already. Please call us.")
        declaration.provider, declaration.made_at, declaration.made_by = customer.provider, now, None
        declaration.source, declaration.customer = Declaration.Source.CUSTOMER, customer
        declaration.said_by = str(customer)
        _write_down(declaration, list(services), None, now)


def _write_down(declaration: Declaration, services: list[Service], actor: User | None, now: datetime) -> None:
    """Save a declaration, and its trace; within the caller's transaction."""
    declaration.save()
    declaration.services.set(services)
    details = {
        "from": str(declaration.from_at),
        "until": str(declaration.until_at) if declaration.until_at else None,
        "services": [service.code for service in services],
        "said_by": declaration.said_by,
        "source": str(declaration.source),
        "contact": declaration.contact,
        "file": declaration.file_sha256,
    }
    provider = declaration.provider
    record(provider, actor, "outage.declared", declaration.code, details, now=now, reason=declaration.what)


def keep_file(content: bytes) -> str:
    """Keep a file under its SHA-256, whole or not at all, and return that."""
    name = hashlib.sha256(content).hexdigest()
    path = file_path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        scratch = path.with_suffix(f".{secrets.token_hex(4)}")
        with scratch.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        scratch.rename(path)
    return name


def file_path(sha256: str) -> Path:
    """Where a file given as evidence is kept."""
    return settings.CLEARLINE.data / "shown" / sha256


def end_declared(declaration: Declaration, until_at: datetime, actor: User, now: datetime) -> None:
    """Say when a declared outage ended.

    Raises:
        NotNowError: that was said before, or the end is not after the start and by now.
    """
    if not declaration.from_at < until_at <= now:
        raise NotNowError("It ended after it began, and not later than now.")
    with transaction.atomic():
        if not Declaration.objects.filter(pk=declaration.pk, until_at=None).update(until_at=until_at):
            raise NotNowError("Its end is recorded already; a correction can move it.")
        record(actor.provider, actor, "outage.ended", declaration.code, {"until": str(until_at)}, now=now)


def propose(correction: Correction, services: Iterable[Service], actor: User, now: datetime) -> None:
    """Record what somebody wants time to count as; it takes effect once a second person signs it off."""
    services = list(services)
    with transaction.atomic():
        correction.provider, correction.made_at, correction.made_by = actor.provider, now, actor
        correction.save()
        correction.services.set(services)
        details = {
            "outage": correction.outage,
            "from": str(correction.from_at),
            "until": str(correction.until_at),
            "becomes": correction.becomes,
            "services": [service.code for service in services],
        }
        record(
            actor.provider, actor, "correction.proposed", correction.code, details, now=now, reason=correction.reason
        )


def may_decide(claim: Claim, user: User) -> bool:
    """Whether a person may decide: nobody has, and it is not their own word."""
    return claim.decided_at is None and claim.made_by_id != user.pk


def decide(claim: Declaration | Correction, actor: User, now: datetime, *, accepted: bool, reason: str = "") -> None:
    """Sign a claim off, or refuse it; once.

    Args:
        claim: a declaration or a correction.
        actor: who decides.
        now: the present moment.
        accepted: whether it takes effect.
        reason: why, as a customer who declared it reads it.

    Raises:
        NotNowError: it was decided before, it is the person's own, or a customer is refused without a reason.
    """
    if not may_decide(claim, actor):
        raise NotNowError("A second person decides on it, once.")
    by_customer = isinstance(claim, Declaration) and claim.source == Declaration.Source.CUSTOMER
    if by_customer and not accepted and not reason:
        raise NotNowError("Say why it is refused: the customer reads it.")
    with transaction.atomic():
        undecided = type(claim)._default_manager.filter(pk=claim.pk, decided_at=None)  # noqa: SLF001  # Django's way
        if not undecided.update(decided_at=now, decided_by=actor, accepted=accepted):
            raise NotNowError("Somebody decided on it meanwhile.")
        if isinstance(claim, Declaration):
            Declaration.objects.filter(pk=claim.pk).update(answer=reason)
        kind, said_by = ("outage", claim.said_by) if isinstance(claim, Declaration) else ("correction", claim.made_by)
        verb = "accepted" if accepted else "refused"
        details = {"said_by": str(said_by)}
        record(actor.provider, actor, f"{kind}.{verb}", claim.code, details, now=now, reason=reason)
