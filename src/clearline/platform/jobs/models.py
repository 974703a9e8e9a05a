"""Work that is due is a row of its own subject (an uploaded capture, …) with the columns below; there is no queue."""

from django.db import models


class DueRow(models.Model):
    """Columns that let one of several workers claim a row, and another take it over when that worker dies."""

    class State(models.TextChoices):
        """Where the work on the row stands."""

        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    due_at = models.DateTimeField()
    attempt = models.PositiveIntegerField(default=0)
    """How often it was begun."""
    lease_owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True)
    """While RUNNING: after this moment its worker counts as dead."""
    error = models.TextField(blank=True)
    """Why it failed, in a sentence for the person who started it."""

    class Meta:
        abstract = True
