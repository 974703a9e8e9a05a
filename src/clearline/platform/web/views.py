from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from clearline.agreement.moments import datetime_us
from clearline.platform.availability.models import Target
from clearline.platform.availability.observation import now_of
from clearline.platform.customers.models import Service
from clearline.platform.measurements import records
from clearline.platform.requests import Request
from clearline.platform.statements.meter import meters
from clearline.platform.statements.services import briefs
from clearline.records.alerts import alerts

LOOPBACK = ("127.0.0.1", "::1")


@require_safe
def dashboard(request: Request) -> HttpResponse:
    """How the provider's targets and services do; htmx asks for the live part alone every few seconds."""
    now = timezone.now()
    targets = list(Target.objects.visible_to(request.user).filter(retired_at=None).select_related("provider"))
    bought = Service.objects.visible_to(request.user).select_related("customer__provider", "agreement")
    bought = bought.prefetch_related("agreement__versions", "targets__provider")
    states = now_of(targets, datetime_us(now))
    services = briefs(bought, now, states)
    context = {
        "alerts": alerts(records()),
        "targets": [(target, states[target.pk]) for target in targets],
        "meters": meters((brief.current for brief in services if brief.current), now),
        "briefs": services,
        "first": targets[0] if targets else None,
    }
    return render(request, "web/dashboard_now.html" if request.htmx else "web/dashboard.html", context)


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
