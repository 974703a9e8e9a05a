from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from clearline.agreement.lint import lint
from clearline.platform.agreements.forms import VersionForm
from clearline.platform.agreements.models import Agreement, AgreementVersion
from clearline.platform.agreements.services import load_version
from clearline.platform.requests import Request

if TYPE_CHECKING:
    from clearline.agreement.problems import Problem


@require_safe
def index(request: Request) -> HttpResponse:
    """All agreements with their versions, the one in force marked."""
    found = Agreement.objects.visible_to(request.user).prefetch_related("versions")
    now = timezone.now()
    rows = [(agreement, agreement.in_force(agreement.month_of(now))) for agreement in found]
    return render(request, "agreements/index.html", {"rows": rows})


@require_safe
def version(request: Request, pk: int) -> HttpResponse:
    """One version: what its terms come to, and its text."""
    versions = AgreementVersion.objects.visible_to(request.user).select_related("agreement")
    found = get_object_or_404(versions, pk=pk)
    return render(request, "agreements/version.html", {"version": found, "lint": lint(found.terms)})


def add(request: Request) -> HttpResponse:
    """Load a new version; what is wrong with it is shown with its position."""
    form = VersionForm(request.POST or None, request.FILES or None)
    problems: list[Problem] = []
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        loaded, problems = load_version(request.user.provider, request.user, file.read(), file.name, timezone.now())
        if loaded is not None:
            messages.success(request, f"{loaded} is loaded. Read below what its terms come to.")
            return redirect("agreement-version", loaded.pk)
    status = 422 if problems or form.errors else 200
    return render(request, "agreements/add.html", {"form": form, "problems": problems}, status=status)
