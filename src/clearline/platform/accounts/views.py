from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from clearline.platform.accounts import services
from clearline.platform.accounts.forms import NewPasswordForm, PersonForm, SetUpForm
from clearline.platform.accounts.models import SignInLink, User
from clearline.platform.requests import Request


@login_not_required
@never_cache
def welcome(request: HttpRequest, token: str) -> HttpResponse:
    """The one-time link: sets up the provider and its first person, or lets a known person in."""
    link = services.find_link(token, timezone.now())
    if link is None:
        return render(request, "accounts/link_gone.html", status=410)
    return _enter(request, link) if link.user else _set_up(request, link)


def _set_up(request: HttpRequest, link: SignInLink) -> HttpResponse:
    form = SetUpForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "accounts/set_up.html", {"form": form}, status=422 if form.errors else 200)
    user = services.set_up(link, now=timezone.now(), **form.cleaned_data)
    return _let_in(request, user, "Welcome. Your platform is set up and measuring.")


def _enter(request: HttpRequest, link: SignInLink) -> HttpResponse:
    form = NewPasswordForm(request.POST or None, email=link.user.email if link.user else "")
    if request.method != "POST" or not form.is_valid():
        context = {"form": form, "person": link.user}
        return render(request, "accounts/enter.html", context, status=422 if form.errors else 200)
    user = services.enter(link, form.cleaned_data["password"], timezone.now())
    return _let_in(request, user, "You are signed in, and your new password is set. The link is used up.")


def _let_in(request: HttpRequest, user: User | None, greeting: str) -> HttpResponse:
    if user is None:
        return render(request, "accounts/link_gone.html", status=410)
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    messages.success(request, greeting)
    return redirect("dashboard")


def people(request: Request) -> HttpResponse:
    """Who works for the provider; adding one shows the link to hand over, once."""
    form = PersonForm(request.POST or None)
    link = None
    if request.method == "POST" and form.is_valid():
        token = services.invite(request.user, **form.cleaned_data, now=timezone.now())
        link, form = settings.CLEARLINE.origin + reverse("welcome", args=[token]), PersonForm()
    context = {"people": request.user.provider.people.order_by("email"), "form": form, "link": link}
    return render(request, "accounts/people.html", context, status=422 if form.errors else 200)


@login_not_required
@require_safe
def sign_in_help(request: HttpRequest) -> HttpResponse:
    """What to do when the password is forgotten."""
    return render(request, "accounts/sign_in_help.html")
