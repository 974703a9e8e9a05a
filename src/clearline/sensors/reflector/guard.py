"""Who may call the reflector: digest authentication without keeping anything (RFC 7616 section 3.3)."""

import hmac
import re

from clearline.sensors.probe.digest import ALGORITHMS, Challenge, digest_response, fields
from clearline.sensors.probe.target import Credentials
from clearline.voice.wire import sip

REALM = "reflector"

NONCE_US = 60_000_000
"""A nonce is good in the minute it was made in and in the next; within that time an answer could be replayed."""

_COUNT = re.compile(r"[0-9A-Fa-f]{8}")


class Guard:
    """Checks the one account that may call."""

    def __init__(self, credentials: Credentials, key: bytes) -> None:
        """Guard with this account; nonces are made with the key."""
        self._credentials = credentials
        self._key = key

    def challenges(self, now_us: int) -> list[tuple[str, str]]:
        """Return the headers of a 401, the stronger algorithm first (RFC 8760 section 2.4)."""
        nonce = self._nonce(now_us // NONCE_US)
        return [
            ("www-authenticate", f'Digest realm="{REALM}", nonce="{nonce}", algorithm={name}, qop="auth"')
            for name in ("SHA-256", "MD5")
        ]

    def admits(self, request: sip.SipMessage, now_us: int) -> bool:
        """Whether a request carries the right answer to a nonce of the last two minutes."""
        given = fields(request.header("authorization") or "")
        minute = now_us // NONCE_US
        name, count = given.get("algorithm", "MD5").upper(), given.get("nc", "")
        nonce = next((one for one in map(self._nonce, (minute, minute - 1)) if one == given.get("nonce")), None)
        if nonce is None or name not in ALGORITHMS or given.get("qop") != "auth" or not _COUNT.fullmatch(count):
            return False
        if given.get("username") != self._credentials.user or given.get("uri") != request.uri:
            return False
        expected = digest_response(
            Challenge(REALM, nonce, name, True, None, False, False),
            self._credentials,
            method=request.method or "",
            uri=given["uri"],
            cnonce=given.get("cnonce", ""),
            count=int(count, 16),
        )
        return hmac.compare_digest(expected.encode(), given.get("response", "").lower().encode())

    def _nonce(self, minute: int) -> str:
        return hmac.new(self._key, str(minute).encode(), "sha256").hexdigest()[:32]
