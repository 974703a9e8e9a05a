"""Secrets that the platform must be able to read again are stored encrypted; the key is not in the database."""

import base64
import hashlib

from cryptography.fernet import Fernet
from django.conf import settings


def cipher(purpose: bytes) -> Fernet:
    """The cipher of one kind of secret, made from the platform's secret key; another purpose has another key."""
    key = hashlib.sha256(b"clearline " + purpose + b"\0" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
