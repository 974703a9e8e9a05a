from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from clearline.platform.requests import Request

LOOPBACK = ("127.0.0.1", "::1")


@require_safe
def dashboard(request: Request) -> HttpResponse:
    """How the provider's services do now."""
    return render(request, "web/dashboard.html", {})


@require_safe
def dashboard_now(request: Request) -> HttpResponse:
    """The live part of the dashboard, asked for every few seconds."""
    return render(request, "web/dashboard_now.html", {})


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """Whether the web process can reach its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Counters for Prometheus, to programs on this machine only: neither from elsewhere nor through a proxy."""
    if request.META.get("REMOTE_ADDR") not in LOOPBACK or "HTTP_X_FORWARDED_FOR" in request.META:
        raise Http404
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """No such page, or not one of your provider's."""
    return render(request, "web/not_found.html", status=404)
