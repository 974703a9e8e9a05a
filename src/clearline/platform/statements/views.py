import json
from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from clearline.agreement.moments import datetime_us
from clearline.agreement.money import Money
from clearline.agreement.months import Month
from clearline.platform.availability.models import Target
from clearline.platform.availability.observation import now_of
from clearline.platform.customers.models import Service
from clearline.platform.outages.cases import find_case
from clearline.platform.requests import Request
from clearline.platform.statements import services
from clearline.platform.statements.closing import Difference, NotNowError, close, difference_of, hindrance
from clearline.platform.statements.evidence import listening_only
from clearline.platform.statements.meter import meters
from clearline.platform.statements.page import credit_rows_of, rows_of


@require_safe
def index(request: Request) -> HttpResponse:
    """The running month of every service, and the way to the months before."""
    now = timezone.now()
    bought = Service.objects.visible_to(request.user).select_related("customer__provider", "agreement")
    bought = bought.prefetch_related("agreement__versions", "targets__provider")
    targets = Target.objects.visible_to(request.user).filter(retired_at=None).select_related("provider")
    states = now_of(list(targets), datetime_us(now))
    rows = [(brief, services.months_of(brief.service, now)[:12]) for brief in services.briefs(bought, now, states)]
    return render(request, "statements/index.html", {"rows": rows})


@require_safe
def running(request: Request, code: str) -> HttpResponse:
    """What a running outage has cost and will cost, by service: a part of its page."""
    now = timezone.now()
    case = find_case(request.user, code, now)
    if case is None:
        raise Http404
    months = [services.brief(service, now).current for service in case.services]
    return render(request, "statements/meters.html", {"meters": meters(filter(None, months), now)})


def _found(request: Request, pk: int, month: str) -> services.MonthStatement:
    bought = Service.objects.visible_to(request.user).select_related("customer__provider", "agreement")
    service = get_object_or_404(bought, pk=pk)
    try:
        wanted = Month.parse(month)
    except ValueError as error:
        raise Http404 from error
    now = timezone.now()
    if wanted not in services.months_of(service, now):
        raise Http404
    found = services.statement_with_history(service, wanted, now)
    if found is None:
        raise Http404
    return found


@require_safe
def statement(request: Request, pk: int, month: str) -> HttpResponse:
    """One month of one service as a page."""
    found = _found(request, pk, month)
    now = timezone.now()
    span = (found.statement.classes.month[0], found.statement.evidence.as_of_us)
    context = {
        "found": found,
        "service": found.service,
        "statement": found.statement,
        "json": found.to_json(),
        "fee": Money.rounded(found.statement.fee, found.statement.currency),
        "rows": rows_of(found),
        "credits": credit_rows_of(found),
        "listening_only": listening_only(found.service, span),
        "months": services.months_of(found.service, now)[:12],
        "hindrance": "" if found.closing else hindrance(found.service, found.month, now),
        "later": _later(found, now),
    }
    return render(request, "statements/statement.html", context)


def _later(found: services.MonthStatement, now: datetime) -> Difference | None:
    """What a closed month comes to on what is known now, if that is something else."""
    difference = difference_of(found.closing, now) if found.closing else None
    return difference if difference and difference.amount.amount else None


@require_POST
def close_month(request: Request, pk: int, month: str) -> HttpResponse:
    """Settle a month: it is kept as it is, and never edited."""
    found = _found(request, pk, month)
    try:
        close(found, request.user, timezone.now())
    except NotNowError as error:
        messages.error(request, str(error))
    return redirect("statement", pk, month)


@require_safe
def download(request: Request, pk: int, month: str, what: str) -> HttpResponse:
    """The month's statement or evidence as JSON, or the letter as text: the same value as the page."""
    found = _found(request, pk, month)
    name = f"{found.service.code}-{found.month}-{what}"
    if what == "letter":
        return _file(found.letter(), f"{name}.txt", "text/plain; charset=utf-8")
    if what not in {"statement", "evidence"}:
        raise Http404
    document = found.evidence if what == "evidence" else found.to_json()
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    return _file(text, f"{name}.json", "application/json")


def _file(text: str, name: str, content_type: str) -> HttpResponse:
    return HttpResponse(
        text, content_type=content_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
