from collections.abc import Iterable

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST, require_safe

from clearline.agreement.moments import datetime_us, utc
from clearline.platform.customers.models import Service
from clearline.platform.outages import services
from clearline.platform.outages.cases import Case, corrections_of, find_case
from clearline.platform.outages.forms import CorrectionForm, DeclarationForm, EndForm
from clearline.platform.outages.models import Correction, Declaration
from clearline.platform.requests import Request
from clearline.platform.vantages.witnesses import testimony
from clearline.platform.web.pages import form_page

SECOND_US = 1_000_000


def _found(request: Request, code: str) -> Case:
    case = find_case(request.user, code, timezone.now())
    if case is None:
        raise Http404
    return case


@require_safe
def outage(request: Request, code: str) -> HttpResponse:
    """One outage: what failed, for whom, what people say about it."""
    case = _found(request, code)
    now = timezone.now()
    span = (case.from_us, case.until_us or datetime_us(now))
    context = {
        "case": case,
        "testimony": testimony(case.target, span, datetime_us(now)) if case.target else None,
        "now_us": datetime_us(now),
        "corrections": [
            (correction, services.may_decide(correction, request.user))
            for correction in corrections_of(case, request.user)
        ],
        "may_decide": case.declaration is not None and services.may_decide(case.declaration, request.user),
        "form": EndForm(initial={"until_at": now}),
    }
    return render(request, "outages/outage.html", context)


def declare(request: Request) -> HttpResponse:
    """Declare an outage that was seen."""
    offered = Service.objects.visible_to(request.user).select_related("customer")
    form = DeclarationForm(offered, request.POST or None, request.FILES or None, initial={"from_at": timezone.now()})
    if request.method == "POST" and form.is_valid():
        declaration: Declaration = form.save(commit=False)
        affected, file = form.cleaned_data["services"], form.cleaned_data["file"]
        services.declare(declaration, affected, request.user, timezone.now(), file=file)
        return redirect("outage", declaration.code)
    hint = "What was seen and not measured. It counts as downtime once a second person accepts it."
    title = "Declare an outage"
    return form_page(request, form, title=title, back=reverse("availability"), button="Declare", hint=hint)


def correct(request: Request) -> HttpResponse:
    """Propose that an interval counts as something else."""
    code = request.GET.get("outage", "")
    case = _found(request, code) if code else None
    form = CorrectionForm(request.user, request.POST or None, initial=_whole(case) if case else {})
    if request.method == "POST" and form.is_valid():
        correction: Correction = form.save(commit=False)
        correction.outage = case.code if case else ""
        services.propose(correction, form.cleaned_data["services"], request.user, timezone.now())
        messages.success(request, "It takes effect once a second person signs it off.")
        return redirect("outage", code) if case else redirect("availability")
    title = f"Correct {code}" if case else "Correct an interval"
    hint = "What was measured stays as it is. A correction says what an interval counts as instead, and why."
    back = reverse("outage", args=[code]) if case else reverse("availability")
    return form_page(request, form, title=title, back=back, button="Propose", hint=hint)


def _whole(case: Case) -> dict[str, object]:
    """The form filled in for the whole of an outage, its ends taken to full seconds outwards."""
    until_us = None if case.until_us is None else -(-case.until_us // SECOND_US) * SECOND_US
    return {
        "services": case.services,
        "from_at": utc(case.from_us),
        "until_at": None if until_us is None else utc(until_us),
        "becomes": Correction.Becomes.UP,
    }


def _decide(request: Request, claim: Declaration | Correction, verdict: str, back: Iterable[str]) -> HttpResponse:
    if verdict not in {"accept", "refuse"}:
        raise Http404
    try:
        services.decide(claim, request.user, timezone.now(), accepted=verdict == "accept")
    except services.NotNowError as error:
        messages.error(request, str(error))
    return redirect(*back)


@require_POST
def decide_correction(request: Request, pk: int, verdict: str) -> HttpResponse:
    """Sign a correction off, or refuse it."""
    found = get_object_or_404(Correction.objects.visible_to(request.user), pk=pk)
    return _decide(request, found, verdict, ("outage", found.outage) if found.outage else ("availability",))


@require_POST
def decide_declaration(request: Request, pk: int, verdict: str) -> HttpResponse:
    """Accept a declared outage, or refuse it."""
    found = get_object_or_404(Declaration.objects.visible_to(request.user), pk=pk)
    return _decide(request, found, verdict, ("outage", found.code))


@require_POST
def end(request: Request, code: str) -> HttpResponse:
    """Say when a declared outage ended."""
    declaration = _found(request, code).declaration
    if declaration is None:
        raise Http404
    form = EndForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Say when it ended, as a date and a time in UTC.")
        return redirect("outage", code)
    try:
        services.end_declared(declaration, form.cleaned_data["until_at"], request.user, timezone.now())
    except services.NotNowError as error:
        messages.error(request, str(error))
    return redirect("outage", code)


@require_safe
def shown_file(request: Request, pk: int) -> HttpResponse:
    """The file given with a declaration, to be saved and not shown: it came from outside."""
    found = get_object_or_404(Declaration.objects.visible_to(request.user).exclude(file_sha256=""), pk=pk)
    headers = {"Content-Disposition": content_disposition_header(True, found.file_name) or "attachment"}
    content = services.file_path(found.file_sha256).read_bytes()
    return HttpResponse(content, content_type="application/octet-stream", headers=headers)
