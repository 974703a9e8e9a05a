"""Where it is measured from: agents on other machines, and which of them look at what."""

from typing import ClassVar

from django.db import models

from clearline.platform.accounts.models import Provider
from clearline.platform.tenancy import TenantModel


class Vantage(TenantModel):
    """An agent on another machine, from the moment its one-time token was made."""

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT)
    name = models.CharField(max_length=100)
    token_key = models.CharField(max_length=43, unique=True)
    """The public half of the one-time token; the other half is with whoever enrols the agent."""
    token_until = models.DateTimeField()
    public_key = models.CharField(max_length=43, unique=True, null=True)  # noqa: DJ001  # several have none yet
    """The agent's own, once it is enrolled."""
    enrolled_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    """From here on it is not listened to; what it measured stays."""
    last_number = models.BigIntegerField(default=0)
    """Of its latest request: a request that is repeated carries a number that was there before."""
    seen_at = models.DateTimeField(null=True)
    address = models.CharField(max_length=45, blank=True)
    """Where its latest request came from."""
    version = models.CharField(max_length=100, blank=True)
    clock_offset_us = models.BigIntegerField(null=True)
    """How far the platform's time was ahead of its wall clock at its latest request; null: not measured."""
    clock_uncertainty_us = models.BigIntegerField(null=True)
    waiting = models.BigIntegerField(default=0)
    """Samples it still had on its disk then."""
    dropped = models.BigIntegerField(default=0)
    """Samples it lost since it was enrolled because its disk buffer was full."""

    class Meta:
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name

    @property
    def code(self) -> str:
        """The name in the records: `vantage-3`."""
        return f"vantage-{self.pk}"


class Watch(TenantModel):
    """From a moment on: which vantage points look at a target, and how many must agree that it is down.

    Never changed: another choice is another row, so that time already judged stays judged as it was.
    """

    provider_path: ClassVar[str] = "target__provider"

    target = models.ForeignKey("availability.Target", on_delete=models.CASCADE, related_name="watches")
    since = models.DateTimeField()
    local = models.BooleanField()
    """Whether the platform's own machine looks."""
    vantages = models.ManyToManyField(Vantage, related_name="watches", blank=True)
    agree = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ("since", "pk")

    def __str__(self) -> str:
        return f"{self.agree} must agree on {self.target}"
