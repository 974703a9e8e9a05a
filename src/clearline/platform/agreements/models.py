"""Agreements and their versions. A version, once loaded, never changes: each month is judged by the one in force."""

from typing import ClassVar

from django.db import models

from clearline.platform.accounts.models import Provider
from clearline.platform.tenancy import TenantModel


class Agreement(TenantModel):
    """An agreement the provider offers, known by the `id` in its file."""

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT)
    identifier = models.CharField(max_length=200)
    title = models.CharField(max_length=300)

    class Meta:
        ordering = ("title", "pk")
        constraints = (models.UniqueConstraint(fields=("provider", "identifier"), name="one_agreement_per_identifier"),)

    def __str__(self) -> str:
        return self.title


class AgreementVersion(TenantModel):
    """One version of an agreement, as its file says it."""

    provider_path: ClassVar[str] = "agreement__provider"

    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="versions")
    version = models.CharField(max_length=100)
    effective = models.DateField()
    """A month is judged by the version whose effective day is the latest on or before the month's first."""
    time_zone = models.CharField(max_length=64)
    text = models.TextField()
    sha256 = models.CharField(max_length=64)
    loaded_at = models.DateTimeField()

    class Meta:
        ordering = ("-effective", "-pk")
        constraints = (models.UniqueConstraint(fields=("agreement", "version"), name="a_version_never_changes"),)

    def __str__(self) -> str:
        return f"{self.agreement}, version {self.version}"
