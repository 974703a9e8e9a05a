"""The request as a view of ours gets it, and who sent it."""

import ipaddress
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

    from clearline.platform.accounts.models import User

MOST_HOPS = 10
"""So many addresses that proxies added are looked at."""

SITE_PREFIX = 64
"""Of IPv6 one site has at least so many bits to itself: its addresses are one sender's."""


class Request(HttpRequest):
    """A request by a signed-in person."""

    user: "User"
    htmx: "HtmxDetails"


def sender_of(request: HttpRequest) -> str:
    """The address that a request came from: the last one that was not added by a trusted proxy.

    `X-Forwarded-For` is read from its end, as long as who added the entry is one of `CLEARLINE_TRUSTED_PROXIES`: what
    stands before is anybody's word.
    """
    address: str = request.META.get("REMOTE_ADDR", "")
    named: list[str] = request.META.get("HTTP_X_FORWARDED_FOR", "").rsplit(",", MOST_HOPS)[-MOST_HOPS:]
    while named and _is_trusted(address):
        before = _address(named.pop())
        if before is None:
            break
        address = str(before)
    return address


def sender_network(request: HttpRequest) -> str:
    """What limits of senders count by: an IPv4 address, or the network of an IPv6 site."""
    address = _address(sender_of(request))
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, SITE_PREFIX), strict=False))
    return "" if address is None else str(address)


def _is_trusted(text: str) -> bool:
    address = _address(text)
    return address is not None and any(address in network for network in settings.CLEARLINE.proxies)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address, an IPv4 one out of its IPv6 form; None: it is none."""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
