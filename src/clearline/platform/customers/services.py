"""Customers, their sites, and the services they buy."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from clearline.agreement.moments import datetime_us, utc
from clearline.agreement.months import day_start_us, local_date
from clearline.platform.accounts.models import User
from clearline.platform.audit.services import record
from clearline.platform.customers.models import Contact, Customer, Service, Site
from clearline.platform.outages.scope import derive
from clearline.platform.outbox.models import Channel
from clearline.platform.outbox.services import seal
from clearline.platform.outbox.webhooks import make_secret

DAY = timedelta(days=1)


def save_customer(customer: Customer, actor: User, now: datetime) -> None:
    """Add a customer of the actor's provider, or keep what was changed about one."""
    with transaction.atomic():
        added = customer.pk is None
        if added:
            customer.provider = actor.provider
            customer.created_at = now
        customer.save()
        details = {"name": customer.name, "contact": customer.contact}
        record(actor.provider, actor, f"customer.{_verb(added)}", customer.code, details, now=now)


def add_site(site: Site, customer: Customer, actor: User, now: datetime) -> None:
    """Add a site of a customer."""
    with transaction.atomic():
        site.customer = customer
        site.save()
        record(actor.provider, actor, "site.added", customer.code, {"site": site.name}, now=now)


def add_contact(contact: Contact, actor: User, now: datetime) -> str:
    """Add a contact of a customer.

    Returns:
        The secret that webhooks to it are signed with, to be handed over once; empty for a mailbox.
    """
    secret = make_secret() if contact.channel == Channel.WEBHOOK else ""
    with transaction.atomic():
        contact.sealed_secret = seal(secret) if secret else ""
        contact.added_at = now
        contact.save()
        details = {"channel": contact.channel, "address": contact.address}
        record(actor.provider, actor, "contact.added", contact.customer.code, details, now=now)
    return secret


def remove_contact(contact: Contact, actor: User, now: datetime) -> None:
    """Tell a contact no more. What was sent to it stays on record."""
    with transaction.atomic():
        details = {"channel": contact.channel, "address": contact.address}
        contact.delete()
        record(actor.provider, actor, "contact.removed", contact.customer.code, details, now=now)


def save_service(service: Service, values: dict[str, Any], actor: User, now: datetime) -> None:
    """Add a service, or keep what was changed about one.

    Args:
        service: with its plain fields set, its customer among them.
        values: `first_day` and `last_day` (inclusive, or None) in the agreement's time zone, and `targets`.
        actor: who does it.
        now: the moment it is done.
    """
    zone = service.agreement.zone
    with transaction.atomic():
        added = service.pk is None
        service.starts_at = _midnight(values["first_day"], zone)
        service.ends_at = _midnight(values["last_day"] + DAY, zone) if values["last_day"] else None
        service.save()
        retired = service.targets.exclude(retired_at=None)  # not to choose any more, but what they measured counts
        service.targets.set([*values["targets"], *retired])
        service.components.set(values.get("components", ()))
        derive(actor.provider)
        details = {
            "name": service.name,
            "monthly_fee": f"{service.monthly_fee:f} {service.currency}",
            "agreement": service.agreement.identifier,
            "first_day": str(values["first_day"]),
            "last_day": str(values["last_day"]) if values["last_day"] else None,
            "components": [str(component) for component in service.components.all()],
            "capabilities": service.capabilities,
            "targets": [target.code for target in service.targets.all()],
        }
        record(actor.provider, actor, f"service.{_verb(added)}", service.code, details, now=now)


def days_of(service: Service) -> dict[str, date | None]:
    """The first and last day of a service in its agreement's time zone, as the form has them."""
    zone = service.agreement.zone
    last = local_date(datetime_us(service.ends_at), zone) - DAY if service.ends_at else None
    return {"first_day": local_date(datetime_us(service.starts_at), zone), "last_day": last}


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return utc(day_start_us(day, zone))


def _verb(added: bool) -> str:  # noqa: FBT001  # it is the whole of what is asked
    return "added" if added else "changed"
