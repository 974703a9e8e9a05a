from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from clearline.platform.availability.models import Target
from clearline.platform.requests import Request
from clearline.platform.vantages import services
from clearline.platform.vantages.forms import InviteForm, WatchForm
from clearline.platform.vantages.models import Vantage
from clearline.platform.web.pages import form_page


def index(request: Request) -> HttpResponse:
    """Where it is measured from, how each agent does, and a token for another one, shown once."""
    now = timezone.now()
    vantages = Vantage.objects.visible_to(request.user)
    form = InviteForm(request.POST or None)
    command = None
    if request.method == "POST" and form.is_valid():
        if vantages.filter(revoked_at=None).count() >= services.MOST_VANTAGES:
            form.add_error(None, f"There are {services.MOST_VANTAGES} already; revoke one first.")
        else:
            _, token = services.invite(request.user, form.cleaned_data["name"], now)
            command, form = f"./clearline agent enrol {settings.CLEARLINE.origin} {token}", InviteForm()
    rows = [(vantage, services.condition(vantage, now)) for vantage in vantages]
    context = {"rows": rows, "form": form, "command": command}
    template = "vantages/index_now.html" if request.htmx else "vantages/index.html"
    return render(request, template, context, status=422 if form.errors else 200)


@require_POST
def revoke(request: Request, pk: int) -> HttpResponse:
    """Stop listening to an agent."""
    services.revoke(get_object_or_404(Vantage.objects.visible_to(request.user), pk=pk), request.user, timezone.now())
    return redirect("vantages")


def watch_everywhere(request: Request) -> HttpResponse:
    """Choose for all targets at once."""
    form = WatchForm(request.user, None, request.POST or None)
    if request.method == "POST" and form.is_valid():
        number = services.choose_watch_everywhere(request.user, **form.cleaned_data, now=timezone.now())
        messages.success(request, f"Chosen for {number} targets.")
        return redirect("vantages")
    hint = "For every target but the built-in reflector, from now on. One that is added later is looked at from here."
    title = "Who looks at all targets"
    return form_page(request, form, title=title, back=reverse("vantages"), button="Choose", hint=hint)


def watch(request: Request, pk: int) -> HttpResponse:
    """Choose who looks at a target and how many must agree."""
    target = get_object_or_404(Target.objects.visible_to(request.user), pk=pk)
    form = WatchForm(request.user, services.current_watch(target), request.POST or None)
    if request.method == "POST" and form.is_valid():
        services.choose_watch(target, request.user, **form.cleaned_data, now=timezone.now())
        return redirect("target", pk)
    hint = "It holds from now on. What was measured before is judged as it was."
    title = f"Who looks at {target}"
    return form_page(request, form, title=title, back=reverse("target", args=[pk]), button="Choose", hint=hint)
