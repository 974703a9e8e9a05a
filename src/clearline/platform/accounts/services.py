"""Letting people in: the one-time link, the set-up of the provider and its first person."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from clearline.platform.accounts.models import Provider, SignInLink, User
from clearline.platform.agreements.services import add_default_agreement
from clearline.platform.audit.services import record
from clearline.platform.availability.services import keep_targets

LINK_LIFE = timedelta(hours=1)
TOKEN_BYTES = 32
UNNAMED = "Your company"
"""The provider's name until its first person says it."""


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def make_link(user: User | None, now: datetime) -> str:
    """Make a one-time link's token; earlier unused links of the same person stop working."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with transaction.atomic():
        SignInLink.objects.filter(user=user).delete()
        SignInLink.objects.create(token_sha256=_hash(token), user=user, expires_at=now + LINK_LIFE)
    return token


def find_link(token: str, now: datetime) -> SignInLink | None:
    """The link of a token that may still be used. Looking does not use it up: mail scanners open links too."""
    return SignInLink.objects.filter(token_sha256=_hash(token), expires_at__gt=now).select_related("user").first()


def _use_up(link: SignInLink) -> bool:
    """Whether this caller was the one who used the link: of two at once, one deletes the row."""
    deleted, _ = SignInLink.objects.filter(pk=link.pk).delete()
    return deleted == 1


def ensure_provider(now: datetime) -> Provider:
    """The provider of this platform, made at its first start so that measuring begins before anybody signs in."""
    with transaction.atomic():
        provider = Provider.objects.order_by("pk").first()
        if provider is None:
            provider = Provider.objects.create(name=UNNAMED, created_at=now)
            add_default_agreement(provider, None, now)
        keep_targets(settings.CLEARLINE, now)
    return provider


def set_up(link: SignInLink, *, provider_name: str, email: str, password: str, now: datetime) -> User | None:
    """Use the first link: name the provider and make its first person.

    Returns:
        The person, or None when the link had been used meanwhile or is not for setting up.
    """
    with transaction.atomic():
        if link.user is not None or not _use_up(link):
            return None
        provider = ensure_provider(now)
        provider.name = provider_name
        provider.save(update_fields=["name"])
        user = User.objects.create_person(provider=provider, email=email, password=password)
        record(provider, user, "provider.set_up", provider_name, {"email": user.email}, now=now)
    return user


def invite(actor: User, *, name: str, email: str, now: datetime) -> str:
    """Add a colleague of the actor, who chooses a password by the one-time link.

    Returns:
        The link's token, to be handed over.
    """
    with transaction.atomic():
        person = User.objects.create_person(provider=actor.provider, email=email, password=None, name=name)
        record(actor.provider, actor, "person.added", person.email, {"name": name}, now=now)
        return make_link(person, now)


def enter(link: SignInLink, password: str, now: datetime) -> User | None:
    """Use a person's link and set their new password; None when it had been used meanwhile or names nobody."""
    with transaction.atomic():
        if link.user is None or not _use_up(link):
            return None
        link.user.set_password(password)
        link.user.save(update_fields=["password"])
        record(link.user.provider, link.user, "person.entered_by_link", link.user.email, {}, now=now)
    return link.user
