"""Agreements: loading versions that never change, and saying what they come to."""

from datetime import datetime
from pathlib import Path

from django.db import transaction

from clearline.agreement.problems import Problem
from clearline.agreement.terms import Agreement as Terms
from clearline.agreement.terms import load_agreement
from clearline.platform.accounts.models import Provider, User
from clearline.platform.agreements.models import Agreement, AgreementVersion
from clearline.platform.audit.services import record
from clearline.platform.config import CHECKOUT

DEFAULT_AGREEMENT = CHECKOUT / "agreements" / "voip-level-agreement.yaml"

LARGEST_FILE_BYTES = 256 * 1024
"""The default agreement has 4 KiB; nobody's terms need more than this."""


def load_version(
    provider: Provider, actor: User | None, content: bytes, source: str, now: datetime
) -> tuple[AgreementVersion | None, list[Problem]]:
    """Keep a version of an agreement. The same file again changes nothing.

    Args:
        provider: whose agreement it is.
        actor: who loads it; None for the platform itself.
        content: the YAML file.
        source: the file's name, for problems.
        now: the moment it is loaded.

    Returns:
        The version and no problems, or None and every problem found.
    """
    if len(content) > LARGEST_FILE_BYTES:
        return None, [Problem(source, "", f"is larger than {LARGEST_FILE_BYTES // 1024} KiB")]
    terms, problems = load_agreement(content, source)
    if terms is None:
        return None, problems
    with transaction.atomic():
        known = AgreementVersion.objects.filter(
            agreement__provider=provider, agreement__identifier=terms.id, version=terms.version
        ).first()
        if known is not None:
            return (known, []) if known.sha256 == terms.sha256 else (None, [_taken(terms, source)])
        return _keep(provider, actor, terms, content.decode(), now), []


def _taken(terms: Terms, source: str) -> Problem:
    message = f"{terms.version!r} of {terms.id} is loaded with other terms; a version never changes, so name a new one"
    return Problem(source, "version", message)


def _keep(provider: Provider, actor: User | None, terms: Terms, text: str, now: datetime) -> AgreementVersion:
    agreement, _ = Agreement.objects.update_or_create(
        provider=provider, identifier=terms.id, defaults={"title": terms.title}
    )
    version = AgreementVersion.objects.create(
        agreement=agreement,
        version=terms.version,
        effective=terms.effective,
        time_zone=terms.zone.key,
        text=text,
        sha256=terms.sha256,
        loaded_at=now,
    )
    details = {"version": terms.version, "effective": terms.effective.isoformat(), "sha256": terms.sha256}
    record(provider, actor, "agreement.version_loaded", terms.id, details, now=now)
    return version


def add_default_agreement(
    provider: Provider, actor: User | None, now: datetime, path: Path = DEFAULT_AGREEMENT
) -> None:
    """Load the agreement that ships with Clearline."""
    version, problems = load_version(provider, actor, path.read_bytes(), path.name, now)
    if version is None:
        raise ValueError("; ".join(map(str, problems)))
