from typing import Any

from django.db import models

from clearline.platform.accounts.models import Provider, User
from clearline.platform.tenancy import TenantModel


class EventIsFinalError(Exception):
    """Somebody tried to change or delete what the audit trail says."""


class Event(TenantModel):
    """Who did what, when and why. Each event carries the digest of the one before it; none is ever changed."""

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT)
    number = models.PositiveBigIntegerField()
    """1, 2, 3, … within the provider."""
    at = models.DateTimeField()
    actor = models.ForeignKey(User, null=True, on_delete=models.PROTECT)
    """Null: the platform itself."""
    actor_name = models.CharField(max_length=254)
    action = models.CharField(max_length=60)
    """A noun and a verb in the past: `customer.added`."""
    subject = models.CharField(max_length=200)
    details = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    previous_digest = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ("-number",)
        constraints = (models.UniqueConstraint(fields=("provider", "number"), name="one_event_per_number"),)

    def __str__(self) -> str:
        return f"{self.number}. {self.action} {self.subject}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write a new event; an existing one is refused."""
        if not self._state.adding:
            raise EventIsFinalError("an audit event is never changed")
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refused."""
        raise EventIsFinalError("an audit event is never deleted")
