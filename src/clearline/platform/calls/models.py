"""Uploaded captures. The calls found in them live in `clearline.records` and nowhere else."""

from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.db import models

from clearline.platform.accounts.models import User
from clearline.platform.customers.models import Service
from clearline.platform.jobs.models import DueRow
from clearline.platform.tenancy import TenantModel


def captures_of(tenant: str) -> Path:
    """The directory of a provider's captures, each named by its SHA-256."""
    uploads: Path = settings.CLEARLINE.uploads
    return uploads / tenant


class Upload(TenantModel, DueRow):
    """A capture file that a person uploaded for one service, and how far its analysis has come."""

    provider_path: ClassVar[str] = "service__customer__provider"

    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="uploads")
    name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.PositiveBigIntegerField()
    uploaded_at = models.DateTimeField()
    uploaded_by = models.ForeignKey(User, on_delete=models.PROTECT)
    read_bytes = models.PositiveBigIntegerField(default=0)
    """How much of it the running analysis has read."""
    packets = models.PositiveBigIntegerField(null=True)
    malformed = models.PositiveBigIntegerField(null=True)
    calls = models.PositiveIntegerField(null=True)
    streams = models.PositiveIntegerField(null=True)
    first_at = models.DateTimeField(null=True)
    """When the earliest call in it began."""
    last_at = models.DateTimeField(null=True)
    """When the latest call in it began."""

    class Meta:
        ordering = ("-uploaded_at", "-pk")
        constraints = (models.UniqueConstraint(fields=("service", "sha256"), name="a_capture_counts_once"),)

    def __str__(self) -> str:
        return self.name

    @property
    def source(self) -> str:
        """How records name the capture: by its content, so that its name may change."""
        return f"upload:{self.sha256}"

    @property
    def path(self) -> Path:
        """Where the file is kept."""
        return captures_of(self.service.customer.provider.tenant) / self.sha256
