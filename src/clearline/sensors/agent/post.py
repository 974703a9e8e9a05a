"""The agent's one way to the platform: a signed POST whose answer must be the platform's own."""

import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from clearline.sensors.agent.signing import HEADERS, SignatureError, check_answer, sign_request
from clearline.sensors.agent.wire import MOST_ANSWER_BYTES

ANSWERED_WITHIN_S = 20.0
LOOPBACK = ("127.0.0.1", "::1", "localhost")

Send = Callable[[str, Mapping[str, str], bytes], tuple[int, Mapping[str, str], bytes]]
"""Path, headers and body to status, headers and body; raises OSError when there is no answer."""


class CutOffError(Exception):
    """The platform cannot be reached now, or somebody else answers in its place."""


class RefusedError(Exception):
    """The platform itself says no."""

    def __init__(self, status: int, error: str, last: int | None) -> None:
        """Say with which status, in which words, and which number it knows as the last."""
        super().__init__(error)
        self.status = status
        self.last = last


def sender(url: str, ca_file: str | None) -> Send:
    """What sends over HTTPS, the server's certificate checked; plain HTTP to this machine alone.

    Raises:
        ValueError: the address will not do; the text says why.
    """
    parts = urlsplit(url)
    plain = parts.scheme == "http" and parts.hostname in LOOPBACK
    if (parts.scheme != "https" and not plain) or not parts.hostname or parts.path.strip("/"):
        raise ValueError(f"{url!r} will not do: write https://HOST or https://HOST:PORT")
    context = ssl.create_default_context(cafile=ca_file) if parts.scheme == "https" else None
    opener = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=context) if context else urllib.request.HTTPHandler(), _NoRedirect()
    )

    def send(path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        address = f"{parts.scheme}://{parts.netloc}{path}"
        request = urllib.request.Request(address, body, dict(headers))  # noqa: S310  # http or https, see above
        try:
            with opener.open(request, timeout=ANSWERED_WITHIN_S) as answer:
                return answer.status, _signature(answer.headers), answer.read(MOST_ANSWER_BYTES)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _signature(error.headers), error.read(MOST_ANSWER_BYTES)
        except http.client.HTTPException as error:
            raise OSError(f"no HTTP: {error!r}") from error

    return send


def _signature(headers: Message) -> dict[str, str]:
    """The headers that carry the signature, however a proxy spelt their names."""
    return {name: headers.get(name, "") for name in HEADERS}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A signed request is for one path of one host."""

    def redirect_request(self, *_: object) -> None:
        """Follow none."""


@dataclass(frozen=True, slots=True)
class Post:
    """Signs, sends, and believes nobody but the platform."""

    send: Send
    platform: str
    """Its public key."""

    def __call__(self, key: Ed25519PrivateKey, path: str, body: bytes, number: int) -> bytes:
        """Send a body under a key and return the answer's.

        Raises:
            CutOffError: there is no answer, or none of the platform's.
            RefusedError: the platform refuses.
        """
        headers = sign_request(key, path, body, number)
        try:
            status, said, answer = self.send(path, headers | {"Content-Type": "application/json"}, body)
        except OSError as error:
            raise CutOffError(f"no answer: {getattr(error, 'reason', error)}") from error
        try:
            check_answer(self.platform, said, status, answer, headers)
        except SignatureError as error:
            raise CutOffError(f"an answer ({status}) that is not the platform's: {error}") from error
        if status == http.client.OK:
            return answer
        told = json.loads(answer)
        raise RefusedError(status, str(told["error"]), told.get("last"))
