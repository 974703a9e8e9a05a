"""Serves the status page's files before anything else of the platform: no session, no database, no template."""

import hashlib
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.cache import patch_cache_control

from clearline.platform.status.publish import CURRENT, directory

PREFIX = "/status/"
FILES = {
    "": ("index.html", "text/html; charset=utf-8"),
    "feed.atom": ("feed.atom", "application/atom+xml"),
    "maintenance.ics": ("maintenance.ics", "text/calendar; charset=utf-8"),
    **{
        f"api/v2/{name}.json": (f"api/v2/{name}.json", "application/json")
        for name in (
            "summary", "status", "components", "incidents", "incidents/unresolved", "scheduled-maintenances",
            "scheduled-maintenances/upcoming", "scheduled-maintenances/active",
        )
    },
}  # fmt: skip
"""Path under the prefix → file and content type. Every other path goes on to the platform."""

CACHED_S = 15
STALE_S = 120
"""The page says so when it was not written anew for this long: the worker or its database is away."""

STALE_MARK = b"<!--stale-->"
STALE_TEXT = (
    b'<p class="stale" role="alert">This page has not been renewed for a while: it shows how things stood then.</p>'
)


class StatusFiles:
    """Middleware that answers for the status page's files."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Stand before the rest of the platform."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, or pass on what is not one of the files."""
        found = FILES.get(request.path.removeprefix(PREFIX)) if request.path.startswith(PREFIX) else None
        if found is None or request.method not in {"GET", "HEAD"}:
            return self._get_response(request)
        return _answer(request, *found)


def _answer(request: HttpRequest, name: str, content_type: str) -> HttpResponse:
    path = directory() / CURRENT / name
    try:
        content, age_s = path.read_bytes(), time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return HttpResponse("The status page is not written yet.\n", status=503, content_type="text/plain")
    if age_s > STALE_S:
        content = content.replace(STALE_MARK, STALE_TEXT)
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    known = [each.strip() for each in request.headers.get("If-None-Match", "").split(",")]
    answer = HttpResponseNotModified() if tag in known else HttpResponse(content, content_type=content_type)
    answer["ETag"] = tag
    answer["Access-Control-Allow-Origin"] = "*"  # it is public, and read by other sites' pages
    patch_cache_control(answer, public=True, max_age=CACHED_S)
    return answer
