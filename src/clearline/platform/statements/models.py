"""Closed months: what was known when a month was settled, and what is known better since. Never edited."""

import json
from typing import Any, ClassVar

from django.db import models

from clearline.agreement.canonical import digest
from clearline.agreement.months import Month
from clearline.platform.accounts.models import User
from clearline.platform.agreements.models import AgreementVersion
from clearline.platform.availability.models import Target
from clearline.platform.customers.models import Service
from clearline.platform.tenancy import TenantModel


class FrozenError(Exception):
    """Somebody tried to change or delete what a closed month says."""


class Frozen(TenantModel):
    """An evidence document and the statement that follows from it, as they were."""

    evidence_text = models.TextField()
    statement_text = models.TextField()
    sha256 = models.CharField(max_length=64)
    """Of the canonical JSON (RFC 8785) of both: `{"evidence": …, "statement": …}`."""

    class Meta:
        abstract = True

    @property
    def evidence(self) -> dict[str, Any]:
        """The evidence document."""
        told: dict[str, Any] = json.loads(self.evidence_text)
        return told

    @property
    def statement(self) -> dict[str, Any]:
        """The statement document."""
        told: dict[str, Any] = json.loads(self.statement_text)
        return told

    @property
    def is_whole(self) -> bool:
        """Whether both are still what was digested."""
        return self.sha256 == digest({"evidence": self.evidence, "statement": self.statement})

    def freeze(self, evidence: dict[str, Any], statement: dict[str, Any]) -> None:
        """Take both documents in, with their digest."""
        self.evidence_text = json.dumps(evidence, ensure_ascii=False)
        self.statement_text = json.dumps(statement, ensure_ascii=False)
        self.sha256 = digest({"evidence": evidence, "statement": statement})

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write a new row; an existing one is refused."""
        if not self._state.adding:
            raise FrozenError("a closed month is never changed; what is known later makes a difference")
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refused."""
        raise FrozenError("a closed month is never deleted")


class Closing(Frozen):
    """A month of a service that was settled."""

    provider_path: ClassVar[str] = "service__customer__provider"

    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="closings")
    month_text = models.CharField(max_length=7)
    version = models.ForeignKey(AgreementVersion, on_delete=models.PROTECT, related_name="+")
    targets = models.ManyToManyField(Target, related_name="+")
    """What was probed for the service then: later choices do not change what the month is judged on."""
    closed_at = models.DateTimeField()
    closed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("-month_text",)
        constraints = (models.UniqueConstraint(fields=("service", "month_text"), name="a_month_closes_once"),)

    def __str__(self) -> str:
        return f"{self.month} of {self.service}"

    @property
    def month(self) -> Month:
        """The calendar month."""
        return Month.parse(self.month_text)


class Revision(Frozen):
    """A closed month judged again on what is known later, and the difference settled with a later month's closing."""

    provider_path: ClassVar[str] = "of__service__customer__provider"

    of = models.ForeignKey(Closing, on_delete=models.PROTECT, related_name="revisions")
    settled_with = models.ForeignKey(Closing, on_delete=models.PROTECT, related_name="settled")
    was = models.DecimalField(max_digits=19, decimal_places=4)
    """What the month came to with every revision before this one, in the currency of its statement."""
    now_is = models.DecimalField(max_digits=19, decimal_places=4)

    class Meta:
        ordering = ("of__month_text", "pk")
        constraints = (models.UniqueConstraint(fields=("of", "settled_with"), name="one_revision_a_closing"),)

    def __str__(self) -> str:
        return f"Revision of {self.of}"
