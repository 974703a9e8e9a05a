from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from clearline.platform.outbox.models import Delivery
from clearline.platform.requests import Request

DELIVERIES_A_PAGE = 50


@require_safe
def index(request: Request) -> HttpResponse:
    """What was sent to whom, newest first, and what became of it."""
    found = Delivery.objects.visible_to(request.user).defer("body", "calendar")
    chosen = request.GET.get("state", "")
    if chosen in Delivery.State.values:
        found = found.filter(state=chosen)
    context = {
        "page": Paginator(found, DELIVERIES_A_PAGE).get_page(request.GET.get("page")),
        "states": Delivery.State.choices,
        "chosen": chosen,
        "mail_server": settings.CLEARLINE.smtp_url is not None,
    }
    return render(request, "outbox/index.html", context)
