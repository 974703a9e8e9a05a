from django.conf import settings
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from clearline.agreement.moments import datetime_us
from clearline.agreement.months import Month
from clearline.platform.availability import observation, services
from clearline.platform.availability.forms import AccountForm, TargetForm
from clearline.platform.availability.models import Target
from clearline.platform.availability.plot import QUANTITIES, plot_of, quantities_of
from clearline.platform.outages.cases import declared_between, undecided
from clearline.platform.requests import Request
from clearline.platform.vantages.services import current_watch, named
from clearline.platform.web.pages import form_page
from clearline.records.schema import DAY_US

DAYS_LISTED = 31
PLOT_HOURS = (1, 24)


def _targets(request: Request) -> list[Target]:
    return list(Target.objects.visible_to(request.user).select_related("provider"))


@require_safe
def index(request: Request) -> HttpResponse:
    """Every target with its state now, and the outages of the last month."""
    now_us = datetime_us(timezone.now())
    targets = _targets(request)
    now = observation.now_of(targets, now_us)
    span = (now_us - now_us % DAY_US - DAYS_LISTED * DAY_US, _tomorrow(now_us))
    context = {
        "rows": [(target, now[target.pk]) for target in targets],
        "outages": observation.outages_of(targets, span, now_us),
        "days": DAYS_LISTED,
        "declared": declared_between(request.user, span),
        "undecided": undecided(request.user),
    }
    template = "availability/index_now.html" if request.htmx else "availability/index.html"
    return render(request, template, context)


def _tomorrow(now_us: int) -> int:
    return now_us - now_us % DAY_US + DAY_US


@require_safe
def target(request: Request, pk: int) -> HttpResponse:
    """One target: its state, its latency with honest gaps, its last samples, its outages this month."""
    found = get_object_or_404(Target.objects.visible_to(request.user).select_related("provider"), pk=pk)
    now = timezone.now()
    now_us = datetime_us(now)
    day_us = now_us - now_us % DAY_US
    span = (day_us - DAYS_LISTED * DAY_US, _tomorrow(now_us))
    context = {
        "target": found,
        "now": observation.now_of([found], now_us)[found.pk],
        "watch": current_watch(found),
        "seen_from": named(found, observation.now_from_each(found, now_us)),
        "samples": observation.recent(found, observation.RECENT_US, now_us)[::-1][:40],
        "outages": observation.outages_of([found], span, now_us),
        "days": DAYS_LISTED,
        "quantities": quantities_of(found.kind),
        "month": str(Month(now.year, now.month)),
    }
    return render(request, "availability/target.html", context)


@require_safe
def plot(request: Request, pk: int, quantity: str, hours: int) -> JsonResponse:
    """One quantity of a target over the last hours, or since it is probed, for the page's plots."""
    if hours not in PLOT_HOURS or quantity not in QUANTITIES:
        raise Http404
    found = get_object_or_404(Target.objects.visible_to(request.user).select_related("provider"), pk=pk)
    now_us = datetime_us(timezone.now())
    span = (max(now_us - hours * 3_600_000_000, datetime_us(found.added_at)), now_us)
    return JsonResponse(plot_of(observation.recent(found, span[1] - span[0], now_us), span, quantity))


def add(request: Request) -> HttpResponse:
    """Begin to probe an endpoint."""
    form = TargetForm(request.POST or None, initial={"interval_seconds": settings.CLEARLINE.probe_interval_seconds})
    if request.method == "POST" and form.is_valid():
        wanted = services.Wanted(**form.cleaned_data)
        added = services.add_target(
            request.user.provider, request.user, wanted, settings=settings.CLEARLINE, now=timezone.now()
        )
        return redirect("target", added.pk)
    hint = "Clearline tries it on a regular interval from this machine, and keeps every answer."
    title = "Add a target"
    return form_page(request, form, title=title, back=reverse("availability"), button="Begin to probe", hint=hint)


def account(request: Request, pk: int) -> HttpResponse:
    """Give a target another user or password."""
    found = get_object_or_404(Target.objects.visible_to(request.user), pk=pk)
    form = AccountForm(request.POST or None, initial={"account": found.account})
    if request.method == "POST" and form.is_valid():
        services.change_account(found, request.user, **form.cleaned_data, now=timezone.now())
        return redirect("target", pk)
    title = f"Account of {found}"
    hint = "What is written here takes the place of both: an empty password is an empty password."
    return form_page(request, form, title=title, back=reverse("target", args=[pk]), hint=hint)


@require_POST
def retire(request: Request, pk: int) -> HttpResponse:
    """Stop probing an endpoint; what was measured stays."""
    services.retire_target(
        get_object_or_404(Target.objects.visible_to(request.user), pk=pk), request.user, timezone.now()
    )
    return redirect("target", pk)
