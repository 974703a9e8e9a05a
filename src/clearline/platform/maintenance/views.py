from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from clearline.platform.maintenance import services
from clearline.platform.maintenance.forms import ExclusionForm, WindowForm
from clearline.platform.maintenance.models import Exclusion, Window
from clearline.platform.requests import Request
from clearline.platform.web.pages import form_page

LISTED = 100
"""The newest windows and exclusions a page shows."""


@require_safe
def index(request: Request) -> HttpResponse:
    """Windows and exclusions, each with whether it counts."""
    windows = Window.objects.visible_to(request.user).prefetch_related(
        "services__customer", "services__agreement__versions"
    )
    exclusions = Exclusion.objects.visible_to(request.user).select_related("service__customer", "approved_by")
    exclusions = exclusions.prefetch_related("service__agreement__versions")
    context = {
        "windows": [(window, services.verdicts(window, window.services.all())) for window in windows[:LISTED]],
        "exclusions": [(exclusion, services.is_allowed(exclusion)) for exclusion in exclusions[:LISTED]],
        "now": timezone.now(),
    }
    return render(request, "maintenance/index.html", context)


def add(request: Request) -> HttpResponse:
    """Record an announced window; the page after says at once whether it will count."""
    form = WindowForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        window: Window = form.save(commit=False)
        services.save_window(window, form.cleaned_data["services"], request.user, timezone.now())
        lost = [verdict for verdict in services.verdicts(window, window.services.all()) if not verdict.counts]
        if lost:
            messages.warning(request, f"Recorded, but it will count as downtime. {lost[0].reason}")
        else:
            messages.success(request, "Recorded. It was announced in time for every affected service.")
        return redirect("maintenance")
    hint = "Probing goes on in maintenance. Only the announced window and services are left out of the month."
    title = "Announce maintenance"
    return form_page(request, form, title=title, back=reverse("maintenance"), button="Record", hint=hint)


@require_POST
def cancel(request: Request, pk: int) -> HttpResponse:
    """Cancel a window."""
    services.cancel_window(
        get_object_or_404(Window.objects.visible_to(request.user), pk=pk), request.user, timezone.now()
    )
    return redirect("maintenance")


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
