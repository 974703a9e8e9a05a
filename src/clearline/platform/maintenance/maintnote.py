"""The calendar part of a notice, as the BCOP on maintenance notifications has it: X-MAINTNOTE properties.

Source: draft-gunter-calext-maintenance-notifications-00; the events themselves RFC 5545, cancelling RFC 5546.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from icalendar import Calendar, Event, vCalAddress

from clearline.platform.customers.models import Service
from clearline.platform.maintenance.models import Notice, Window

STATUS = {
    Notice.Kind.ANNOUNCEMENT: "CONFIRMED",
    Notice.Kind.REMINDER: "CONFIRMED",
    Notice.Kind.MOVE: "CONFIRMED",
    Notice.Kind.START: "IN-PROCESS",
    Notice.Kind.EXTENSION: "IN-PROCESS",
    Notice.Kind.COMPLETION: "COMPLETED",
    Notice.Kind.CANCELLATION: "CANCELLED",
}
"""Why customers are told → X-MAINTNOTE-STATUS. An extension before the start is CONFIRMED, see `status_of`. So is a
new time: the draft has no word for it, and UID, SEQUENCE and DTSTART tell it (RFC 5546 section 3.2.2.1)."""

PRODUCT = "-//Clearline//Maintenance//EN"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who announces, as the calendar names them."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        """X-MAINTNOTE-PROVIDER."""
        return self.address.rpartition("@")[2]


def status_of(window: Window, notice: Notice) -> str:
    """The X-MAINTNOTE-STATUS of a notice."""
    if notice.kind == Notice.Kind.EXTENSION and window.started_at is None:
        return STATUS[Notice.Kind.ANNOUNCEMENT]
    return STATUS[Notice.Kind(notice.kind)]


def method_of(notice: Notice) -> str:
    """The iCalendar METHOD of a notice."""
    return "CANCEL" if notice.kind == Notice.Kind.CANCELLATION else "PUBLISH"


def calendar_part(notice: Notice, services: Iterable[Service], account: str, sender: Sender, text: str) -> bytes:
    """The calendar of one notice to one customer.

    Args:
        notice: which, with its window.
        services: the customer's affected services; each is an object of the notice.
        account: the customer's name with the provider.
        sender: who announces.
        text: the event's description.
    """
    window = notice.window
    event = event_of(window, notice.sequence, notice.at, notice.from_at, notice.until_at)
    event.add("description", text)
    organizer = vCalAddress(f"mailto:{sender.address}")
    organizer.params["CN"] = sender.name
    event.add("organizer", organizer)
    event.add("x-maintnote-provider", sender.domain)
    event.add("x-maintnote-account", account)
    event.add("x-maintnote-maintenance-id", window.code)
    event.add("x-maintnote-impact", window.impact)
    event.add("x-maintnote-status", status_of(window, notice))
    for service in services:
        event.add("x-maintnote-object-id", service.code, parameters={"X-MAINTNOTE-OBJECT-IMPACT": window.impact})
    if notice.kind == Notice.Kind.CANCELLATION:
        event.add("status", "CANCELLED")
    return calendar_of([event], method_of(notice))


def event_of(window: Window, sequence: int, stamp: datetime, from_at: datetime, until_at: datetime) -> Event:
    """The event of a window, with what every calendar needs."""
    event = Event()
    event.add("uid", window.uid)
    event.add("sequence", sequence)
    event.add("dtstamp", stamp.astimezone(UTC))
    event.add("dtstart", from_at.astimezone(UTC))
    event.add("dtend", until_at.astimezone(UTC))
    event.add("summary", window.title)
    return event


def calendar_of(events: Iterable[Event], method: str) -> bytes:
    """A calendar of some events."""
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", PRODUCT)
    calendar.add("method", method)
    for event in events:
        calendar.add_component(event)
    found: bytes = calendar.to_ical()
    return found
