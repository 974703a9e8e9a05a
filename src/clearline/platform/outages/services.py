"""What people do about outages: declare, correct, decide. Each leaves its trace in the audit trail."""

import hashlib
import os
import secrets
from collections.abc import Iterable
from datetime import datetime
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
        declaration.save()
        declaration.services.set(services)
        details = {
            "from": str(declaration.from_at),
            "until": str(declaration.until_at) if declaration.until_at else None,
            "services": [service.code for service in services],
            "said_by": declaration.said_by,
            "file": declaration.file_sha256,
        }
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


def decide(claim: Declaration | Correction, actor: User, now: datetime, *, accepted: bool) -> None:
    """Sign a claim off, or refuse it; once.

    Raises:
        NotNowError: it was decided before, or it is the person's own.
    """
    if not may_decide(claim, actor):
        raise NotNowError("A second person decides on it, once.")
    with transaction.atomic():
        undecided = type(claim)._default_manager.filter(pk=claim.pk, decided_at=None)  # noqa: SLF001  # Django's way
        if not undecided.update(decided_at=now, decided_by=actor, accepted=accepted):
            raise NotNowError("Somebody decided on it meanwhile.")
        kind = "outage" if isinstance(claim, Declaration) else "correction"
        verb = "accepted" if accepted else "refused"
        record(actor.provider, actor, f"{kind}.{verb}", claim.code, {"said_by": str(claim.made_by)}, now=now)
