"""What the provider says in public: which components it lists, its incidents, and who wants to be told."""

from typing import ClassVar

from django.db import models

from clearline.platform.accounts.models import Provider, User
from clearline.platform.availability.models import Component
from clearline.platform.customers.models import Customer
from clearline.platform.outbox.models import WRITTEN, Channel
from clearline.platform.tenancy import TenantModel


class Listing(TenantModel):
    """A component that the public status page shows, under a name of its own; nothing else is shown."""

    provider_path: ClassVar[str] = "component__provider"

    component = models.OneToOneField(Component, on_delete=models.CASCADE, related_name="listing")
    name = models.CharField(max_length=100)
    position = models.PositiveIntegerField(default=0)
    listed_at = models.DateTimeField()

    class Meta:
        ordering = ("position", "name", "pk")

    def __str__(self) -> str:
        return self.name


class Incident(TenantModel):
    """Something that went wrong, as the provider tells of it."""

    class Impact(models.TextChoices):
        """How bad it is, in the words of the Statuspage interface."""

        MINOR = "minor", "Minor: something works worse"
        MAJOR = "major", "Major: something fails for some"
        CRITICAL = "critical", "Critical: something does not work"

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT)
    title = models.CharField(max_length=200)
    impact = models.CharField(max_length=10, choices=Impact.choices, default=Impact.MINOR)
    listings = models.ManyToManyField(Listing, blank=True, related_name="incidents")
    started_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-started_at", "-pk")

    def __str__(self) -> str:
        return self.title


class Update(TenantModel):
    """What was said about an incident at one moment. Nothing said is changed afterwards."""

    class Stage(models.TextChoices):
        """Where the work stood, in the words of the Statuspage interface."""

        INVESTIGATING = "investigating", "Investigating"
        IDENTIFIED = "identified", "Identified"
        MONITORING = "monitoring", "Monitoring"
        RESOLVED = "resolved", "Resolved"

    provider_path: ClassVar[str] = "incident__provider"

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="updates")
    stage = models.CharField(max_length=15, choices=Stage.choices, default=Stage.INVESTIGATING)
    body = models.TextField()
    at = models.DateTimeField()
    author = models.ForeignKey(User, on_delete=models.PROTECT)

    class Meta:
        ordering = ("-at", "-pk")

    def __str__(self) -> str:
        return f"{self.get_stage_display()}: {self.incident}"


class Subscriber(TenantModel):
    """Somebody who asked to be told what the status page says. Before they confirmed, they are sent nothing else."""

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE)
    channel = models.CharField(max_length=10, choices=WRITTEN, default=Channel.EMAIL)
    address = models.CharField(max_length=500)
    sealed_secret = models.TextField(blank=True)
    """What webhooks to it are signed with, encrypted."""
    asked_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("address", "pk")
        constraints = (
            models.UniqueConstraint(fields=("provider", "channel", "address"), name="one_subscription_each"),
        )

    def __str__(self) -> str:
        return self.address


class CustomerLink(TenantModel):
    """The secret link by which a customer sees its own services. Only the token's hash is kept."""

    provider_path: ClassVar[str] = "customer__provider"

    customer = models.OneToOneField(Customer, on_delete=models.CASCADE, related_name="status_link")
    token_sha256 = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"status link of {self.customer}"
