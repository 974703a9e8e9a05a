"""From a URI to the servers to be tried, in order, as a client must find them (RFC 3263, RFC 2782, RFC 7984).

`Names` answers questions to the DNS; this file decides what is asked, and in which order the answers are tried.
"""

import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from itertools import groupby
from typing import Protocol, TypeVar

from clearline.voice.wire import sip

DEFAULT_PORT = {"UDP": 5060, "TCP": 5060, "TLS": 5061, "WS": 80, "WSS": 443}
"""RFC 3261 section 19.1.2, RFC 7118 section 5."""

SRV_PREFIX = {"UDP": "_sip._udp", "TCP": "_sip._tcp", "TLS": "_sips._tcp", "WS": "_sip._ws", "WSS": "_sips._ws"}
"""RFC 3263 section 4.1, RFC 7118 section 6."""

NAPTR_SERVICES = {"SIP+D2U": "UDP", "SIP+D2T": "TCP", "SIPS+D2T": "TLS", "SIP+D2W": "WS", "SIPS+D2W": "WSS"}
"""Services in NAPTR records, and the transport each stands for."""

SECURE = ("TLS", "WSS")
"""What a `sips:` URI may go over."""

MAX_PLACES = 8
"""Servers kept of what the DNS names: no client tries more."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a probe goes."""

    transport: str
    """UDP, TCP, TLS, WS or WSS."""
    address: str
    port: int
    name: str = ""
    """The host as the URI names it: what a certificate must be for (RFC 5922 section 7.1)."""

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}/{self.transport.lower()}"


@dataclass(frozen=True, slots=True)
class Naptr:
    """One NAPTR record, as far as SIP uses it (RFC 3403)."""

    order: int
    preference: int
    flags: str
    service: str
    replacement: str

    def __str__(self) -> str:
        return f"{self.order} {self.preference} {self.service} {self.replacement}"


@dataclass(frozen=True, slots=True)
class Srv:
    """One SRV record (RFC 2782)."""

    priority: int
    weight: int
    port: int
    target: str
    """A host; "" where the record says that the service is not offered."""

    def __str__(self) -> str:
        return f"{self.priority} {self.weight} {self.target or '.'}:{self.port}"


class UnresolvedError(Exception):
    """No server can be named."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice


class NoAddressError(UnresolvedError):
    """A host has no address."""


class RefusedError(Exception):
    """A name server answered that it cannot or will not say: the next step may still find the server."""


class Names(Protocol):
    """Answers questions to the DNS; no record and no such name are both an empty list.

    Raises `RefusedError` where the name server refuses or fails, `UnresolvedError` where it does not answer at all.
    """

    async def naptr(self, name: str) -> list[Naptr]:
        """Return a domain's NAPTR records."""
        ...

    async def srv(self, name: str) -> list[Srv]:
        """Return a service's SRV records."""
        ...

    async def addresses(self, name: str) -> list[str]:
        """Return a host's addresses, those first that this host has a route to.

        Raises:
            NoAddressError: it has none.
        """
        ...


@dataclass(slots=True)
class Located:
    """The servers to be tried, in order, and how they were found."""

    endpoints: list[Endpoint] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    """What was asked and said, in order, for the person who wants to know which step failed."""


def ordered(records: Iterable[Srv], draw: Callable[[], float]) -> list[Srv]:
    """Put SRV records in the order they are to be tried: by priority, and by weight at random (RFC 2782).

    Args:
        records: as answered.
        draw: returns a number in [0, 1).
    """
    found: list[Srv] = []
    for _, group in groupby(sorted(records, key=lambda one: (one.priority, one.weight)), lambda one: one.priority):
        left = list(group)  # those of weight 0 stand first, as the RFC asks
        while left:
            point = int(draw() * (sum(one.weight for one in left) + 1))
            running = 0
            for one in left:
                running += one.weight
                if running >= point:
                    found.append(one)
                    left.remove(one)
                    break
    return found


def transport_of(uri: sip.Uri) -> str | None:
    """Return the transport a URI itself settles; None where the DNS may (RFC 3263 section 4.1).

    Raises:
        UnresolvedError: it names a transport we do not speak, or one its scheme forbids.
    """
    named = uri.params.get("transport", "").upper()
    if uri.scheme == "sips":
        named = {"TCP": "TLS", "WS": "WSS"}.get(named, named)
    if named and named not in DEFAULT_PORT:
        raise UnresolvedError(f"transport {named} is not one of udp, tcp, tls, ws, wss", "correct ;transport=")
    if named and uri.scheme == "sips" and named not in SECURE:
        raise UnresolvedError(f"a sips: URI cannot go over {named.lower()}", "write ;transport=tls, or sip:")
    if named:
        return named
    if uri.port is not None or is_address(uri.host):
        return "TLS" if uri.scheme == "sips" else "UDP"
    return None


def is_address(host: str) -> bool:
    """Whether a host is written as an IP address."""
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


