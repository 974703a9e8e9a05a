"""The secret link by which a customer sees its own services: made, replaced, followed."""

import hashlib
import secrets
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from clearline.platform.accounts.models import User
from clearline.platform.audit.services import record
from clearline.platform.customers.models import Customer
from clearline.platform.status.models import CustomerLink

TOKEN_BYTES = 32


def make(customer: Customer, actor: User, now: datetime) -> str:
    """Make a customer's link; the one before stops working.

    Returns:
        The address, to be handed over: it is not kept.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with transaction.atomic():
        CustomerLink.objects.update_or_create(
            customer=customer, defaults={"token_sha256": _hash(token), "made_at": now}
        )
        record(actor.provider, actor, "customer.status_link_made", customer.code, {}, now=now)
    return settings.CLEARLINE.origin + reverse("status-customer", args=[token])


def customer_of(token: str) -> Customer | None:
    """The customer whose link has this token."""
    link = CustomerLink.objects.filter(token_sha256=_hash(token)).select_related("customer__provider").first()
    return link.customer if link else None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
