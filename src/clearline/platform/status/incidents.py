"""Incidents: opened, told of, resolved; whoever subscribed is told in the same transaction."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from clearline.platform.accounts.models import User
from clearline.platform.audit.services import record
from clearline.platform.status.models import Incident, Listing, Update
from clearline.platform.status.subscriptions import tell_of_update


def open_incident(incident: Incident, listings: Iterable[Listing], update: Update, actor: User, now: datetime) -> None:
    """Tell of a new incident.

    Args:
        incident: with its title, impact and start.
        listings: the components it is about.
        update: the first thing said about it.
        actor: who says it.
        now: the present moment.
    """
    with transaction.atomic():
        incident.provider = actor.provider
        incident.save()
        incident.listings.set(listings)
        record(actor.provider, actor, "incident.opened", f"I-{incident.pk}", {"title": incident.title}, now=now)
        add_update(incident, update, actor, now)


def add_update(incident: Incident, update: Update, actor: User, now: datetime) -> None:
    """Say something more about an incident; saying that it is resolved resolves it, anything else opens it again."""
    with transaction.atomic():
        update.incident, update.author, update.at = incident, actor, now
        update.save()
        incident.resolved_at = now if update.stage == Update.Stage.RESOLVED else None
        incident.save(update_fields=["resolved_at"])
        details = {"stage": update.stage, "body": update.body}
        record(actor.provider, actor, "incident.updated", f"I-{incident.pk}", details, now=now)
        tell_of_update(update, now)


def list_component(listing: Listing, actor: User, now: datetime) -> None:
    """Show a component on the public page."""
    with transaction.atomic():
        listing.listed_at = now
        listing.save()
        record(actor.provider, actor, "component.listed", str(listing.component), {"name": listing.name}, now=now)


def unlist_component(listing: Listing, actor: User, now: datetime) -> None:
    """Show a component on the public page no more."""
    with transaction.atomic():
        record(actor.provider, actor, "component.unlisted", str(listing.component), {"name": listing.name}, now=now)
        listing.delete()
