"""Signed requests and answers: one narrow profile of HTTP Message Signatures (RFC 9421) with Ed25519 (section 3.3.6).

A request's signature covers its method, its path and the digest of its body (RFC 9530), under the sender's key and a
number that only grows. The answer's covers its status, its digest and the request's signature (section 2.4), so an
answer belongs to one request. Nothing else is accepted: a message signed in another way is not signed.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY_BYTES = 32
_REQUEST = '("@method" "@path" "content-digest")'
_ANSWER = '("@status" "content-digest" "signature";req;key="clearline")'
_INPUT = re.compile(
    r'clearline=(\([^)]{1,100}\));alg="ed25519";keyid="(?P<key>[A-Za-z0-9_-]{43})"(?:;nonce="(?P<number>[0-9]{1,18})")?'
)


HEADERS = ("Content-Digest", "Signature-Input", "Signature")
"""The headers that carry a signature."""


class SignatureError(Exception):
    """A message is not signed as it must be; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What a request's signature says, once it was found good."""

    key: str
    """The sender's public key, as `key_text` writes it."""
    number: int
    """Greater than that of every earlier request under the key."""


def key_text(key: Ed25519PublicKey) -> str:
    """Write a public key: 43 characters of URL-safe base64."""
    return base64.urlsafe_b64encode(key.public_bytes_raw()).decode().rstrip("=")


def read_key(text: str) -> Ed25519PublicKey:
    """Read what `key_text` wrote.

    Raises:
        SignatureError: it is no such key.
    """
    try:
        return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(text + "="))
    except (ValueError, binascii.Error) as error:
        raise SignatureError("the key is no Ed25519 public key") from error


def digest_of(body: bytes) -> str:
    """The value of Content-Digest (RFC 9530, section 2)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def signature_base(covered: Sequence[tuple[str, str]], parameters: str) -> bytes:
    """The octets that are signed (RFC 9421, section 2.5).

    Args:
        covered: each component's identifier, as it is written in the parameters, and its value.
        parameters: the value of Signature-Input, without its label.
    """
    lines = [f"{name}: {value}" for name, value in covered]
    return "\n".join([*lines, f'"@signature-params": {parameters}']).encode()


def sign_request(key: Ed25519PrivateKey, path: str, body: bytes, number: int) -> dict[str, str]:
    """The headers that sign a POST of `body` to `path`."""
    parameters = f'{_REQUEST};alg="ed25519";keyid="{key_text(key.public_key())}";nonce="{number}"'
    return _headers(key, body, parameters, _request_parts(path, body))


def read_request(headers: Mapping[str, str], path: str, body: bytes) -> Signed:
    """Check a POST's signature under the key it names itself; whether that key may do anything is not asked here.

    Raises:
        SignatureError: it is not signed, or not in this profile, or the signature is false.
    """
    key, number = _check(headers, body, _REQUEST, _request_parts(path, body))
    if number is None:
        raise SignatureError("the signature carries no number")
    return Signed(key, int(number))


def sign_answer(key: Ed25519PrivateKey, status: int, body: bytes, request: Mapping[str, str]) -> dict[str, str]:
    """The headers that sign an answer with `status` and `body` to the request with these headers."""
    parameters = f'{_ANSWER};alg="ed25519";keyid="{key_text(key.public_key())}"'
    return _headers(key, body, parameters, _answer_parts(status, body, request))


def check_answer(
    platform: str, headers: Mapping[str, str], status: int, body: bytes, request: Mapping[str, str]
) -> None:
    """Check that an answer is the platform's, to this very request.

    Raises:
        SignatureError: it is not.
    """
    key, _ = _check(headers, body, _ANSWER, _answer_parts(status, body, request))
    if key != platform:
        raise SignatureError("the answer is signed by another key than the platform's")


def _request_parts(path: str, body: bytes) -> list[tuple[str, str]]:
    return [('"@method"', "POST"), ('"@path"', path), ('"content-digest"', digest_of(body))]


def _answer_parts(status: int, body: bytes, request: Mapping[str, str]) -> list[tuple[str, str]]:
    return [
        ('"@status"', str(status)),
        ('"content-digest"', digest_of(body)),
        ('"signature";req;key="clearline"', request.get("Signature", "").removeprefix("clearline=")),
    ]


def _headers(
    key: Ed25519PrivateKey, body: bytes, parameters: str, covered: Sequence[tuple[str, str]]
) -> dict[str, str]:
    signature = base64.b64encode(key.sign(signature_base(covered, parameters))).decode()
    return {
        "Content-Digest": digest_of(body),
        "Signature-Input": f"clearline={parameters}",
        "Signature": f"clearline=:{signature}:",
    }


def _check(
    headers: Mapping[str, str], body: bytes, components: str, covered: Sequence[tuple[str, str]]
) -> tuple[str, str | None]:
    """Return the key and the number of a message whose signature is good."""
    said = headers.get("Signature-Input", "")
    found = _INPUT.fullmatch(said)
    signature = re.fullmatch(r"clearline=:([A-Za-z0-9+/]{86}==):", headers.get("Signature", ""))
    if found is None or found.group(1) != components or signature is None:
        raise SignatureError("it is not signed in the way agreed on")
    if headers.get("Content-Digest") != digest_of(body):
        raise SignatureError("its body is not the one that was signed")
    octets = signature_base(covered, said.removeprefix("clearline="))
    try:
        read_key(found["key"]).verify(base64.b64decode(signature.group(1)), octets)
    except InvalidSignature as error:
        raise SignatureError("its signature is false") from error
    return found["key"], found["number"]
