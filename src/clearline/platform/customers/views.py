from datetime import UTC

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from clearline.platform.customers import services
from clearline.platform.customers.forms import ContactForm, CustomerForm, ServiceForm, SiteForm
from clearline.platform.customers.models import Contact, Customer, Service, Site
from clearline.platform.requests import Request
from clearline.platform.statements.services import brief
from clearline.platform.web.pages import form_page


@require_safe
def index(request: Request) -> HttpResponse:
    """All customers of the provider."""
    customers = Customer.objects.visible_to(request.user).annotate(service_count=Count("services"))
    return render(request, "customers/index.html", {"customers": customers})


def add(request: Request) -> HttpResponse:
    """Add a customer."""
    form = CustomerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        customer = form.save(commit=False)
        services.save_customer(customer, request.user, timezone.now())
        messages.success(request, f"{customer} is added. What do they buy from you?")
        return redirect("customer", customer.pk)
    return form_page(request, form, title="Add a customer", back=reverse("customers"), button="Add")


@require_safe
def customer(request: Request, pk: int) -> HttpResponse:
    """One customer with its services and sites."""
    found = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    bought = Service.objects.visible_to(request.user).filter(customer=found).select_related("agreement", "site")
    context = {
        "customer": found,
        "services": bought,
        "sites": found.sites.all(),
        "contacts": found.contacts.all(),
    }
    return render(request, "customers/customer.html", context)


def edit(request: Request, pk: int) -> HttpResponse:
    """Change a customer."""
    found = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    form = CustomerForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        services.save_customer(form.save(commit=False), request.user, timezone.now())
        return redirect("customer", pk)
    return form_page(request, form, title=f"Change {found}", back=reverse("customer", args=[pk]))


def add_site(request: Request, pk: int) -> HttpResponse:
    """Add a site of a customer."""
    found = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    form = SiteForm(request.POST or None, instance=Site(customer=found))
    if request.method == "POST" and form.is_valid():
        services.add_site(form.save(commit=False), found, request.user, timezone.now())
        return redirect("customer", pk)
    return form_page(request, form, title=f"Add a site of {found}", back=reverse("customer", args=[pk]), button="Add")


def add_contact(request: Request, pk: int) -> HttpResponse:
    """Add a mailbox or a webhook of a customer; a webhook's secret is shown on the page after, and never again."""
    found = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    form = ContactForm(request.POST or None, instance=Contact(customer=found))
    if request.method == "POST" and form.is_valid():
        secret = services.add_contact(form.save(commit=False), request.user, timezone.now())
        if secret:
            messages.success(
                request, f"Its webhooks are signed with {secret}: hand it over now, it is not shown again."
            )
        return redirect("customer", pk)
    title = f"Add a contact of {found}"
    return form_page(request, form, title=title, back=reverse("customer", args=[pk]), button="Add")


@require_POST
def remove_contact(request: Request, pk: int) -> HttpResponse:
    """Tell a contact no more."""
    found = get_object_or_404(Contact.objects.visible_to(request.user).select_related("customer"), pk=pk)
    services.remove_contact(found, request.user, timezone.now())
    return redirect("customer", found.customer.pk)


def add_service(request: Request, pk: int) -> HttpResponse:
    """Add a service of a customer."""
    found = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    first_of_month = timezone.now().astimezone(UTC).date().replace(day=1)
    initial = {"currency": "USD", "first_day": first_of_month}
    form = ServiceForm(request.user, found, request.POST or None, instance=Service(customer=found), initial=initial)
    if request.method == "POST" and form.is_valid():
        service = form.save(commit=False)
        services.save_service(service, form.cleaned_data, request.user, timezone.now())
        return redirect("service", service.pk)
    back = reverse("customer", args=[pk])
    return form_page(request, form, title=f"Add a service of {found}", back=back, button="Add")


@require_safe
def service(request: Request, pk: int) -> HttpResponse:
    """One service: what was agreed, how it does, and where its months are judged."""
    bought = Service.objects.visible_to(request.user).select_related("customer", "agreement", "site")
    found = get_object_or_404(bought, pk=pk)
    now = timezone.now()
    context = {"service": found, "brief": brief(found, now), "days": services.days_of(found)}
    return render(request, "customers/service.html", context)


def edit_service(request: Request, pk: int) -> HttpResponse:
    """Change a service."""
    found = get_object_or_404(Service.objects.visible_to(request.user).select_related("customer", "agreement"), pk=pk)
    form = ServiceForm(
        request.user, found.customer, request.POST or None, instance=found, initial=services.days_of(found)
    )
    if request.method == "POST" and form.is_valid():
        services.save_service(form.save(commit=False), form.cleaned_data, request.user, timezone.now())
        return redirect("service", pk)
    return form_page(request, form, title=f"Change {found}", back=reverse("service", args=[pk]))
