"""A customer's own view by its secret link: its services and maintenance, as a page, a feed and a calendar."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from clearline.agreement.moments import datetime_us
from clearline.platform.availability.observation import now_of
from clearline.platform.customers.models import Customer, Service
from clearline.platform.maintenance.models import Notice, Window
from clearline.platform.maintenance.services import verdicts
from clearline.platform.outages import services as outages
from clearline.platform.outages.effect import said_of
from clearline.platform.outages.models import Declaration
from clearline.platform.statements.services import briefs
from clearline.platform.status import feeds, links
from clearline.platform.status.forms import ReportForm
from clearline.platform.tenancy import TenantQuerySet

REPORTS = 20
"""The newest declared outages of the customer that the page has."""

TOLD = 100
"""The newest notices the feed has."""


def _found(token: str) -> tuple[Customer, list[Service]]:
    found = links.customer_of(token)
    if found is None:
        raise Http404
    bought = found.services.select_related("customer__provider", "agreement")
    more = ("agreement__versions", "targets__provider", "declarations", "corrections")
    return found, list(bought.prefetch_related(*more))


def _windows(services: list[Service]) -> TenantQuerySet[Window]:
    """Approved windows that affect some services, by start."""
    windows = Window.objects.filter(services__in=services, approved_at__isnull=False, cancelled_at=None)
    return windows.distinct().order_by("from_at", "pk").prefetch_related("services")


@login_not_required
@never_cache
@require_safe
def customer(request: HttpRequest, token: str) -> HttpResponse:
    """The customer's services: their state, the running month, and maintenance ahead of them."""
    found, bought = _found(token)
    now = timezone.now()
    now_us = datetime_us(now)
    targets = {target.pk: target for service in bought for target in service.targets.all() if target.retired_at is None}
    affected = [
        (window, verdicts(window, [service for service in bought if service in window.services.all()]))
        for window in _windows(bought).filter(until_at__gt=now)
    ]
    context = {
        "customer": found,
        "briefs": briefs(bought, now, now_of(list(targets.values()), now_us)),
        "windows": affected,
        "reports": Declaration.objects.filter(customer=found).select_related("decided_by")[:REPORTS],
        "declared": {
            service.pk for service in bought if any(one.runs_at(now_us) for one in said_of(service).declarations)
        },
        "now": now,
    }
    answer = render(request, "status/customer.html", context)
    answer["Referrer-Policy"] = "no-referrer"
    return answer


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest, token: str) -> HttpResponse:
    """Where the customer declares an outage. Its address is told to no other site, and to ours, as CSRF needs it."""
    found, bought = _found(token)
    form = ReportForm(found, request.POST or None, initial={"from_at": timezone.now(), "places": bought})
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            outages.report(form.save(commit=False), form.cleaned_data["places"], found, timezone.now())
        except outages.NotNowError as error:
            form.add_error(None, str(error))
            status = 429
        else:
            return redirect("status-customer", token)
    context = {"form": form, "customer": found, "token": token}
    return render(request, "status/report.html", context, status=422 if form.errors and status == 200 else status)


@login_not_required
@never_cache
@require_safe
def feed(request: HttpRequest, token: str) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """Every notice of maintenance that affects the customer, as Atom."""
    found, bought = _found(token)
    told = Notice.objects.filter(window__services__in=bought).distinct().order_by("-at", "-pk")
    told = told.select_related("window__provider").prefetch_related("window__services")[:TOLD]
    page = settings.CLEARLINE.origin + reverse("status-customer", args=[token])
    content = feeds.atom(feeds.customer_entries(told, bought), provider=found.provider, page=page)
    return HttpResponse(content, content_type="application/atom+xml")


@login_not_required
@never_cache
@require_safe
def calendar(request: HttpRequest, token: str) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """The customer's maintenance as a calendar to subscribe to."""
    _, bought = _found(token)
    return HttpResponse(feeds.calendar(_windows(bought)), content_type="text/calendar; charset=utf-8")
