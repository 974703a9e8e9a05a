"""Public pages that need the database: subscribing, confirming, leaving."""

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from clearline.platform.accounts.models import Provider
from clearline.platform.requests import sender_network
from clearline.platform.status import subscriptions
from clearline.platform.status.forms import SubscribeForm

ASKED_AN_HOUR = 20
"""So often one sender may ask within an hour."""

HOUR_S = 3600


def _said(request: HttpRequest, title: str, text: str, status: int = 200) -> HttpResponse:
    return render(request, "status/said.html", {"title": title, "text": text}, status=status)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def subscribe(request: HttpRequest) -> HttpResponse:
    """Ask to be told. What is answered does not say whether the address was known."""
    provider = Provider.objects.order_by("pk").first()
    if provider is None:
        raise Http404
    form = SubscribeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if not _may_ask(request):
            return _said(request, "Too often", "You asked too often. Try again in an hour.", 429)
        channel, address = form.cleaned_data["channel"], form.cleaned_data["address"]
        try:
            secret = subscriptions.ask(provider, channel, address, timezone.now())
        except subscriptions.TooManyError as error:
            return _said(request, "Not now", str(error), 429)
        text = "A message is on its way to the address you gave. It says how to confirm within two days."
        if secret:
            text += f" Its signature is made with {secret}: keep it, it is not shown again."
        return _said(request, "Please confirm", text)
    context = {"form": form, "provider": provider}
    return render(request, "status/subscribe.html", context, status=422 if form.errors else 200)


def _may_ask(request: HttpRequest) -> bool:
    key = f"status-ask:{sender_network(request)}"
    cache.add(key, 0, HOUR_S)
    return cache.incr(key) <= ASKED_AN_HOUR


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Confirm by a button: programs that scan mail follow links, and must not subscribe anybody."""
    found = subscriptions.find(token, subscriptions.CONFIRM)
    if found is None:
        return _said(request, "Gone", "This link is no longer good. You can ask again.", 404)
    if request.method == "POST":
        subscriptions.confirm(found, timezone.now())
        return _said(request, "Confirmed", f"{found} will be told what the status page says.")
    context = {"title": "Confirm", "button": "Yes, tell me", "text": f"Tell {found} what the status page says?"}
    return render(request, "status/ask.html", context)


@csrf_exempt
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def end(request: HttpRequest, token: str) -> HttpResponse:
    """Leave by a button, or by one POST of a mail program (RFC 8058), which knows no cookie: the link is the secret."""
    found = subscriptions.find(token, subscriptions.END)
    if found is None:
        return _said(request, "Done", "Nothing is sent to this address.")
    if request.method == "POST":
        subscriptions.end(found)
        return _said(request, "Done", "Nothing more is sent to this address, and it is forgotten.")
    context = {"title": "Leave", "button": "Tell me no more", "text": f"Send nothing more to {found}?"}
    return render(request, "status/ask.html", context)
