"""The request as a view of ours gets it: signed in, which the middleware has seen to."""

from typing import TYPE_CHECKING

from django.http import HttpRequest

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

    from clearline.platform.accounts.models import User


class Request(HttpRequest):
    """A request by a signed-in person."""

    user: "User"
    htmx: "HtmxDetails"
