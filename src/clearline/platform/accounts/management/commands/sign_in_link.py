from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from django.utils import timezone

from clearline.platform.accounts.models import User
from clearline.platform.accounts.services import make_link


class Command(BaseCommand):
    """Print a link that lets its holder in once, within an hour."""

    help = "Print a one-time sign-in link: for the first person, or with --email for a known one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the person's address."""
        parser.add_argument("--email", help="the address of a person who lost their password")

    def handle(self, *, email: str | None, **_: object) -> None:
        """Print the link alone, so that a script can pass it on."""
        user = User.objects.filter(email__iexact=email).first() if email else None
        if email and user is None:
            raise CommandError(f"nobody signs in with {email}")
        if user is None and User.objects.exists():
            raise CommandError("somebody is set up already; name the person with --email")
        token = make_link(user, timezone.now())
        self.stdout.write(settings.CLEARLINE.origin + reverse("welcome", args=[token]))
