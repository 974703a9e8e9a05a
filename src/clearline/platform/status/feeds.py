"""The status page as feeds: Atom (RFC 4287) of incidents and maintenance, iCalendar (RFC 5545) of maintenance."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree as ET

from clearline.agreement.moments import datetime_us, moment_text
from clearline.platform.accounts.models import Provider
from clearline.platform.customers.models import Service
from clearline.platform.maintenance.maintnote import calendar_of, event_of
from clearline.platform.maintenance.models import Notice, Window
from clearline.platform.maintenance.notices import text_of
from clearline.platform.status.snapshot import Snapshot

ATOM = "http://www.w3.org/2005/Atom"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was said."""

    identifier: str
    at: datetime
    title: str
    body: str


def public_entries(snapshot: Snapshot) -> Iterator[Entry]:
    """Each thing said about an incident, and each window."""
    for incident in snapshot.incidents:
        for update in incident.updates.all():
            title = f"{update.get_stage_display()}: {incident.title}"
            yield Entry(f"U-{update.pk}", update.at, title, update.body)
    for one in snapshot.maintenance:
        window = one.window
        span = f"{window.from_at:%-d %b %Y, %H:%M} to {window.until_at:%-d %b %Y, %H:%M} UTC"
        body = f"{span}. Affected: {', '.join(one.names)}."
        yield Entry(window.code, _changed_at(window), f"Maintenance: {window.title}", body)


def customer_entries(notices: Iterable[Notice], services: Sequence[Service]) -> Iterator[Entry]:
    """Each notice of maintenance that affects some services of one customer, as its e-mail has it."""
    for notice in notices:
        affected = [service for service in services if service in notice.window.services.all()]
        title = f"{notice.get_kind_display()}: {notice.window.title}"
        yield Entry(f"{notice.window.code}/{notice.sequence}", notice.at, title, text_of(notice, affected))


def atom(entries: Iterable[Entry], *, provider: Provider, page: str) -> bytes:
    """A feed, latest first.

    Args:
        entries: in any order.
        provider: its author.
        page: the address of the page it goes with, with a slash at its end.
    """
    ET.register_namespace("", ATOM)
    feed = ET.Element(f"{{{ATOM}}}feed")
    ordered = sorted(entries, key=lambda entry: entry.at, reverse=True)
    _add(feed, "title", f"Status of {provider}")
    _add(feed, "id", page)
    _add(feed, "updated", _text(ordered[0].at if ordered else provider.created_at))
    ET.SubElement(feed, f"{{{ATOM}}}link", {"rel": "alternate", "href": page})
    ET.SubElement(feed, f"{{{ATOM}}}link", {"rel": "self", "href": f"{page}feed.atom"})
    _add(ET.SubElement(feed, f"{{{ATOM}}}author"), "name", str(provider))
    for one in ordered:
        entry = ET.SubElement(feed, f"{{{ATOM}}}entry")
        _add(entry, "id", f"{page}#{one.identifier}")
        _add(entry, "title", one.title)
        _add(entry, "updated", _text(one.at))
        _add(entry, "content", one.body)
        ET.SubElement(entry, f"{{{ATOM}}}link", {"rel": "alternate", "href": f"{page}#{one.identifier}"})
    found: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
    return found


def _add(parent: ET.Element, name: str, text: str) -> None:
    """XML has no control characters, not even escaped."""
    ET.SubElement(parent, f"{{{ATOM}}}{name}").text = "".join(
        each for each in text if each.isprintable() or each in "\n\t"
    )


def calendar(windows: Iterable[Window]) -> bytes:
    """Windows as a calendar to subscribe to."""
    events = []
    for window in windows:
        event = event_of(window, window.sequence, _changed_at(window), window.from_at, window.until_at)
        if not window.uid:
            event["uid"] = f"{window.code}@clearline"
        events.append(event)
    return calendar_of(events, "PUBLISH")


def _changed_at(window: Window) -> datetime:
    return window.completed_at or window.started_at or window.approved_at or window.entered_at


def _text(moment: datetime) -> str:
    return moment_text(datetime_us(moment))
