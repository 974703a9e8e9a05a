from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from clearline.agreement.moments import utc
from clearline.agreement.months import Month
from clearline.platform.accounts.models import User
from clearline.platform.maintenance import carriers, planning, services
from clearline.platform.maintenance.announcing import deliveries_of
from clearline.platform.maintenance.calendar import days_of
from clearline.platform.maintenance.effect import worst_costs
from clearline.platform.maintenance.forms import ExclusionForm, ExtensionForm, MoveForm, NoticeForm, WindowForm
from clearline.platform.maintenance.models import CarrierWindow, Exclusion, Window
from clearline.platform.maintenance.notices import zones_of
from clearline.platform.maintenance.wall import wall_times
from clearline.platform.outbox.models import Delivery
from clearline.platform.requests import Request
from clearline.platform.web.pages import form_page

LISTED = 30
"""The newest windows, and exclusions, a page shows."""

COSTED = 20
"""For so many affected services the page says what the window would cost: each takes two judgements."""


@require_safe
def index(request: Request) -> HttpResponse:
    """Windows and exclusions, each with whether it counts."""
    windows = Window.objects.visible_to(request.user).prefetch_related(
        "services__customer", "services__agreement__versions"
    )
    page = Paginator(windows, LISTED).get_page(request.GET.get("page"))
    exclusions = Exclusion.objects.visible_to(request.user).select_related("service__customer", "approved_by")
    exclusions = exclusions.prefetch_related("service__agreement__versions")
    context = {
        "page": page,
        "windows": [(window, services.verdicts(window, window.services.all())) for window in page],
        "exclusions": [(exclusion, services.is_allowed(exclusion)) for exclusion in exclusions[:LISTED]],
        "now": timezone.now(),
    }
    return render(request, "maintenance/index.html", context)


def add(request: Request) -> HttpResponse:
    """Plan a window, or those of a rule; the page after says at once whether it will count."""
    form = WindowForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        planned: Window = form.save(commit=False)
        affected, now = form.cleaned_data["services"], timezone.now()
        if form.starts:
            series = planning.plan_series(planned, form.starts, form.lead, affected, request.user, now)
            messages.success(request, f"{len(series)} windows are planned. This is the first.")
            return redirect("window", series[0].pk)
        planning.plan(planned, affected, request.user, now)
        return redirect("window", planned.pk)
    hint = "Probing goes on in maintenance. Only the announced window and services are left out of the month."
    title = "Plan maintenance"
    return form_page(request, form, title=title, back=reverse("maintenance"), button="Plan it", hint=hint)


def _found(request: Request, pk: int) -> Window:
    windows = Window.objects.visible_to(request.user).select_related("provider", "planned_by", "approved_by")
    return get_object_or_404(windows, pk=pk)


@require_safe
def window(request: Request, pk: int) -> HttpResponse:
    """One window: when, for whom, whether it counts and what it costs if not, and who was told."""
    found, now = _found(request, pk), timezone.now()
    affected = list(
        found.services.select_related("customer__provider", "agreement").prefetch_related("targets__provider")
    )
    costs = {cost.service.pk: cost.amount for cost in worst_costs(found, affected[:COSTED], now)}
    sent = Delivery.objects.visible_to(request.user).filter(deliveries_of(found)).order_by("recipient")
    by_notice: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in sent:
        by_notice[delivery.about.split("/")[1]].append(delivery)
    context = {
        "window": found,
        "now": now,
        "times": wall_times(found.from_at, found.until_at, zones_of(found, affected)),
        "verdicts": [(verdict, costs.get(verdict.service.pk)) for verdict in services.verdicts(found, affected)],
        "notices": [(notice, by_notice[str(notice.sequence)]) for notice in found.notices.order_by("-sequence")],
        "may_approve": planning.may_approve(found, request.user),
        "later": planning.later_ones(found).count(),
        "form": ExtensionForm(initial={"until_at": found.until_at}),
    }
    return render(request, "maintenance/window.html", context)


def _do(request: Request, pk: int, deed: Callable[[Window, User, datetime], None]) -> HttpResponse:
    try:
        deed(_found(request, pk), request.user, timezone.now())
    except planning.NotNowError as error:
        messages.error(request, str(error))
    return redirect("window", pk)


