"""The read interface of Atlassian Statuspage, version 2, so that what reads theirs reads this page too.

Source: the interface's documentation, https://status.atlassian.com/api. What it has no word for is beside its keys:
`clearline_state`. A component that is not measured is never `operational` there.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from clearline.platform.maintenance.models import Window
from clearline.platform.status.models import Incident, Update
from clearline.platform.status.parts import State
from clearline.platform.status.snapshot import ComponentStatus, Maintenance, Snapshot

COMPONENT_STATUS: dict[State, str] = {
    "operational": "operational",
    "maintenance": "under_maintenance",
    "unknown": "degraded_performance",
    "degraded": "degraded_performance",
    "partial": "partial_outage",
    "down": "major_outage",
}

SUMMARY: dict[State | None, tuple[str, str]] = {
    None: ("none", "No Components Are Listed"),
    "operational": ("none", "All Systems Operational"),
    "maintenance": ("maintenance", "Service Under Maintenance"),
    "unknown": ("minor", "Not All Systems Are Measured"),
    "degraded": ("minor", "Partially Degraded Service"),
    "partial": ("major", "Partial System Outage"),
    "down": ("critical", "Major System Outage"),
}
"""The worst component's state → indicator and description."""

INCIDENT = ("minor", "An Incident Is Being Looked After")
"""The same where an incident is open that no component shows."""

PAGE_ID = "clearline"


def summary(snapshot: Snapshot) -> tuple[str, str]:
    """The indicator and the description of everything: by the worst component, or by an incident that none shows."""
    if snapshot.open_incidents and snapshot.worst in (None, "operational"):
        return INCIDENT
    return SUMMARY[snapshot.worst]


def documents(snapshot: Snapshot, origin: str) -> dict[str, dict[str, Any]]:
    """Every document of the interface, by its path under `/api/v2/`."""
    page = _page(snapshot, origin)
    indicator, description = summary(snapshot)
    status = {"indicator": indicator, "description": description}
    components = [_component(one, snapshot.at) for one in snapshot.components]
    by_name = {one["name"]: one for one in components}
    incidents = [_incident(one, by_name, origin) for one in snapshot.incidents]
    unresolved = [_incident(one, by_name, origin) for one in snapshot.open_incidents]
    planned = {
        stage: [_maintenance(one, by_name, origin) for one in snapshot.maintenance if one.stage == stage]
        for stage in ("scheduled", "in_progress", "completed")
    }
    running = [*planned["in_progress"], *planned["scheduled"]]
    return {
        "summary.json": {
            "page": page,
            "components": components,
            "incidents": unresolved,
            "scheduled_maintenances": running,
            "status": status,
        },
        "status.json": {"page": page, "status": status},
        "components.json": {"page": page, "components": components},
        "incidents.json": {"page": page, "incidents": incidents},
        "incidents/unresolved.json": {"page": page, "incidents": unresolved},
        "scheduled-maintenances.json": {"page": page, "scheduled_maintenances": [*running, *planned["completed"]]},
        "scheduled-maintenances/upcoming.json": {"page": page, "scheduled_maintenances": planned["scheduled"]},
        "scheduled-maintenances/active.json": {"page": page, "scheduled_maintenances": planned["in_progress"]},
    }


def _page(snapshot: Snapshot, origin: str) -> dict[str, Any]:
    return {
        "id": PAGE_ID,
        "name": str(snapshot.provider),
        "url": f"{origin}/status/",
        "time_zone": snapshot.zone,
        "updated_at": _text(snapshot.at),
    }


def _component(one: ComponentStatus, at: datetime) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "status": COMPONENT_STATUS[one.state],
        "created_at": _text(one.listed_at),
        "updated_at": _text(one.since or at),
        "position": one.position,
        "description": None,
        "showcase": True,
        "start_date": f"{one.listed_at:%Y-%m-%d}",
        "group_id": None,
        "page_id": PAGE_ID,
        "group": False,
        "only_show_if_degraded": False,
        "clearline_state": one.state,
        "clearline_capabilities": {capability.value: state for capability, state in one.capabilities.items()},
        "clearline_needs": [f"component-{listing.pk}" for listing in one.needs],
        "clearline_months": [
            {"month": month.month, "uptime_percent": month.uptime, "coverage_percent": month.coverage}
            for month in one.months
        ],
    }


def _incident(incident: Incident, by_name: dict[str, Any], origin: str) -> dict[str, Any]:
    updates = list(incident.updates.all())
    identifier = f"I-{incident.pk}"
    latest = updates[0] if updates else None
    monitoring = [update.at for update in updates if update.stage == Update.Stage.MONITORING]
    names = [listing.name for listing in incident.listings.all()]
    return {
        "id": identifier,
        "name": incident.title,
        "status": latest.stage if latest else Update.Stage.INVESTIGATING.value,
        "created_at": _text(incident.started_at),
        "updated_at": _text(latest.at if latest else incident.started_at),
        "monitoring_at": _text(monitoring[0]) if monitoring else None,
        "resolved_at": _text(incident.resolved_at) if incident.resolved_at else None,
        "impact": incident.impact,
        "shortlink": f"{origin}/status/#{identifier}",
        "started_at": _text(incident.started_at),
        "page_id": PAGE_ID,
        "incident_updates": [
            _said(f"U-{update.pk}", identifier, update.stage, update.body, update.at) for update in updates
        ],
        "components": _named(names, by_name),
    }


def _maintenance(one: Maintenance, by_name: dict[str, Any], origin: str) -> dict[str, Any]:
    window = one.window
    return {
        "id": window.code,
        "name": window.title,
        "status": one.stage,
        "created_at": _text(window.entered_at),
        "updated_at": _text(window.completed_at or window.started_at or window.approved_at or window.entered_at),
        "monitoring_at": None,
        "resolved_at": _text(window.completed_at) if window.completed_at else None,
        "impact": "maintenance",
        "shortlink": f"{origin}/status/#{window.code}",
        "started_at": _text(window.started_at or window.from_at),
        "page_id": PAGE_ID,
        "scheduled_for": _text(window.from_at),
        "scheduled_until": _text(window.until_at),
        "incident_updates": _stages(window),
        "components": _named(one.names, by_name),
    }


def _stages(window: Window) -> list[dict[str, Any]]:
    """What is to be said of maintenance, latest first; readers expect at least one."""
    span = " to ".join(f"{at.astimezone(UTC):%-d %b %Y, %H:%M} UTC" for at in (window.from_at, window.until_at))
    reached = (
        ("completed", window.completed_at, "It is completed."),
        ("in_progress", window.started_at, "It has begun."),
        ("scheduled", window.approved_at or window.entered_at, f"Planned for {span}."),
    )
    return [
        _said(f"{window.code}-{stage}", window.code, stage, body, at) for stage, at, body in reached if at is not None
    ]


def _said(identifier: str, incident: str, status: str, body: str, at: datetime) -> dict[str, Any]:
    return {
        "id": identifier,
        "status": status,
        "body": body,
        "incident_id": incident,
        "created_at": _text(at),
        "updated_at": _text(at),
        "display_at": _text(at),
        "affected_components": None,
    }


def _named(names: Iterable[str], by_name: dict[str, Any]) -> list[Any]:
    return [by_name[name] for name in names if name in by_name]


def _text(moment: datetime) -> str:
    """A moment with its milliseconds, as Statuspage writes it: readers parse a fraction."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
