import base64
import hmac
import re
import struct
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from clearline.platform.accounts.adapters import MfaAdapter
from clearline.platform.accounts.models import Provider, SignInLink, User
from clearline.platform.accounts.services import find_link, make_link
from clearline.platform.audit.models import Event

pytestmark = pytest.mark.django_db

FIRST = {"provider_name": "Northwind", "email": "Alice@Northwind.example", "password": "correct horse battery"}


def first_link() -> str:
    out = StringIO()
    call_command("sign_in_link", stdout=out)
    assert out.getvalue().startswith("http://127.0.0.1:8080/welcome/")
    return out.getvalue().strip().removeprefix("http://127.0.0.1:8080")


def test_first_link_sets_up_the_provider_and_signs_its_person_in(client: Client) -> None:
    link = first_link()
    assert b"Name of your company" in client.get(link).content
    answer = client.post(link, FIRST)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    person = User.objects.get()
    assert (person.email, person.provider.name) == ("alice@northwind.example", "Northwind")
    assert client.get("/").status_code == 200
    assert Event.objects.filter(action="provider.set_up", actor=person).exists()


def test_a_link_works_once(client: Client) -> None:
    link = first_link()
    client.post(link, FIRST)
    again = Client().post(link, FIRST | {"email": "mallory@example.com"})
    assert again.status_code == 410
    assert (User.objects.count(), Provider.objects.count()) == (1, 1)


def test_looking_at_a_link_does_not_use_it_up(client: Client) -> None:
    link = first_link()
    for _ in range(3):
        assert client.get(link).status_code == 200


def test_a_link_ends_after_an_hour(client: Client) -> None:
    link = first_link()
    SignInLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get(link).status_code == 410


def test_a_new_link_ends_the_one_before(client: Client) -> None:
    earlier, later = first_link(), first_link()
    assert client.get(earlier).status_code == 410
    assert client.get(later).status_code == 200


def test_only_the_hash_of_a_token_is_kept() -> None:
    token = make_link(None, timezone.now())
    assert token not in str(SignInLink.objects.values())
    assert find_link(token, timezone.now()) is not None


def test_a_weak_password_is_refused_in_words(client: Client) -> None:
    answer = client.post(first_link(), FIRST | {"password": "short"})
    assert answer.status_code == 422
    assert b"at least 10 characters" in answer.content
    assert not User.objects.exists()


def test_a_known_person_is_let_in_by_a_link_of_their_own(alice: User, client: Client) -> None:
    out = StringIO()
    call_command("sign_in_link", email="ALICE@northwind.example", stdout=out)
    link = out.getvalue().strip().removeprefix("http://127.0.0.1:8080")
    assert b"alice@northwind.example" in client.get(link).content
    assert client.post(link, {"password": "alice@northwind.example"}).status_code == 422
    assert client.post(link, {"password": "another good one"}).status_code == 302
    assert client.get("/").status_code == 200
    alice.refresh_from_db()
    assert alice.check_password("another good one")


def test_no_link_for_a_stranger_or_a_second_first_person(alice: User) -> None:
    with pytest.raises(CommandError, match="nobody signs in"):
        call_command("sign_in_link", email="nobody@example.com")
    with pytest.raises(CommandError, match="set up already"):
        call_command("sign_in_link")


def test_ordinary_sign_in_and_out(alice: User, client: Client) -> None:
    assert client.get("/").headers["Location"] == "/sign-in/?next=/"
    wrong = client.post("/sign-in/", {"login": alice.email, "password": "wrong"})
    assert b"not correct" in wrong.content
    assert client.post("/sign-in/", {"login": alice.email, "password": "correct horse battery"}).status_code == 302
    assert client.get("/").status_code == 200
    client.post("/sign-out/")
    assert client.get("/").status_code == 302


def test_nobody_signs_up_by_themselves(client: Client) -> None:
    assert client.get("/sign-up/").headers["Location"] == "/sign-in/"
    assert b"print a link" in client.get("/sign-in/help/").content


def test_guessing_passwords_is_slowed_down(alice: User, client: Client) -> None:
    for _ in range(10):
        client.post("/sign-in/", {"login": alice.email, "password": "wrong"})
    answer = client.post("/sign-in/", {"login": alice.email, "password": "correct horse battery"})
    assert answer.status_code != 302
    assert b"Too many failed" in answer.content


def test_second_factor_page_and_its_secret_is_not_kept_in_clear(page: Client, alice: User) -> None:
    assert page.get("/me/second-factor/").status_code == 200
    kept = MfaAdapter().encrypt("JBSWY3DPEHPK3PXP")
    assert "JBSWY3DPEHPK3PXP" not in kept
    assert MfaAdapter().decrypt(kept) == "JBSWY3DPEHPK3PXP"


def code_of(secret: str) -> str:
    """The code of this half minute (RFC 6238), reckoned here and not by what is tested."""
    counter = struct.pack(">Q", int(timezone.now().timestamp()) // 30)
    digest = hmac.digest(base64.b32decode(secret), counter, "sha1")
    return f"{(struct.unpack_from('>I', digest, digest[-1] & 15)[0] & 0x7FFFFFFF) % 10**6:06}"


def test_a_second_factor_is_enrolled_and_then_asked_for(alice: User) -> None:
    client, signed_in = Client(), {"login": alice.email, "password": "correct horse battery"}
    assert client.post("/sign-in/", signed_in).status_code == 302
    client.post("/sign-in/again/", {"password": "correct horse battery"})
    shown = client.get("/me/second-factor/totp/activate/").content.decode()
    secret = re.search(r"\b[A-Z2-7]{32}\b", shown)
    assert secret
    assert b"Incorrect code" in client.post("/me/second-factor/totp/activate/", {"code": "x"}).content
    enrolled = client.post("/me/second-factor/totp/activate/", {"code": code_of(secret.group())})
    assert enrolled.headers["Location"] == "/me/second-factor/recovery-codes/"
    other = Client()
    assert other.post("/sign-in/", signed_in).headers["Location"] == "/me/second-factor/authenticate/"
    assert other.get("/").status_code == 302


def test_a_colleague_comes_in_by_the_link_that_is_handed_over(page: Client, alice: User) -> None:
    shown = page.post("/people/", {"name": "Bob", "email": "Bob@northwind.example"}).content.decode()
    link = re.search(r"/welcome/[^/]+/", shown)
    assert link
    bob = Client()
    assert bob.post("/sign-in/", {"login": "bob@northwind.example", "password": ""}).status_code == 200
    assert bob.post(link.group(), {"password": "bobs own password"}).status_code == 302
    assert User.objects.get(email="bob@northwind.example").provider == alice.provider
    assert "bob@northwind.example" in bob.get("/people/").content.decode()
    again = page.post("/people/", {"name": "Bob", "email": "BOB@northwind.example"})
    assert again.status_code == 422
    assert "already" in again.content.decode()
