"""The one shape of a page with a form, so that wrong input looks the same everywhere."""

from django.forms import BaseForm
from django.http import HttpResponse
from django.shortcuts import render

from clearline.platform.requests import Request


def form_page(
    request: Request, form: BaseForm, *, title: str, back: str, button: str = "Save", hint: str = ""
) -> HttpResponse:
    """Show a form; with status 422 when what was sent is not right, so that scripts notice too."""
    context = {"form": form, "title": title, "back": back, "button": button, "hint": hint}
    return render(request, "web/form_page.html", context, status=422 if form.errors else 200)
