"""Questions to the DNS, over the network."""

import asyncio
import os
import socket
from collections.abc import Awaitable
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar, cast

import dns.asyncresolver
import dns.exception
import dns.rdatatype
import dns.resolver

from clearline.sensors.probe.locate import Naptr, NoAddressError, RefusedError, Srv, UnresolvedError

if TYPE_CHECKING:
    from dns.rdtypes.IN.NAPTR import NAPTR
    from dns.rdtypes.IN.SRV import SRV

CACHED_ANSWERS = 50_000
"""Kept for their time to live: five questions of 10,000 targets."""

CONFIGURATION = "/etc/resolv.conf"

Answer = TypeVar("Answer")

Server = tuple[str, int]
"""A name server's address and port."""


class SystemNames:
    """Asks the name server this host is set up with, and the hosts file for addresses; or one named server alone."""

    def __init__(self, server: Server | None = None, *, patience_s: float = 2.0) -> None:
        """Ask nothing yet.

        Args:
            server: to be asked instead of the system's.
            patience_s: for one question; then the name server counts as silent.

        Raises:
            UnresolvedError: this host has no name server, and none is named.
        """
        self._own = server is not None
        self._patience_s = patience_s
        try:
            self._resolver = dns.asyncresolver.Resolver(configure=server is None)
        except dns.resolver.NoResolverConfiguration as error:
            raise UnresolvedError("this host has no name server", f"write one into {CONFIGURATION}") from error
        if server is not None:
            self._resolver.nameservers = [server[0]]
            self._resolver.port = server[1]
        self._resolver.cache = dns.resolver.LRUCache(CACHED_ANSWERS)

    async def naptr(self, name: str) -> list[Naptr]:
        """Return a domain's NAPTR records."""
        return [
            Naptr(one.order, one.preference, _text(one.flags), _text(one.service), _host(one.replacement))
            for one in cast("list[NAPTR]", await self._ask(name, dns.rdatatype.NAPTR))
        ]

    async def srv(self, name: str) -> list[Srv]:
        """Return a service's SRV records."""
        return [
            Srv(one.priority, one.weight, one.port, _host(one.target))
            for one in cast("list[SRV]", await self._ask(name, dns.rdatatype.SRV))
        ]

    async def addresses(self, name: str) -> list[str]:
        """Return a host's IPv6 and IPv4 addresses, those first that this host has a route to.

        Raises:
            NoAddressError: it has none.
            UnresolvedError: the name server does not answer.
        """
        if not self._own:
            return await self._system_addresses(name)
        found: list[str] = []
        for kind in (dns.rdatatype.AAAA, dns.rdatatype.A):
            with suppress(RefusedError):
                found += [str(one) for one in await self._ask(name, kind)]
        if not found:
            raise NoAddressError(f"the name {name} does not resolve: it has no address", _advice(name))
        return sorted(found, key=lambda address: not _has_route(address))

    async def _system_addresses(self, name: str) -> list[str]:
        """Ask as any program of this host does: hosts file and order of addresses included (RFC 6724)."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_DGRAM)
        except (socket.gaierror, UnicodeError) as error:
            if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
                raise UnresolvedError(f"the name {name} does not resolve: {error.strerror}", _advice(name)) from error
            said = error.strerror if isinstance(error, socket.gaierror) else "no possible name"
            raise NoAddressError(f"the name {name} does not resolve: {said}", _advice(name)) from error
        return list(dict.fromkeys(str(one[4][0]) for one in found))

    async def _ask(self, name: str, kind: dns.rdatatype.RdataType) -> list[object]:
        """Ask one question; no record and no such name are both an empty list."""
        asked = f"{dns.rdatatype.to_text(kind)} {name}"
        try:
            return list(await _bounded(self._resolver.resolve(name, kind, search=False, lifetime=self._patience_s)))
        except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN):
            return []
        except dns.resolver.NoNameservers as error:
            raise RefusedError("the name server refuses or fails") from error
        except dns.exception.Timeout as error:
            said = f"the name server did not answer when asked for {asked}"
            raise UnresolvedError(said, "see whether the name server runs and is reached from this host") from error
        except dns.exception.DNSException as error:
            raise RefusedError(f"no possible question or answer ({type(error).__name__})") from error


async def _bounded(answer: Awaitable[Answer]) -> Answer:
    """An answer, or what the operating system says of the way there, as silence."""
    try:
        return await answer
    except OSError as error:
        raise dns.exception.Timeout from error


def _has_route(address: str) -> bool:
    """Whether this host knows a way there; nothing is sent."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect((address, 9))
        except OSError:
            return False
        return True


def _text(data: bytes) -> str:
    return data.decode("ascii", "replace")


def _host(name: object) -> str:
    return str(name).rstrip(".")


def _advice(name: str) -> str:
    return f"check the name with: getent hosts {name}"


def system_names() -> SystemNames:
    """The names as this host sees them; answers are kept until their time or this host's configuration changes."""
    try:
        changed_ns = os.stat(CONFIGURATION).st_mtime_ns  # noqa: PTH116  # one call of the system, at each probe
    except OSError:
        changed_ns = 0
    return _system_names(changed_ns)


@lru_cache(maxsize=1)
def _system_names(_changed_ns: int) -> SystemNames:
    return SystemNames()
