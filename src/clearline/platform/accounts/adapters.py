"""What we ask of django-allauth that is not its default."""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest

from clearline.platform.ciphers import cipher
from clearline.platform.requests import sender_network

PURPOSE = b"second factor"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Nobody signs up by themselves: the first person comes by the one-time link."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002  # allauth's signature
        """Never."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Who is counted by the limits of sign-ins."""
        return sender_network(request)


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Second-factor secrets are kept encrypted by the platform's secret key, which is not in the database."""

    def encrypt(self, text: str) -> str:
        """Encrypt a secret before it is stored."""
        return cipher(PURPOSE).encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Read a stored secret."""
        return cipher(PURPOSE).decrypt(encrypted_text.encode()).decode()
