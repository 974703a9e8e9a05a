import json
from collections.abc import Iterable
from datetime import datetime

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST, require_safe

from clearline.agreement.intervals import Interval
from clearline.agreement.moments import datetime_us, utc
from clearline.platform.alerts.chain import MARKS_MIN
from clearline.platform.availability.models import Component
from clearline.platform.availability.observation import observe, outages_of
from clearline.platform.customers.models import Service
from clearline.platform.outages import postmortem, services
from clearline.platform.outages.cases import Case, corrections_of, find_case
from clearline.platform.outages.effect import down_of
from clearline.platform.outages.forms import (
    ComponentForm,
    CorrectionForm,
    DecisionForm,
    DeclarationForm,
    EndForm,
    NoteForm,
    PostMortemForm,
)
from clearline.platform.outages.models import Correction, Declaration
from clearline.platform.outages.restoration import LENGTHS_DAYS, MEANS_DAYS, Means, means, promised_us, service_means
from clearline.platform.outages.scope import save_component
from clearline.platform.requests import Request
from clearline.platform.vantages.witnesses import testimony
from clearline.platform.web.pages import form_page
from clearline.records.schema import DAY_US

SECOND_US = 1_000_000
SERVICES_A_PAGE = 20
"""Each takes the reading of its samples, of a year at most."""


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
        "decision": DecisionForm(),
        "form": EndForm(initial={"until_at": now}),
        "promised_us": promised_us(case.services, case.from_us),
        "marks": MARKS_MIN,
        "means": _means(case, now) if case.target else None,
        "means_days": MEANS_DAYS,
        "timeline": postmortem.timeline(case, request.user, now),
        "learned": postmortem.text_of(case, request.user),
        "note": NoteForm(),
    }
    return render(request, "outages/outage.html", context)


def _means(case: Case, now: datetime) -> Means:
    """How reliable the target of an outage was lately, since it is probed."""
    assert case.target is not None  # noqa: S101  # asked before
    lately, now_us = _lately(MEANS_DAYS, now)
    added_at = min(datetime_us(case.target.added_at), case.from_us)
    span = max(lately[0], added_at), lately[1]
    seen = observe(case.target, span, now_us)
    return means(seen.observed, [down_of(one) for one in outages_of([case.target], span, now_us)], span)


def _lately(days: int, now: datetime) -> tuple[Interval, int]:
    """The last so many whole days and what has passed of this one, and the present moment."""
    now_us = datetime_us(now)
    return (now_us - now_us % DAY_US - days * DAY_US, now_us), now_us


@require_POST
def note(request: Request, code: str) -> HttpResponse:
    """Write something into the timeline."""
    case = _found(request, code)
    form = NoteForm(request.POST)
    if form.is_valid():
        postmortem.add_note(case, form.cleaned_data["text"], request.user, timezone.now())
    else:
        messages.error(request, "Write what was done or found.")
    return redirect("outage", code)


def post_mortem(request: Request, code: str) -> HttpResponse:
    """Write what was learned."""
    case = _found(request, code)
    form = PostMortemForm(request.POST or None, initial={"text": postmortem.text_of(case, request.user)})
    if request.method == "POST" and form.is_valid():
        postmortem.write(case, form.cleaned_data["text"], request.user, timezone.now())
        return redirect("outage", code)
    hint = "The timeline is added when it is exported."
    title = f"Post-mortem of {case.code}"
    return form_page(request, form, title=title, back=reverse("outage", args=[code]), hint=hint)


@require_safe
def exported(request: Request, code: str, form: str) -> HttpResponse:
    """The post-mortem with its timeline, as Markdown or JSON."""
    case, now = _found(request, code), timezone.now()
    headers = {"Content-Disposition": f'attachment; filename="{case.code}.{form}"'}
    if form == "md":
        text = postmortem.as_markdown(case, request.user, now)
        return HttpResponse(text, content_type="text/markdown; charset=utf-8", headers=headers)
    if form == "json":
        text = json.dumps(postmortem.as_json(case, request.user, now), indent=2, ensure_ascii=False) + "\n"
        return HttpResponse(text, content_type="application/json", headers=headers)
    raise Http404


def declare(request: Request) -> HttpResponse:
    """Declare an outage that was seen."""
    initial = {"from_at": timezone.now()}
    form = DeclarationForm(request.user, request.POST or None, request.FILES or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        declaration: Declaration = form.save(commit=False)
        affected, more = form.cleaned_data["services"], {key: form.cleaned_data[key] for key in ("customer", "file")}
        services.declare(declaration, affected, request.user, timezone.now(), **more)
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
    form = DecisionForm(request.POST)
    if not form.is_valid():
        messages.error(request, "The reason is too long.")
        return redirect(*back)
    reason = form.cleaned_data["reason"]
    try:
        services.decide(claim, request.user, timezone.now(), accepted=verdict == "accept", reason=reason)
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


@require_safe
def restoration(request: Request) -> HttpResponse:
    """How soon the outages of services were over, and how long the services worked between them."""
    asked = request.GET.get("days", "")
    days = next((length for length in LENGTHS_DAYS if str(length) == asked), MEANS_DAYS)
    services_there = Service.objects.visible_to(request.user).select_related("customer", "site")
    ordered = services_there.prefetch_related("targets", "declarations", "corrections").order_by(
        "customer__name", "name", "pk"
    )
    page = Paginator(ordered, SERVICES_A_PAGE).get_page(request.GET.get("page"))
    span, now_us = _lately(days, timezone.now())
    rows = [(service, service_means(service, span, now_us)) for service in page]
    whole = sum((found for _, found in rows), Means())
    context = {"rows": rows, "whole": whole, "page": page, "days": days, "lengths": LENGTHS_DAYS}
    return render(request, "outages/restoration.html", context)


@require_safe
def components(request: Request) -> HttpResponse:
    """The parts of the telephone service: what they need, what tells of them, who uses them."""
    found = Component.objects.visible_to(request.user)
    context = {"components": found.prefetch_related("needs", "targets", "services__customer", "services__site")}
    return render(request, "outages/components.html", context)


def edit_component(request: Request, pk: int | None = None) -> HttpResponse:
    """Add a part of the telephone service, or change one."""
    found = get_object_or_404(Component.objects.visible_to(request.user), pk=pk) if pk else Component()
    form = ComponentForm(request.user, request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        save_component(form.save(commit=False), form.cleaned_data["needs"], form.chosen, request.user, timezone.now())
        return redirect("components")
    hint = "A failing target is felt by the services that use its component, or one that needs it."
    title = f"Change {found}" if pk else "Add a component"
    return form_page(request, form, title=title, back=reverse("components"), hint=hint)
