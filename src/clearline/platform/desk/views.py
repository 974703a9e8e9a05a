from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from clearline.platform.desk import services
from clearline.platform.desk.forms import MessageForm, RequestForm
from clearline.platform.desk.models import Request as SupportRequest
from clearline.platform.requests import Request
from clearline.platform.web.pages import form_page

REQUESTS_A_PAGE = 50


@require_safe
def index(request: Request) -> HttpResponse:
    """All requests, newest first, each with its clock."""
    found = services.with_first_response(SupportRequest.objects.visible_to(request.user))
    found = found.select_related("service__customer", "service__agreement").order_by("-received_at", "-pk")
    found = found.prefetch_related("service__agreement__versions")
    page = Paginator(found, REQUESTS_A_PAGE).get_page(request.GET.get("page"))
    now = timezone.now()
    rows = [(one, services.clock(one, one.answered_at, now)) for one in page]
    return render(request, "desk/index.html", {"page": page, "rows": rows})


def add(request: Request) -> HttpResponse:
    """Record a request."""
    initial = {"received_at": timezone.now(), "service": request.GET.get("service")}
    form = RequestForm(request.user, request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        received = form.save(commit=False)
        services.add_request(received, request.user, timezone.now())
        return redirect("request", received.pk)
    return form_page(request, form, title="Record a request", back=reverse("desk"), button="Record")


def support_request(request: Request, pk: int) -> HttpResponse:
    """One request: what was said, the clock, and the form to answer."""
    visible = services.with_first_response(SupportRequest.objects.visible_to(request.user))
    found = get_object_or_404(visible.select_related("service__customer", "service__agreement"), pk=pk)
    now = timezone.now()
    form = MessageForm(request.POST or None, initial={"at": now, "kind": "reply"})
    if request.method == "POST" and form.is_valid():
        services.add_message(form.save(commit=False), found, request.user, now)
        return redirect("request", pk)
    context = {
        "found": found,
        "said": found.messages.select_related("author"),
        "clock": services.clock(found, found.answered_at, now),
        "form": form,
    }
    return render(request, "desk/request.html", context, status=422 if form.errors else 200)
