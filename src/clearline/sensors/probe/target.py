"""What to probe: a URI, how often, how patiently and with which credentials."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from clearline.voice.wire import sip

Kind = Literal["options", "register", "call", "dns", "tls", "websocket", "stun", "turn"]

SCHEMES: dict[Kind, tuple[str, ...]] = {
    "options": ("sip", "sips"),
    "register": ("sip", "sips"),
    "call": ("sip", "sips"),
    "dns": ("sip", "sips"),
    "tls": ("tls",),
    "websocket": ("wss", "ws"),
    "stun": ("stun", "stuns"),
    "turn": ("turn", "turns"),
}
"""The schemes of each kind's targets; the first completes what is written without one."""

PORTS = {"tls": 5061, "ws": 80, "wss": 443, "stun": 3478, "stuns": 5349, "turn": 3478, "turns": 5349}
"""Where a server is, of the schemes that are not SIP's (RFC 7118, RFC 7064, RFC 7065)."""

TRANSPORTS = {"tls": "TLS", "ws": "WS", "wss": "WSS", "stun": "UDP", "stuns": "TLS", "turn": "UDP", "turns": "TLS"}
"""What it is spoken over."""

NEEDS_ACCOUNT = frozenset({"register", "turn"})
"""Kinds that make no sense without a user and a password."""

DIGITS = "0123456789*#ABCD"
"""Keys by their event codes (RFC 4733 section 3.2)."""

DEFAULT_INTERVAL_US = 15_000_000
"""A target is probed every 15 s unless it says otherwise."""

DEFAULT_TIMEOUT_US = 4_000_000
"""A probe without a final answer after 4 s has failed: four transmissions (0, 0.5, 1.5, 3.5 s) have gone unanswered."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A SIP account, for the kinds that need one."""

    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Target:
    """One thing a customer buys, as a URI that answers while it works."""

    id: str
    """Names the target in the records; stays when the URI changes."""
    tenant: str
    uri: str
    """As `checked_uri` returns it; SIP's with `;transport=` where neither scheme nor DNS settle it."""
    kind: Kind = "options"
    interval_us: int = DEFAULT_INTERVAL_US
    timeout_us: int = DEFAULT_TIMEOUT_US
    credentials: Credentials | None = None
    ca_file: str | None = None
    """Certificates to trust instead of the system's, for TLS."""
    talk_us: int = 5_000_000
    """How long a `call` talks before it hangs up."""
    speech_file: str | None = None
    """A recording a `call` says, instead of made speech: WAV, 16-bit mono at 8 kHz."""
    digits: str = ""
    """Keys a `call` presses, which must come back: of `0123456789*#ABCD`."""
    awaited_key: str = ""
    """The key a `call` waits for the called person to press: it ends the call, and only then the call is good."""
    registers: bool = False
    """Whether the account of a `call` is registered meanwhile, where only registered telephones may call."""
    encrypts: bool = False
    """Whether the audio of a `call` is encrypted by SRTP, its keys told over TLS."""
    pesq: bool = False
    """Whether what came back of a `call` is also judged by P.862."""
    path: str = "/"
    """What is asked for over WebSockets."""
    name_server: tuple[str, int] | None = None
    """Address and port of the one to ask instead of the system's."""
    suspected_us: int | None = None
    """When somebody who looks at it last saw it fail; a later moment than before asks everybody to look at once."""


@dataclass(frozen=True, slots=True)
class ServerUri:
    """A URI that is not SIP's: `tls:HOST:PORT`, `wss://HOST:PORT/PATH`, `turn:HOST:PORT?transport=tcp`."""

    scheme: str
    host: str
    """A name or an address, IPv6 without its brackets."""
    port: int | None
    transport: str
    """UDP, TCP, TLS, WS or WSS."""
    path: str
    """From its slash on; "/" where there is none."""

    @property
    def service(self) -> str | None:
        """The name of its SRV records (RFC 8489 section 8.1, RFC 8656 section 4); None: its scheme has none."""
        if not self.scheme.startswith(("stun", "turn")) or self.port is not None:
            return None
        return f"_{self.scheme}._{'udp' if self.transport == 'UDP' else 'tcp'}.{self.host}"


_SERVER = re.compile(
    r"(?P<scheme>[A-Za-z]+):(?://)?(?P<host>\[[0-9A-Fa-f:.%]+\]|[^\s/:?#@<>\[\]]+)(?::(?P<port>\d{1,5}))?"
    r"(?:\?transport=(?P<transport>udp|tcp))?(?P<path>/\S*)?"
)


def server_uri(text: str) -> ServerUri:
    """Read a URI of a scheme in `PORTS`.

    Raises:
        SipError: it is none, its port is above 65535, or its transport is not its scheme's.
    """
    found = _SERVER.fullmatch(text)
    scheme = found["scheme"].lower() if found else ""
    if found is None or scheme not in PORTS or int(found["port"] or 1) > 65_535:
        raise sip.SipError(f"{text[:80]!r} is no address of a server")
    transport, named = TRANSPORTS[scheme], found["transport"]
    if named is not None and (scheme in ("tls", "ws", "wss") or (transport == "TLS" and named == "udp")):
        raise sip.SipError(f"{text[:80]!r}: {scheme} goes over {transport.lower()}")
    if transport == "UDP" and named == "tcp":
        transport = "TCP"
    port = int(found["port"]) if found["port"] else None
    return ServerUri(scheme, found["host"].strip("[]"), port, transport, found["path"] or "/")


def is_over_tls(uri: str) -> bool:
    """Whether a SIP address says that it is reached over TLS: what DNS would find does not count."""
    return uri.lower().startswith("sips:") or bool(re.search(r";transport=(tls|wss)(;|$)", uri.lower()))


def name_server_of(text: str) -> tuple[str, int]:
    """Read a name server's `ADDRESS` or `ADDRESS:PORT`, IPv6 with a port in brackets.

    Raises:
        ValueError: it is neither.
    """
    host, _, port = text.rpartition(":") if text.count(":") == 1 or "]:" in text else (text, "", "53")
    number = int(port)
    if not 0 < number < 65_536:
        raise ValueError(f"{number} is no port")
    return str(ip_address(host.strip("[]"))), number


def checked_uri(text: str, kind: Kind = "options") -> str:
    """Return a target's URI, completed from `host`, `host:port` or `user@host` to one of its kind.

    Raises:
        SipError: it is none; `tel:` has no host to probe.
    """
    text = text.strip()
    schemes = SCHEMES[kind]
    scheme, colon, _ = text.partition(":")
    named = bool(colon) and scheme.lower() in {"tel"}.union(*SCHEMES.values())
    if named and scheme.lower() == "tel":
        raise sip.SipError(f"{text!r} names a number, not a server: write sip:NUMBER@HOST")
    if not named:
        text = f"{schemes[0]}://{text}" if schemes[0] in ("ws", "wss") else f"{schemes[0]}:{text}"
    elif scheme.lower() not in schemes:
        raise sip.SipError(f"{text[:80]!r} is no {' or '.join(schemes)} address, as the kind {kind} needs")
    if any(character.isspace() or not character.isprintable() or character in "<>" for character in text):
        raise sip.SipError(f"{text!r} holds characters an address cannot")
    if schemes[0] == "sip":
        sip.uri(text)
    else:
        server_uri(text)
    return text
