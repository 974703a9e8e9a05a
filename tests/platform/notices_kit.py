"""Windows planned, their notices sent, and what the customers' side makes of them."""

from datetime import datetime, timedelta
from typing import Any

from circuit_maintenance_parser import NotificationData
from circuit_maintenance_parser.output import Maintenance
from circuit_maintenance_parser.provider import GenericProvider
from mail_kit import Inbox
from platform_kit import NOW

from clearline.platform.accounts.models import User
from clearline.platform.customers.models import Service
from clearline.platform.maintenance import planning
from clearline.platform.maintenance.models import Window
from clearline.platform.maintenance.services import verdicts
from clearline.platform.outbox.models import Channel
from clearline.platform.outbox.sending import send_due

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def planned(
    service: Service, actor: User, begins: datetime = NOW + 3 * DAY, now: datetime = NOW, **more: Any
) -> Window:
    window = Window(title="Core upgrade", from_at=begins, until_at=begins + 2 * HOUR, **more)
    planning.plan(window, [service], actor, now)
    return window


def deliver(at: datetime = NOW) -> None:
    send_due(Channel.EMAIL, lambda: at)


def verdict(window: Window, service: Service) -> tuple[bool, str]:
    (found,) = verdicts(Window.objects.get(pk=window.pk), [service])
    return found.counts, found.reason


def read_back(inbox: Inbox) -> list[Maintenance]:
    """What the carriers' customers' parser makes of each mail, in the order they came."""
    found = []
    for message in inbox.messages():
        data = NotificationData.init_from_email_bytes(message.as_bytes())
        assert data is not None
        found += GenericProvider().get_maintenances(data)
    return found
