"""Who sent a request, behind proxies that are trusted and proxies that are not."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client, RequestFactory
from pydantic import ValidationError

from clearline.platform.accounts.adapters import AccountAdapter
from clearline.platform.accounts.models import Provider
from clearline.platform.config import Settings
from clearline.platform.requests import MOST_HOPS, sender_network, sender_of
from clearline.platform.status import public


def trusting(settings: Any, proxies: str) -> None:
    settings.CLEARLINE = Settings(trusted_proxies=proxies)


@pytest.mark.parametrize(
    ("proxies", "connects", "said", "sender"),
    [
        ("", "198.51.100.7", "203.0.113.9", "198.51.100.7"),  # nobody is believed unasked
        ("127.0.0.1", "198.51.100.7", "203.0.113.9", "198.51.100.7"),
        ("127.0.0.1", "127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "127.0.0.1", "192.0.2.66, 203.0.113.9", "203.0.113.9"),  # what the sender itself wrote
        ("127.0.0.1 10.0.0.0/8", "127.0.0.1", "192.0.2.66, 203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("127.0.0.1", "127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1", "203.0.113.9, nonsense", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1", "127.0.0.1," * 5000, "127.0.0.1"),
        ("127.0.0.1", "::ffff:127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("2001:db8::/32", "2001:db8::1", "2001:db9::7", "2001:db9::7"),
    ],
)
def test_the_sender_is_the_last_that_no_trusted_proxy_added(
    settings: Any, proxies: str, connects: str, said: str, sender: str
) -> None:
    trusting(settings, proxies)
    request = RequestFactory().get("/", REMOTE_ADDR=connects, HTTP_X_FORWARDED_FOR=said)
    assert sender_of(request) == sender


def test_a_chain_of_proxies_is_followed_so_far_and_no_further(settings: Any) -> None:
    trusting(settings, "10.0.0.0/8")
    for hops, sender in ((MOST_HOPS, "203.0.113.9"), (MOST_HOPS + 1, "10.0.0.1")):
        chain = ["203.0.113.9", *["10.0.0.1"] * (hops - 1)]
        request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=",".join(chain))
        assert sender_of(request) == sender


def test_the_addresses_of_one_ipv6_site_count_as_one() -> None:
    found = {
        sender_network(RequestFactory().get("/", REMOTE_ADDR=f"2001:db8:0:{site}::{host}"))
        for site, host in ((1, "1"), (1, "ffff"), (2, "1"))
    }
    assert found == {"2001:db8:0:1::/64", "2001:db8:0:2::/64"}
    assert sender_network(RequestFactory().get("/", REMOTE_ADDR="")) == ""


def test_a_proxy_that_is_no_network_is_refused_when_the_platform_starts() -> None:
    with pytest.raises(ValidationError, match="does not appear to be an IPv4 or IPv6 network"):
        Settings(trusted_proxies="10.0.0.0/8 proxy.example")


@pytest.mark.django_db
def test_limits_count_each_sender_behind_a_proxy_by_itself(
    client: Client, provider: Provider, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.clear()
    settings.CLEARLINE = settings.CLEARLINE.model_copy(update={"trusted_proxies": "127.0.0.1"})
    monkeypatch.setattr(public, "ASKED_AN_HOUR", 1)
    told = {"channel": "email", "address": "ann@acme.example"}
    statuses = [
        client.post("/status/subscribe/", told, headers={"x-forwarded-for": sender}).status_code
        for sender in ("203.0.113.1", "203.0.113.1", "203.0.113.2")
    ]
    assert statuses == [200, 429, 200]
    request = RequestFactory().get("/", headers={"x-forwarded-for": "203.0.113.1"})
    assert AccountAdapter().get_client_ip(request) == "203.0.113.1"
