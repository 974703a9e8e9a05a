"""Agreements and their versions. A version, once loaded, never changes: each month is judged by the one in force."""

from datetime import datetime
from functools import lru_cache
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.db import models

from clearline.agreement.moments import datetime_us
from clearline.agreement.months import Month, local_date, time_zone
from clearline.agreement.problems import listed
from clearline.agreement.terms import Agreement as Terms
from clearline.agreement.terms import load_agreement
from clearline.platform.accounts.models import Provider
from clearline.platform.tenancy import TenantModel


@lru_cache(maxsize=256)
def _read(text: str) -> Terms:
    terms, problems = load_agreement(text, "the stored agreement")
    if terms is None:
        raise ValueError(listed(problems))
    return terms


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

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of its latest version."""
        latest = next(iter(self.versions.all()), None)
        return time_zone(latest.time_zone if latest else "UTC")

    def month_of(self, moment: datetime) -> Month:
        """The calendar month of a moment, in the agreement's time zone."""
        day = local_date(datetime_us(moment), self.zone)
        return Month(day.year, day.month)

    def in_force(self, month: Month) -> "AgreementVersion | None":
        """The version a month is judged by; None before the first one took effect.

        Lists prefetch `versions`, so that this asks the database nothing.
        """
        return next((one for one in self.versions.all() if one.effective <= month.first_day), None)


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

    @property
    def terms(self) -> Terms:
        """What the version says, read from its file."""
        return _read(self.text)

    def __str__(self) -> str:
        return f"{self.agreement}, version {self.version}"
