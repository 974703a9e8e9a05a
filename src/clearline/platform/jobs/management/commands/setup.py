from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError
from django.urls import reverse
from django.utils import timezone

from clearline.platform.accounts.models import User
from clearline.platform.accounts.services import ensure_provider, make_link


class Command(BaseCommand):
    """Bring the data directory to what this version needs. Safe to run again, and to be killed at any point."""

    help = "Prepare the data directory: secret key, database, static files, targets. Prints a link if nobody exists."

    def handle(self, **_: object) -> None:
        """Print to standard output nothing but the first person's sign-in line.

        Raises:
            CommandError: the disk or the database does not take it.
        """
        try:
            self._prepare()
        except (OSError, OperationalError) as error:
            raise CommandError(f"{error}; make room, or let this user write to {settings.CLEARLINE.data}") from error

    def _prepare(self) -> None:
        directories = (settings.CLEARLINE.data, settings.CLEARLINE.uploads, settings.CLEARLINE.static)
        for directory in directories:
            directory.mkdir(parents=True, exist_ok=True)
        settings.CLEARLINE.make_secret_key()
        call_command("migrate", interactive=False, verbosity=0)
        call_command("createcachetable", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        ensure_provider(timezone.now())
        if not User.objects.exists():
            address = settings.CLEARLINE.origin + reverse("welcome", args=[make_link(None, timezone.now())])
            self.stdout.write(f"Sign in, once and within an hour: {address}")