@require_POST
def approve(request: Request, pk: int) -> HttpResponse:
    """Approve a window that somebody else planned."""
    return _do(request, pk, planning.approve)


@require_POST
def start(request: Request, pk: int) -> HttpResponse:
    """Say that the work has begun."""
    return _do(request, pk, planning.start)


@require_POST
def extend(request: Request, pk: int) -> HttpResponse:
    """Say that it takes longer."""
    form = ExtensionForm(request.POST)
    if not form.is_valid():
        _found(request, pk)
        messages.error(request, "Say until when, as a date and a time in UTC.")
        return redirect("window", pk)
    until_at = form.cleaned_data["until_at"]
    return _do(request, pk, lambda found, actor, now: planning.extend(found, until_at, actor, now))


@require_POST
def complete(request: Request, pk: int) -> HttpResponse:
    """Say that the work is done."""
    return _do(request, pk, planning.complete)


def move(request: Request, pk: int) -> HttpResponse:
    """Have a window take place at another time; its page says at once whether it will count then."""
    found = _found(request, pk)
    form = MoveForm(found, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            planning.move(found, actor=request.user, now=timezone.now(), **form.cleaned_data)
        except planning.NotNowError as error:
            form.add_error(None, str(error))
        else:
            return redirect("window", pk)
    hint = f"Times of {found.zone}. It is approved anew; then whoever was told of it is told its new time."
    back = reverse("window", args=[pk])
    return form_page(request, form, title=f"Move {found}", back=back, button="Move it", hint=hint)


@require_POST
def cancel(request: Request, pk: int) -> HttpResponse:
    """Cancel a window, or it and the later ones of its series."""
    later = "later" in request.POST
    return _do(request, pk, partial(planning.cancel, later=later))


@require_safe
def calendar(request: Request) -> HttpResponse:
    """A month of maintenance, ours and the carriers', by day in UTC."""
    now = timezone.now()
    try:
        month = Month.parse(request.GET.get("month") or f"{now:%Y-%m}")
    except ValueError as error:
        raise Http404 from error
    first_us, end_us = month.interval(ZoneInfo("UTC"))
    span = (utc(first_us), utc(end_us))
    within = {"from_at__lt": span[1], "until_at__gt": span[0]}
    windows = Window.objects.visible_to(request.user).filter(**within, cancelled_at=None).order_by("from_at")
    carrier_windows = CarrierWindow.objects.visible_to(request.user).filter(**within)
    context = {
        "month": span[0],
        "before": Month.of_index(month.index - 1),
        "after": Month.of_index(month.index + 1),
        "days": days_of(span, windows, carrier_windows),
        "now": now,
    }
    return render(request, "maintenance/calendar.html", context)


def read_notice(request: Request) -> HttpResponse:
    """Hand in a carrier's notice."""
    form = NoticeForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        raw = form.cleaned_data["mail"].read()
        try:
            found = carriers.read_notice(request.user.provider, request.user, raw, timezone.now())
        except carriers.NoNoticeError as error:
            form.add_error("mail", str(error))
        else:
            for read in found:
                messages.success(request, f"{read.window}: {read.outcome}, {read.window.status.lower()}.")
            return redirect(f"{reverse('maintenance-calendar')}?month={found[0].window.from_at:%Y-%m}")
    back = reverse("maintenance-calendar")
    return form_page(request, form, title="Read a carrier's notice", back=back, button="Read it")


def exclude(request: Request) -> HttpResponse:
    """Approve to leave an interval out."""
    form = ExclusionForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        exclusion: Exclusion = form.save(commit=False)
        services.save_exclusion(exclusion, request.user, timezone.now())
        if not services.is_allowed(exclusion):
            messages.warning(
                request, "Recorded, but the agreement in force does not allow this cause: nothing changes."
            )
        return redirect("maintenance")
    hint = "Only causes that the agreement in force lists take time out of the month."
    title = "Exclude an interval"
    return form_page(request, form, title=title, back=reverse("maintenance"), button="Approve", hint=hint)
