"""Signed messages: the signature base of RFC 9421, and that nothing else than what was signed is believed."""

import base64
from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from clearline.sensors.agent.agent import make_token, read_token
from clearline.sensors.agent.signing import (
    SignatureError,
    Signed,
    check_answer,
    key_text,
    read_key,
    read_request,
    sign_answer,
    sign_request,
    signature_base,
)

AGENT = Ed25519PrivateKey.from_private_bytes(b"a" * 32)
PLATFORM = Ed25519PrivateKey.from_private_bytes(b"p" * 32)
PATH = "/agents/exchange"


def test_the_signature_base_is_that_of_rfc_9421_appendix_b_2_6() -> None:
    key = Ed25519PrivateKey.from_private_bytes(
        base64.b64decode("MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF")[-32:]
    )
    covered = [
        ('"date"', "Tue, 20 Apr 2021 02:07:55 GMT"),
        ('"@method"', "POST"),
        ('"@path"', "/foo"),
        ('"@authority"', "example.com"),
        ('"content-type"', "application/json"),
        ('"content-length"', "18"),
    ]
    names = " ".join(name for name, _ in covered)
    base = signature_base(covered, f'({names});created=1618884473;keyid="test-key-ed25519"')
    assert base64.b64encode(key.sign(base)).decode() == (
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
    )


def test_a_token_says_its_two_keys_and_never_looks_like_an_option() -> None:
    """Of random ones every 64th began with a hyphen."""
    for _ in range(500):
        token, public = make_token(key_text(PLATFORM.public_key()))
        assert not token.startswith("-")
        key, platform = read_token(token)
        assert (key_text(key.public_key()), platform) == (public, key_text(PLATFORM.public_key()))


def test_a_signed_request_says_who_sent_it_and_its_number() -> None:
    headers = sign_request(AGENT, PATH, b"{}", 42)
    assert read_request(headers, PATH, b"{}") == Signed(key_text(AGENT.public_key()), 42)


@dataclass
class Sent:
    headers: dict[str, str] = field(default_factory=lambda: sign_request(AGENT, PATH, b"{}", 42))
    path: str = PATH
    body: bytes = b"{}"


def altered(name: str, old: str, new: str) -> Sent:
    headers = sign_request(AGENT, PATH, b"{}", 42)
    assert old in headers[name]
    return Sent(headers | {name: headers[name].replace(old, new)})


@pytest.mark.parametrize(
    "sent",
    [
        Sent(body=b"{ }"),
        Sent(path="/agents/enrol"),
        Sent(headers={}),
        altered("Signature-Input", 'nonce="42"', 'nonce="43"'),
        altered("Signature-Input", ';nonce="42"', ""),
        altered("Signature-Input", '"@path" ', ""),
        altered("Signature-Input", "ed25519", "hmac-sha256"),
        altered("Signature-Input", key_text(AGENT.public_key()), key_text(PLATFORM.public_key())),
        altered("Signature-Input", key_text(AGENT.public_key()), "A" * 42 + "!"),
        altered("Signature", "clearline", "other"),
        Sent(headers=sign_request(AGENT, PATH, b"{}", 42) | {"Signature": f"clearline=:{'A' * 86}==:"}),
        Sent(headers=sign_request(AGENT, PATH, b"{}", 42) | {"Content-Digest": "sha-256=:AAAA:"}),
    ],
)
def test_a_request_that_differs_from_the_signed_one_is_not_believed(sent: Sent) -> None:
    with pytest.raises(SignatureError):
        read_request(sent.headers, sent.path, sent.body)


@given(st.dictionaries(st.sampled_from(["Content-Digest", "Signature-Input", "Signature"]), st.text(max_size=200)))
def test_no_header_makes_reading_a_request_fail_in_another_way(headers: dict[str, str]) -> None:
    with pytest.raises(SignatureError):
        read_request(headers, PATH, b"")


def test_an_answer_belongs_to_its_request_and_to_the_platform() -> None:
    request, other = sign_request(AGENT, PATH, b"{}", 1), sign_request(AGENT, PATH, b"{}", 2)
    platform = key_text(PLATFORM.public_key())
    answer = sign_answer(PLATFORM, 200, b"good", request)
    check_answer(platform, answer, 200, b"good", request)
    for key, status, body, asked in [
        (platform, 403, b"good", request),
        (platform, 200, b"evil", request),
        (platform, 200, b"good", other),
        (key_text(AGENT.public_key()), 200, b"good", request),
    ]:
        with pytest.raises(SignatureError):
            check_answer(key, answer, status, body, asked)


@pytest.mark.parametrize("text", ["", "A" * 42, "A" * 44, "ä" * 43, "A" * 1000])
def test_what_is_no_key_is_said_to_be_none(text: str) -> None:
    with pytest.raises(SignatureError, match="no Ed25519 public key"):
        read_key(text)
