"""What to probe: a SIP URI, how often, how patiently and with which credentials."""

from dataclasses import dataclass
from typing import Literal

from clearline.voice.wire import sip

Kind = Literal["options", "register", "call"]

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
    """`sip:` or `sips:`, with `;transport=` where it is not the scheme's default."""
    kind: Kind = "options"
    interval_us: int = DEFAULT_INTERVAL_US
    timeout_us: int = DEFAULT_TIMEOUT_US
    credentials: Credentials | None = None
    ca_file: str | None = None
    """Certificates to trust instead of the system's, for TLS."""
    talk_us: int = 5_000_000
    """How long a `call` talks before it hangs up."""


def checked_uri(text: str) -> str:
    """Return a target's URI, completed from `host`, `host:port` or `user@host` to a `sip:` URI.

    Raises:
        SipError: it is no SIP URI; `tel:` has no host to probe.
    """
    text = text.strip()
    full = text if text.lower().startswith(("sip:", "sips:", "tel:")) else f"sip:{text}"
    read = sip.uri(full)
    if read.scheme == "tel":
        raise sip.SipError(f"{text!r} names a number, not a server: write sip:NUMBER@HOST")
    if any(character.isspace() or not character.isprintable() or character in "<>" for character in full):
        raise sip.SipError(f"{text!r} holds characters a SIP URI cannot")
    return full
