"""What is probed. The samples themselves live in `clearline.records`; outages are derived from them, never stored."""

from django.db import models

from clearline.platform.accounts.models import Provider
from clearline.platform.tenancy import TenantModel


class Target(TenantModel):
    """An endpoint that the prober asks on its interval."""

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT)
    name = models.CharField(max_length=200)
    uri = models.CharField(max_length=300)
    kind = models.CharField(max_length=20, default="options")
    """What is tried: one of `clearline.sensors.probe.target.Kind`."""
    account = models.CharField(max_length=100, blank=True, default="")
    """The user name, for the kinds that sign in."""
    sealed_password = models.TextField(blank=True, default="")
    """Encrypted by the secret key, and never shown again."""
    interval_seconds = models.PositiveIntegerField()
    timeout_seconds = models.PositiveIntegerField()
    built_in = models.BooleanField(default=False)
    """The reflector that `up` runs beside the platform."""
    added_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)
    """From here on it is probed no more; what was measured stays."""

    class Meta:
        ordering = ("-built_in", "name", "pk")

    def __str__(self) -> str:
        return self.name

    @property
    def code(self) -> str:
        """The name in the records: `target-3`."""
        return f"target-{self.pk}"
