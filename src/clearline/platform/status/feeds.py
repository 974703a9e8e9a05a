"""The status page as feeds: Atom (RFC 4287) of incidents and maintenance, iCalendar (RFC 5545) of maintenance."""

from collections.abc import Iterator
from datetime import datetime
from xml.etree import ElementTree as ET

from clearline.agreement.moments import datetime_us, moment_text
from clearline.platform.maintenance.maintnote import calendar_of, event_of
from clearline.platform.status.snapshot import Snapshot

ATOM = "http://www.w3.org/2005/Atom"


def atom(snapshot: Snapshot, origin: str) -> bytes:
    """One entry for each thing said about an incident and each window, latest first."""
    ET.register_namespace("", ATOM)
    feed = ET.Element(f"{{{ATOM}}}feed")
    page = f"{origin}/status/"
    entries = sorted(_entries(snapshot), key=lambda entry: entry[1], reverse=True)
    updated = entries[0][1] if entries else snapshot.provider.created_at
    _add(feed, "title", f"Status of {snapshot.provider}")
    _add(feed, "id", page)
    _add(feed, "updated", _text(updated))
    ET.SubElement(feed, f"{{{ATOM}}}link", {"rel": "alternate", "href": page})
    ET.SubElement(feed, f"{{{ATOM}}}link", {"rel": "self", "href": f"{page}feed.atom"})
    _add(ET.SubElement(feed, f"{{{ATOM}}}author"), "name", str(snapshot.provider))
    for identifier, at, title, body in entries:
        entry = ET.SubElement(feed, f"{{{ATOM}}}entry")
        _add(entry, "id", f"{page}#{identifier}")
        _add(entry, "title", title)
        _add(entry, "updated", _text(at))
        _add(entry, "content", body)
        ET.SubElement(entry, f"{{{ATOM}}}link", {"rel": "alternate", "href": f"{page}#{identifier}"})
    found: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
    return found


def _entries(snapshot: Snapshot) -> Iterator[tuple[str, datetime, str, str]]:
    for incident in snapshot.incidents:
        for update in incident.updates.all():
            yield f"U-{update.pk}", update.at, f"{update.get_stage_display()}: {incident.title}", update.body
    for one in snapshot.maintenance:
        window = one.window
        span = f"{window.from_at:%-d %b %Y, %H:%M} to {window.until_at:%-d %b %Y, %H:%M} UTC"
        at = window.completed_at or window.started_at or window.approved_at or window.entered_at
        yield window.code, at, f"Maintenance: {window.title}", f"{span}. Affected: {', '.join(one.names)}."


def _add(parent: ET.Element, name: str, text: str) -> None:
    """XML has no control characters, not even escaped."""
    ET.SubElement(parent, f"{{{ATOM}}}{name}").text = "".join(
        each for each in text if each.isprintable() or each in "\n\t"
    )


def calendar(snapshot: Snapshot) -> bytes:
    """The maintenance as a calendar to subscribe to."""
    events = []
    for one in snapshot.maintenance:
        window = one.window
        stamp = window.completed_at or window.started_at or window.approved_at or window.entered_at
        event = event_of(window, window.sequence, stamp, window.from_at, window.until_at)
        if not window.uid:
            event["uid"] = f"{window.code}@clearline"
        event.add("description", f"Affected: {', '.join(one.names)}.")
        events.append(event)
    return calendar_of(events, "PUBLISH")


def _text(moment: datetime) -> str:
    return moment_text(datetime_us(moment))