async def locate(
    uri: sip.Uri, names: Names, *, draw: Callable[[], float] = random.random, located: Located | None = None
) -> Located:
    """Find the servers of a SIP URI (RFC 3263 section 4).

    A host without a dot has no service records: `localhost` and names of the local hosts file are addresses at once.

    Args:
        uri: whose server is looked for.
        names: answers questions to the DNS.
        draw: returns a number in [0, 1): the weights' chance.
        located: filled in as the search goes, for whoever wants to see how far it came.

    Returns:
        At least one server.

    Raises:
        UnresolvedError: no server is named, or the name server does not answer.
    """
    located = located or Located()
    transport = transport_of(uri)
    records = [] if uri.port is not None or "." not in uri.host else await _services(uri, transport, names, located)
    if records:
        await _places_of(uri.host, records, names, located, draw)
        return located
    transport = transport or ("TLS" if uri.scheme == "sips" else "UDP")
    await locate_host(uri.host, uri.port or DEFAULT_PORT[transport], transport, names, located)
    return located


async def locate_host(host: str, port: int, transport: str, names: Names, located: Located) -> None:
    """Find the addresses of a host whose port and transport are settled.

    Raises:
        UnresolvedError: it has none.
    """
    if is_address(host):
        located.endpoints = [Endpoint(transport, host, port, host)]
        return
    found = await _asked(located, f"addresses of {host}", names.addresses(host))
    located.endpoints = [Endpoint(transport, one, port, host) for one in found[:MAX_PLACES]]


async def locate_service(host: str, service: str, transport: str, names: Names, located: Located) -> None:
    """Find the servers a host names for a service in SRV records; none where it names none.

    Raises:
        UnresolvedError: it names servers, and none has an address.
    """
    if is_address(host) or "." not in host:
        return
    services = await _having_records([(transport, service)], names, located)
    if services:
        await _places_of(host, services, names, located, random.random)


Services = list[tuple[str, list[Srv]]]
"""Transports in the order they are to be tried, each with its SRV records."""


async def _services(uri: sip.Uri, transport: str | None, names: Names, located: Located) -> Services:
    """Find the service records of a domain; none where the DNS has none."""
    if is_address(uri.host):
        return []
    if transport is not None:
        return await _having_records([(transport, f"{SRV_PREFIX[transport]}.{uri.host}")], names, located)
    by_naptr = await _by_naptr(uri, names, located)
    if by_naptr:
        return await _having_records(by_naptr, names, located)
    for offered in ("TLS",) if uri.scheme == "sips" else ("UDP", "TCP", "TLS"):
        found = await _having_records([(offered, f"{SRV_PREFIX[offered]}.{uri.host}")], names, located)
        if found:
            return found
    return []


async def _by_naptr(uri: sip.Uri, names: Names, located: Located) -> list[tuple[str, str]]:
    """Return transport and SRV name of the records to be used: those of the lowest order we understand (RFC 3403)."""
    records = await _tolerated(located, f"NAPTR {uri.host}", names.naptr(uri.host))
    usable = [
        record
        for record in records
        if record.flags.lower() == "s"
        and record.replacement
        and (transport := NAPTR_SERVICES.get(record.service.upper())) is not None
        and (uri.scheme != "sips" or transport in SECURE)
    ]
    first = min((record.order for record in usable), default=0)
    return [
        (NAPTR_SERVICES[record.service.upper()], record.replacement)
        for record in sorted(usable, key=lambda one: one.preference)
        if record.order == first
    ]


async def _having_records(wanted: Sequence[tuple[str, str]], names: Names, located: Located) -> Services:
    found = []
    for transport, name in wanted:
        records = await _tolerated(located, f"SRV {name}", names.srv(name))
        if records:
            found.append((transport, records))
    return found


async def _places_of(host: str, services: Services, names: Names, located: Located, draw: Callable[[], float]) -> None:
    """Look up the addresses of service records; a host without one is left out, and the others are tried."""
    for transport, records in services:
        for record in ordered((one for one in records if one.target), draw):
            if len(located.endpoints) >= MAX_PLACES:
                return
            try:
                found = await _asked(located, f"addresses of {record.target}", names.addresses(record.target))
            except NoAddressError:
                continue
            located.endpoints += [Endpoint(transport, one, record.port, host) for one in found]
    if not located.endpoints:
        told = "; ".join(located.steps)
        raise UnresolvedError(f"{host} names no server that has an address ({told})", "correct its SRV records")


Records = TypeVar("Records")


async def _asked(located: Located, what: str, answer: Awaitable[list[Records]]) -> list[Records]:
    """Ask one question, noting it and what came of it."""
    located.steps.append(f"{what}: no answer yet")
    try:
        found = await answer
    except (UnresolvedError, RefusedError) as error:
        located.steps[-1] = f"{what}: {error}"
        raise
    located.steps[-1] = f"{what}: {', '.join(map(str, found)) or 'none'}"
    return found


async def _tolerated(located: Located, what: str, answer: Awaitable[list[Records]]) -> list[Records]:
    """Ask one question whose refusal leads to the next step."""
    try:
        return await _asked(located, what, answer)
    except RefusedError:
        return []
