from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clearline.platform.alerts import services, signals
from clearline.platform.alerts.chain import MARKS_MIN
from clearline.platform.alerts.forms import CallAccountForm, ResponderForm, SignalForm
from clearline.platform.alerts.models import Alert, Responder, Signal
from clearline.platform.outbox.models import CallAccount
from clearline.platform.requests import Request
from clearline.platform.web.pages import form_page

LISTED = 30


@require_safe
def index(request: Request) -> HttpResponse:
    """What is open, what was, who was told, and who is on call."""
    page = Paginator(Alert.objects.visible_to(request.user).select_related("provider"), LISTED).get_page(
        request.GET.get("page")
    )
    context = {
        "page": page,
        "rows": [(alert, services.deliveries_of(alert)) for alert in page],
        "chain": Responder.objects.visible_to(request.user),
        "account": CallAccount.objects.visible_to(request.user).first(),
        "signals": Signal.objects.visible_to(request.user),
        "marks": MARKS_MIN,
        "now": timezone.now(),
    }
    return render(request, "alerts/now.html" if request.htmx else "alerts/index.html", context)


@require_POST
def acknowledge(request: Request, pk: int) -> HttpResponse:
    """Say that you look after an alert."""
    found = get_object_or_404(Alert.objects.visible_to(request.user).select_related("provider"), pk=pk)
    if not services.acknowledge(found, str(request.user), request.user, timezone.now()):
        messages.warning(request, "Somebody looks after it already, or it is over.")
    return redirect("alerts")


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def link(request: HttpRequest, token: str) -> HttpResponse:
    """Acknowledge by the link in a message. Opening it changes nothing: mail scanners open links too."""
    found = services.read_token(token)
    if found is None:
        raise Http404
    alert, responder = found
    if request.method == "POST":
        services.acknowledge(alert, str(responder), None, timezone.now())
        alert.refresh_from_db()
    return render(request, "alerts/link.html", {"alert": alert, "responder": responder})


def add_responder(request: Request) -> HttpResponse:
    """Add somebody on call; a webhook's secret is shown on the page after, and never again."""
    form = ResponderForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        secret = services.add_responder(form.save(commit=False), request.user, timezone.now())
        if secret:
            messages.success(
                request, f"Its webhooks are signed with {secret}: hand it over now, it is not shown again."
            )
        return redirect("alerts")
    return form_page(request, form, title="Add somebody on call", back=reverse("alerts"), button="Add")


@require_POST
def remove_responder(request: Request, pk: int) -> HttpResponse:
    """Tell somebody no more."""
    found = get_object_or_404(Responder.objects.visible_to(request.user), pk=pk)
    services.remove_responder(found, request.user, timezone.now())
    return redirect("alerts")


def call_account(request: Request) -> HttpResponse:
    """Name the SIP account that calls are made from."""
    account = CallAccount.objects.visible_to(request.user).first()
    form = CallAccountForm(request.POST or None, instance=account)
    if request.method == "POST" and form.is_valid():
        services.keep_call_account(form.save(commit=False), form.cleaned_data["password"], request.user, timezone.now())
        return redirect("alerts")
    hint = "Whoever is on call by telephone is called from it, one at a time."
    return form_page(request, form, title="Telephone account", back=reverse("alerts"), hint=hint)


@require_POST
def remove_call_account(request: Request) -> HttpResponse:
    """Call nobody any more."""
    services.remove_call_account(
        get_object_or_404(CallAccount.objects.visible_to(request.user)), request.user, timezone.now()
    )
    return redirect("alerts")


def add_signal(request: Request) -> HttpResponse:
    """Read something that tells of trouble early."""
    form = SignalForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        signals.add_signal(form.save(commit=False), request.user, timezone.now())
        return redirect("alerts")
    hint = "When it becomes suspect the targets are probed at once. By itself it is never an outage."
    return form_page(request, form, title="Add a signal", back=reverse("alerts"), button="Add", hint=hint)


@require_POST
def remove_signal(request: Request, pk: int) -> HttpResponse:
    """Read a signal no more."""
    found = get_object_or_404(Signal.objects.visible_to(request.user), pk=pk)
    signals.remove_signal(found, request.user, timezone.now())
    return redirect("alerts")
