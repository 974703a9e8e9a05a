"""What every page's frame needs."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

MENU = (
    ("dashboard", "Dashboard", "home"),
    ("customers", "Customers", "users"),
    ("availability", "Availability", "activity"),
    ("alerts", "Alerts", "alert-triangle"),
    ("maintenance", "Maintenance", "tool"),
    ("calls", "Calls", "phone"),
    ("desk", "Desk", "lifebuoy"),
    ("statements", "Statements", "receipt"),
    ("agreements", "Agreements", "file-text"),
    ("incidents", "Status page", "world"),
    ("outbox", "Deliveries", "mail"),
    ("people", "People", "shield-lock"),
    ("audit", "Audit trail", "history"),
)
"""URL name, title, icon. A page belongs to the entry whose address its own begins with."""


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One entry of the main menu."""

    url: str
    title: str
    icon: str
    active: bool


def menu(request: HttpRequest) -> dict[str, list[MenuItem]]:
    """The main menu, with the entry of the current page marked."""
    items = []
    for name, title, icon in MENU:
        url = reverse(name)
        active = request.path == url if name == "dashboard" else request.path.startswith(url)
        items.append(MenuItem(url, title, icon, active))
    return {"menu": items}
