"""Digest access authentication for SIP (RFC 3261 section 22, RFC 7616, RFC 8760)."""

import hashlib
import re
from dataclasses import dataclass

from clearline.sensors.probe.target import Credentials
from clearline.voice.wire import sip

ALGORITHMS = {"MD5": "md5", "SHA-256": "sha256"}
"""What we can compute; of several challenges the first of these is answered (RFC 8760 section 2.4)."""

_PARAMETER = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,]+)')


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a server asks for in WWW-Authenticate or Proxy-Authenticate."""

    realm: str
    nonce: str
    algorithm: str
    """As in `ALGORITHMS`."""
    qop: bool
    """Whether `auth` is offered; else the older form of RFC 2069 is used."""
    opaque: str | None
    stale: bool
    """The password was right, but the nonce too old."""
    proxy: bool
    """Whether a proxy asks (407) and not the server (401)."""


def challenge_of(response: sip.SipMessage) -> Challenge | None:
    """Return the first challenge of a 401 or 407 that we can answer; None when there is none."""
    proxy = response.status == 407
    name = "proxy-authenticate" if proxy else "www-authenticate"
    for value in (value for key, value in response.headers if key == name):
        scheme, _, rest = value.partition(" ")
        found = fields(rest)
        algorithm = found.get("algorithm", "MD5").upper()
        if scheme.lower() != "digest" or algorithm not in ALGORITHMS or not {"realm", "nonce"} <= found.keys():
            continue
        offered = [word.strip().lower() for word in found.get("qop", "").split(",")]
        if offered != [""] and "auth" not in offered:
            continue
        stale = found.get("stale", "").lower() == "true"
        return Challenge(
            found["realm"], found["nonce"], algorithm, "auth" in offered, found.get("opaque"), stale, proxy
        )
    return None


def fields(text: str) -> dict[str, str]:
    """Return the parameters of a challenge or of its answer, names in lower case, quotes taken off."""
    return {key.lower(): sip.unquote(value) for key, value in _PARAMETER.findall(text)}


def digest_response(
    challenge: Challenge, credentials: Credentials, *, method: str, uri: str, cnonce: str, count: int
) -> str:
    """Compute the response value (RFC 7616 section 3.4.1)."""

    def hashed(*parts: str) -> str:
        return hashlib.new(ALGORITHMS[challenge.algorithm], ":".join(parts).encode(), usedforsecurity=False).hexdigest()

    secret = hashed(credentials.user, challenge.realm, credentials.password)
    asked = hashed(method, uri)
    if not challenge.qop:
        return hashed(secret, challenge.nonce, asked)
    return hashed(secret, challenge.nonce, f"{count:08x}", cnonce, "auth", asked)


def authorization(
    challenge: Challenge, credentials: Credentials, *, method: str, uri: str, cnonce: str, count: int
) -> tuple[str, str]:
    """Make the header that answers a challenge.

    Args:
        challenge: the server's.
        credentials: the account's.
        method: of the request.
        uri: of the request line.
        cnonce: random hex digits.
        count: how often this nonce is used, this time included.

    Returns:
        The header's name and value.
    """
    response = digest_response(challenge, credentials, method=method, uri=uri, cnonce=cnonce, count=count)
    parts = [
        f'username="{_quoted(credentials.user)}"',
        f'realm="{_quoted(challenge.realm)}"',
        f'nonce="{_quoted(challenge.nonce)}"',
        f'uri="{uri}"',
        f'response="{response}"',
        f"algorithm={challenge.algorithm}",
    ]
    if challenge.opaque is not None:
        parts.append(f'opaque="{_quoted(challenge.opaque)}"')
    if challenge.qop:
        parts += ["qop=auth", f'cnonce="{cnonce}"', f"nc={count:08x}"]
    return "proxy-authorization" if challenge.proxy else "authorization", "Digest " + ", ".join(parts)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", " ")
