"""Support requests and what was said about them. Moments are kept; the first response and its delay are derived."""

from datetime import datetime
from typing import ClassVar

from django.db import models

from clearline.platform.accounts.models import User
from clearline.platform.customers.models import Service
from clearline.platform.tenancy import TenantModel


class Request(TenantModel):
    """A customer's request for support about one service."""

    provider_path: ClassVar[str] = "service__customer__provider"

    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="requests")
    subject = models.CharField(max_length=300)
    requester = models.CharField(max_length=200, blank=True)
    body = models.TextField(blank=True)
    received_at = models.DateTimeField()
    """When the customer first reached us, by whatever channel: the clock starts here."""
    entered_at = models.DateTimeField()
    answered_at: datetime | None
    """Added by `services.with_first_response`."""

    class Meta:
        ordering = ("-received_at", "-pk")

    def __str__(self) -> str:
        return self.subject

    @property
    def code(self) -> str:
        """The name in documents: `T-9`."""
        return f"T-{self.pk}"


class Message(TenantModel):
    """Something said about a request."""

    class Kind(models.TextChoices):
        """What it is decides whether it is a response."""

        REPLY = "reply", "Reply to the customer"
        CALL = "call", "Answered phone call"
        NOTE = "note", "Internal note"

    provider_path: ClassVar[str] = "request__service__customer__provider"
    RESPONSES: ClassVar[tuple[str, ...]] = (Kind.REPLY, Kind.CALL)
    """What the requester gets to see or hear, from a person."""

    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="messages")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    body = models.TextField()
    at = models.DateTimeField()
    author = models.ForeignKey(User, on_delete=models.PROTECT)
    entered_at = models.DateTimeField()

    class Meta:
        ordering = ("at", "pk")

    def __str__(self) -> str:
        return f"{self.get_kind_display()} on {self.request}"
