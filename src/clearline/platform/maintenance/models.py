"""Announced maintenance, and time taken out of the judgement for a cause the agreement allows."""

from typing import ClassVar

from django.db import models

from clearline.platform.accounts.models import Provider, User
from clearline.platform.customers.models import Service
from clearline.platform.tenancy import TenantModel


class Window(TenantModel):
    """Maintenance that was announced to customers."""

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT)
    title = models.CharField(max_length=200)
    from_at = models.DateTimeField()
    until_at = models.DateTimeField()
    """Exclusive."""
    announced_at = models.DateTimeField()
    """When the notice went to the customers; whether the window counts depends on it."""
    notice = models.TextField()
    """How they were told, so that both sides can check it."""
    services = models.ManyToManyField(Service, related_name="windows")
    entered_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-from_at", "-pk")

    def __str__(self) -> str:
        return self.title

    @property
    def code(self) -> str:
        """The name in documents: `M-3`."""
        return f"M-{self.pk}"


class Exclusion(TenantModel):
    """Time that does not count, with its cause, its reason and who approved it."""

    class Cause(models.TextChoices):
        """The causes an agreement may allow; whether it does is the agreement's `exclusions` key."""

        CUSTOMER = "customer", "The customer's own doing"
        FORCE_MAJEURE = "force_majeure", "Force majeure"
        THIRD_PARTY = "third_party", "A third party"
        SUSPENSION = "suspension", "Service suspended"

    provider_path: ClassVar[str] = "service__customer__provider"

    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="exclusions")
    from_at = models.DateTimeField()
    until_at = models.DateTimeField()
    """Exclusive."""
    cause = models.CharField(max_length=20, choices=Cause.choices)
    reason = models.TextField()
    approved_by = models.ForeignKey(User, on_delete=models.PROTECT)
    entered_at = models.DateTimeField()

    class Meta:
        ordering = ("-from_at", "-pk")

    def __str__(self) -> str:
        return f"{self.code} ({self.get_cause_display()})"

    @property
    def code(self) -> str:
        """The name in documents: `X-1`."""
        return f"X-{self.pk}"
