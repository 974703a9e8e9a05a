from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from clearline.platform.audit import services
from clearline.platform.audit.models import Event
from clearline.platform.requests import Request

EVENTS_A_PAGE = 50


@require_safe
def trail(request: Request) -> HttpResponse:
    """What was done, newest first, and whether the chain is whole."""
    page = Paginator(Event.objects.visible_to(request.user), EVENTS_A_PAGE).get_page(request.GET.get("page"))
    broken = services.first_break(request.user.provider)
    return render(request, "audit/trail.html", {"page": page, "broken": broken})
