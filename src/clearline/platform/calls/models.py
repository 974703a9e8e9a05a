"""Uploaded captures. The calls found in them live in `clearline.records` and nowhere else."""

from typing import ClassVar

from django.db import models

from clearline.platform.accounts.models import User
from clearline.platform.customers.models import Service
from clearline.platform.jobs.models import DueRow
from clearline.platform.tenancy import TenantModel


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

    class Meta:
        ordering = ("-uploaded_at", "-pk")
        constraints = (models.UniqueConstraint(fields=("service", "sha256"), name="a_capture_counts_once"),)

    def __str__(self) -> str:
        return self.name
