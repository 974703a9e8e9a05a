"""From a SIP URI to the address of its server."""

import asyncio
import socket
from dataclasses import dataclass

from clearline.voice.wire import sip

DEFAULT_PORT = {"UDP": 5060, "TCP": 5060, "TLS": 5061}
"""RFC 3261 section 19.1.2."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a probe goes."""

    transport: str
    address: str
    port: int
    name: str = ""
    """The host as the URI names it: what a certificate must be for."""

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}/{self.transport.lower()}"


class UnresolvedError(Exception):
    """The target's name has no address."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice


async def resolve(uri_text: str) -> Endpoint:
    """Find where a URI's server is: its address, or the first address of its name.

    Raises:
        UnresolvedError: the name does not resolve.
        SipError: it is no SIP URI.
    """
    uri = sip.uri(uri_text)
    transport = uri.params.get("transport", "tls" if uri.scheme == "sips" else "udp").upper()
    if transport == "TCP" and uri.scheme == "sips":
        transport = "TLS"
    if transport not in DEFAULT_PORT:
        raise UnresolvedError(f"transport {transport} is not one of udp, tcp, tls", "write ;transport=udp, tcp or tls")
    port = uri.port or DEFAULT_PORT[transport]
    kind = socket.SOCK_DGRAM if transport == "UDP" else socket.SOCK_STREAM
    try:
        found = await asyncio.get_running_loop().getaddrinfo(uri.host, port, type=kind)
    except (socket.gaierror, UnicodeError) as error:
        said = error.strerror if isinstance(error, socket.gaierror) else "no possible name"
        raise UnresolvedError(
            f"the name {uri.host} does not resolve: {said}", f"check the name with: getent hosts {uri.host}"
        ) from error
    return Endpoint(transport, str(found[0][4][0]), port, uri.host)
