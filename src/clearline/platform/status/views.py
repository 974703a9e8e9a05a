from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from clearline.platform.customers.models import Customer
from clearline.platform.requests import Request
from clearline.platform.status import incidents, links
from clearline.platform.status.forms import IncidentForm, ListingForm, UpdateForm
from clearline.platform.status.models import Incident, Listing, Subscriber, Update
from clearline.platform.web.pages import form_page

LISTED = 50
"""The newest incidents the page shows."""


@require_safe
def index(request: Request) -> HttpResponse:
    """What the status page is made of: incidents, the components it lists, who is told."""
    context = {
        "incidents": Incident.objects.visible_to(request.user).prefetch_related("updates", "listings")[:LISTED],
        "listings": Listing.objects.visible_to(request.user).select_related("component"),
        "subscribers": Subscriber.objects.visible_to(request.user).filter(confirmed_at__isnull=False).count(),
    }
    return render(request, "status/index.html", context)


def add(request: Request) -> HttpResponse:
    """Tell of an incident."""
    form = IncidentForm(request.user, request.POST or None, initial={"started_at": timezone.now()})
    if request.method == "POST" and form.is_valid():
        opened: Incident = form.save(commit=False)
        said = Update(stage=form.cleaned_data["stage"], body=form.cleaned_data["body"])
        incidents.open_incident(opened, form.cleaned_data["listings"], said, request.user, timezone.now())
        return redirect("incident", opened.pk)
    hint = "It appears on the public status page within a minute, and every subscriber is told."
    return form_page(request, form, title="Tell of an incident", back=reverse("incidents"), button="Publish", hint=hint)


def incident(request: Request, pk: int) -> HttpResponse:
    """One incident: what was said, and the form to say more."""
    found = get_object_or_404(Incident.objects.visible_to(request.user).select_related("provider"), pk=pk)
    form = UpdateForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        incidents.add_update(found, form.save(commit=False), request.user, timezone.now())
        return redirect("incident", pk)
    context = {
        "incident": found,
        "updates": found.updates.select_related("author"),
        "listings": found.listings.all(),
        "form": form,
    }
    return render(request, "status/incident.html", context, status=422 if form.errors else 200)


def add_listing(request: Request) -> HttpResponse:
    """Show a component on the public page."""
    form = ListingForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        listing: Listing = form.save(commit=False)
        incidents.list_component(listing, request.user, timezone.now())
        return redirect("incidents")
    hint = "Components are named under Availability, with what measures them and what they need."
    title = "Show a component"
    return form_page(request, form, title=title, back=reverse("incidents"), button="Show it in public", hint=hint)


@require_POST
def remove_listing(request: Request, pk: int) -> HttpResponse:
    """Show a component on the public page no more."""
    found = get_object_or_404(Listing.objects.visible_to(request.user), pk=pk)
    incidents.unlist_component(found, request.user, timezone.now())
    return redirect("incidents")


@require_POST
def make_link(request: Request, pk: int) -> HttpResponse:
    """Make the link by which a customer sees its own services; it is shown on the page after, and never again."""
    found = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    address = links.make(found, request.user, timezone.now())
    messages.success(request, f"{found} sees its services at {address} Hand it over now: it is not shown again.")
    return redirect("customer", pk)
