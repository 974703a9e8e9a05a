"""Announced maintenance, and time taken out of the judgement for a cause the agreement allows."""

from datetime import timedelta
from typing import ClassVar

from django.db import models

from clearline.platform.accounts.models import Provider, User
from clearline.platform.customers.models import Customer, Service
from clearline.platform.tenancy import TenantModel


class Window(TenantModel):
    """Maintenance that is planned, then announced to customers, then done."""

    class Impact(models.TextChoices):
        """What the services will feel (MAINTNOTE's words)."""

        OUTAGE = "OUTAGE", "will not work"
        DEGRADED = "DEGRADED", "will work worse"
        REDUCED = "REDUCED-REDUNDANCY", "will work with nothing in reserve"
        NONE = "NO-IMPACT", "will work as usual"

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT)
    title = models.CharField(max_length=200)
    impact = models.CharField(max_length=20, choices=Impact.choices, default=Impact.OUTAGE)
    zone = models.CharField(max_length=64, default="UTC")
    """The IANA zone it was planned in, and in which its wall times are kept and told."""
    from_at = models.DateTimeField()
    until_at = models.DateTimeField()
    """Exclusive."""
    notice = models.TextField(blank=True)
    """What the notices say beside the facts; or, when it was announced by other means, how, so that both can check."""
    announced_at = models.DateTimeField(null=True, blank=True)
    """When it was announced by other means, as a person recorded; null: the notices sent from here announce it."""
    services = models.ManyToManyField(Service, related_name="windows")
    series = models.CharField(max_length=36, blank=True)
    """Windows made by one recurrence rule share this."""
    rule = models.CharField(max_length=200, blank=True)
    """That rule (RFC 5545 section 3.3.10)."""
    uid = models.CharField(max_length=36, blank=True)
    """The same in each of its notices, so that calendars see one event; and in `sequence` how often it was told of."""
    sequence = models.PositiveIntegerField(default=0)
    entered_at = models.DateTimeField()
    planned_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    """Before a second person approved it, nothing is announced and nothing counts."""
    approved_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    announce_at = models.DateTimeField(null=True, blank=True)
    """When the worker is to announce it; null: it has been."""
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-from_at", "-pk")

    def __str__(self) -> str:
        return self.title

    @property
    def code(self) -> str:
        """The name in documents: `M-3`."""
        return f"M-{self.pk}"

    @property
    def length(self) -> timedelta:
        """How long it takes."""
        return self.until_at - self.from_at

    @property
    def is_over(self) -> bool:
        """Whether nothing can be done about it any more."""
        return self.cancelled_at is not None or self.completed_at is not None


class Notice(TenantModel):
    """What customers were told of a window at one moment: the time it had then, and why they were told."""

    class Kind(models.TextChoices):
        """Why they were told."""

        ANNOUNCEMENT = "announced", "Announcement"
        REMINDER = "reminder", "Reminder"
        START = "started", "Start"
        MOVE = "moved", "New time"
        EXTENSION = "extended", "Extension"
        COMPLETION = "completed", "Completion"
        CANCELLATION = "cancelled", "Cancellation"

    provider_path: ClassVar[str] = "window__provider"

    window = models.ForeignKey(Window, on_delete=models.PROTECT, related_name="notices")
    sequence = models.PositiveIntegerField()
    kind = models.CharField(max_length=20, choices=Kind.choices)
    from_at = models.DateTimeField()
    until_at = models.DateTimeField()
    at = models.DateTimeField()
    """When it was written; whether and when it arrived is told by its deliveries."""

    class Meta:
        ordering = ("sequence",)
        constraints = (models.UniqueConstraint(fields=("window", "sequence"), name="one_notice_a_sequence"),)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.window}"

    def about(self, customer: Customer) -> str:
        """What its deliveries to a customer's contacts are about."""
        return f"{self.window.code}/{self.sequence}/{customer.code}"


class CarrierWindow(TenantModel):
    """Maintenance of an upstream carrier, as its latest notice told. It changes no judgement; it is on the calendar."""

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT)
    carrier = models.CharField(max_length=200)
    identifier = models.CharField(max_length=200)
    """The carrier's name of it."""
    account = models.CharField(max_length=200)
    status = models.CharField(max_length=20)
    """MAINTNOTE's TENTATIVE, CONFIRMED, CANCELLED, IN-PROCESS, COMPLETED; the parser adds RE-SCHEDULED, NO-CHANGE."""
    summary = models.CharField(max_length=200, blank=True)
    from_at = models.DateTimeField()
    until_at = models.DateTimeField()
    """Exclusive."""
    circuits = models.JSONField(default=list)
    """Pairs of the carrier's circuit and its impact."""
    sequence = models.IntegerField()
    told_at = models.DateTimeField()
    """When the carrier wrote the notice."""
    read_at = models.DateTimeField()

    class Meta:
        ordering = ("from_at", "pk")
        constraints = (
            models.UniqueConstraint(fields=("provider", "carrier", "identifier"), name="one_window_a_carriers_name"),
        )

    def __str__(self) -> str:
        return f"{self.carrier} {self.identifier}"


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
