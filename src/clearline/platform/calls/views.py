from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from clearline.agreement.months import Month
from clearline.platform.calls import services
from clearline.platform.calls.analysis import retry as analyse_again
from clearline.platform.calls.forms import UploadForm
from clearline.platform.calls.models import Upload
from clearline.platform.calls.uploading import take_in
from clearline.platform.customers.models import Service
from clearline.platform.requests import Request
from clearline.platform.web.pages import form_page

CALLS_A_PAGE = 50
UPLOADS_LISTED = 10
UTC = ZoneInfo("UTC")


@require_safe
def index(request: Request) -> HttpResponse:
    """The calls of a month (in UTC) and the latest uploads."""
    now = timezone.now()
    try:
        month = Month.parse(request.GET.get("month", f"{now:%Y-%m}"))
        span, before = month.interval(UTC), request.GET.get("before", "")
        page = services.page_of(request.user.provider, span, CALLS_A_PAGE, before)
    except ValueError as error:
        raise Http404 from error
    context = {
        "month": month,
        "earlier": Month.of_index(month.index - 1),
        "later": month.next if str(month.next) <= f"{now:%Y-%m}" else None,
        "page": page.calls,
        "older": page.older,
        "before": before,
        "summary": services.summary_of(request.user.provider, span),
        "uploads": _uploads(request)[:UPLOADS_LISTED],
    }
    return render(request, "calls/index.html", context)


def _uploads(request: Request):  # type: ignore[no-untyped-def]  # noqa: ANN202  # a query set
    return Upload.objects.visible_to(request.user).select_related("service__customer__provider", "uploaded_by")


def upload(request: Request) -> HttpResponse:
    """Take in a capture for a service."""
    limit_mb = settings.CLEARLINE.upload_limit_mb
    if not Service.objects.visible_to(request.user).exists():
        messages.info(request, "Add a customer and a service first: a capture belongs to one.")
        return redirect("customers")
    initial = {"service": request.GET.get("service")}
    form = UploadForm(request.user, limit_mb, request.POST or None, request.FILES or None, initial=initial)
    if request.META.get("clearline.upload_too_large"):
        form.add_error("file", f"The file is larger than {limit_mb} MiB, the most this platform takes.")
    elif request.method == "POST" and form.is_valid():
        taken = take_in(form.cleaned_data["service"], form.cleaned_data["file"], request.user, timezone.now())
        if taken.known:
            messages.info(request, "This capture was uploaded for this service before. Nothing changes.")
        return redirect("capture", taken.upload.pk)
    return form_page(request, form, title="Upload a capture", back=reverse("calls"), button="Upload and analyse")


@require_safe
def capture(request: Request, pk: int) -> HttpResponse:
    """One uploaded capture: how far its analysis is, and the calls found in it."""
    found = get_object_or_404(_uploads(request), pk=pk)
    calls = services.calls_in(found)
    page = Paginator(calls, CALLS_A_PAGE).get_page(request.GET.get("page"))
    context = {"upload": found, "page": page, "summary": services.summary(calls), "months": _months(found)}
    template = "calls/capture_now.html" if request.htmx else "calls/capture.html"
    return render(request, template, context)


def _months(upload: Upload) -> list[Month]:
    """The months that the capture's calls count in."""
    if upload.first_at is None or upload.last_at is None:
        return []
    agreement = upload.service.agreement
    first, last = agreement.month_of(upload.first_at), agreement.month_of(upload.last_at)
    return [Month.of_index(index) for index in range(first.index, last.index + 1)]


@require_POST
def retry(request: Request, pk: int) -> HttpResponse:
    """Analyse a capture again whose analysis failed."""
    analyse_again(get_object_or_404(Upload.objects.visible_to(request.user), pk=pk))
    return redirect("capture", pk)


@require_safe
def call(request: Request, start_us: int, key: str) -> HttpResponse:
    """One call with its streams."""
    found = services.find_call(request.user.provider, start_us, key)
    if found is None:
        raise Http404
    service = Service.objects.visible_to(request.user).select_related("customer")
    service_pk = (found.service or "").removeprefix("S-")
    bought = service.filter(pk=service_pk).first() if service_pk.isdigit() else None
    context = {"call": found, "streams": services.streams_of(found), "service": bought}
    return render(request, "calls/call.html", context)
