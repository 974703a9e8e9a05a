"""Agreements: loading versions, and the one in force."""

from datetime import datetime

from clearline.platform.accounts.models import Provider, User


def add_default_agreement(provider: Provider, actor: User, now: datetime) -> None:
    """Load the agreement that ships with Clearline."""
