"""Webhooks out: signed as Standard Webhooks has it, and never to an address inside the provider's own network."""

import base64
import hashlib
import hmac
import http.client
import ipaddress
import secrets
import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from clearline.platform.outbox.outcome import Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT_S = 10.0
"""For connecting, and for the whole exchange."""

ANSWER_BYTES = 300
"""So much of an answer is read and kept as what the other side said."""

SECRET_PREFIX = "whsec_"  # noqa: S105  # the scheme's mark, no secret
SECRET_BYTES = 32

GONE = 410
"""The receiver wants no more of them (Standard Webhooks, "Disabling endpoints")."""


class RefusedError(ValueError):
    """The URL, or an address its host has, is not one that webhooks are sent to."""


def make_secret() -> str:
    """A new secret to sign with: `whsec_` and 32 random bytes in Base64."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature(secret: str, identifier: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: version 1, HMAC-SHA256 over identifier, timestamp and body.

    Args:
        secret: `whsec_` and the key in Base64.
        identifier: the header `webhook-id`.
        timestamp: the header `webhook-timestamp`: seconds since the epoch.
        body: as sent.
    """
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    digest = hmac.new(key, f"{identifier}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def checked_url(url: str, *, private: bool) -> str:
    """The URL, when webhooks may go to one like it.

    Args:
        url: any text.
        private: whether addresses inside one's own network, and clear text, are allowed.

    Raises:
        RefusedError: it is not a URL with a host, carries a password, or has the wrong scheme.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise RefusedError(f"This is no URL: {error}.") from error
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        raise RefusedError("A webhook goes to an https:// address.")
    if not parts.hostname or parts.username or not url.isascii() or not url.isprintable() or " " in url:
        raise RefusedError("This is no URL of a host, without a password in it.")
    return url


def addresses(host: str, port: int, *, private: bool) -> list[str]:
    """The addresses of a host, all of which must be public unless private ones are allowed.

    What is checked here is what is connected to, so that a name cannot change its mind in between.

    Raises:
        RefusedError: one of them is inside a network: loopback, private, link-local, or such a one in disguise.
        OSError: the host has no address.
    """
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for text in found:
        if not private and not _is_public(ipaddress.ip_address(text.partition("%")[0])):
            raise RefusedError(f"{host} is {text}, an address that is not public.")
    return found


NAT64 = ipaddress.ip_network("64:ff9b::/96")


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return _is_public(inner)
    return address.is_global and not address.is_multicast


def post(url: str, secret: str, identifier: str, body: bytes, now: datetime, *, private: bool) -> Outcome:
    """Send one webhook; redirects are not followed.

    Args:
        url: where to.
        secret: what to sign with.
        identifier: the header `webhook-id`, the same at every attempt.
        body: JSON.
        now: the moment of this attempt.
        private: whether addresses inside one's own network are allowed.
    """
    timestamp = int(now.timestamp())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Clearline",
        "webhook-id": identifier,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, identifier, timestamp, body),
    }
    try:
        parts = urlsplit(checked_url(url, private=private))
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        with _connected(str(parts.hostname), parts.port, tls=parts.scheme == "https", private=private) as connection:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            said = f"{answer.status} {answer.reason} {answer.read(ANSWER_BYTES).decode('utf-8', 'replace')}".strip()
    except RefusedError as error:
        return Outcome(Result.BOUNCED, str(error))
    except (OSError, ValueError, http.client.HTTPException) as error:
        return Outcome(Result.LATER, f"{type(error).__name__}: {error}")
    if 200 <= answer.status < 300:
        return Outcome(Result.ACCEPTED, said)
    return Outcome(Result.BOUNCED if answer.status == GONE else Result.LATER, said)


@contextmanager
def _connected(host: str, port: int | None, *, tls: bool, private: bool) -> "Iterator[http.client.HTTPConnection]":
    """A connection to a host whose addresses were checked, ended for good when the time for it has run out."""
    port = port or (443 if tls else 80)
    connection = http.client.HTTPConnection(host, port)
    plain = _first_to_answer(addresses(host, port, private=private), port)
    watched = plain.dup()
    timer = threading.Timer(TIMEOUT_S, watched.shutdown, [socket.SHUT_RDWR])
    timer.start()
    try:
        context = ssl.create_default_context() if tls else None
        connection.sock = context.wrap_socket(plain, server_hostname=host) if context else plain
        yield connection
    finally:
        timer.cancel()
        connection.close()
        plain.close()
        watched.close()


def _first_to_answer(candidates: list[str], port: int) -> socket.socket:
    failure = OSError("no address")
    for address in candidates[:3]:
        try:
            return socket.create_connection((address, port), TIMEOUT_S)
        except OSError as error:
            failure = error
    raise failure
