from django.core.management.base import BaseCommand

from clearline.platform.jobs.ending import ending


class Command(BaseCommand):
    """Do what is due."""

    help = "Do due work until asked to end."

    def handle(self, **_: object) -> None:
        """Look for due rows until asked to end."""
        asked = ending()
        while not asked.wait(1.0):
            pass
