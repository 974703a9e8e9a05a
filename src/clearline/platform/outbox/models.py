"""What the platform sends to people and programs outside, and what became of each: the evidence that it arrived."""

from django.db import models

from clearline.platform.accounts.models import Provider
from clearline.platform.tenancy import TenantModel


class Channel(models.TextChoices):
    """How a message travels."""

    EMAIL = "email", "E-mail"
    WEBHOOK = "webhook", "Webhook"
    CALL = "call", "Telephone call"


WRITTEN = tuple((str(each.value), str(each.label)) for each in (Channel.EMAIL, Channel.WEBHOOK))
"""The channels of what is read, as choices."""


class CallAccount(TenantModel):
    """The SIP account that a provider's calls are made from."""

    provider = models.OneToOneField(Provider, on_delete=models.PROTECT)
    server = models.CharField(max_length=300)
    """Where the account is known: `sip:pbx.example.com;transport=tls`."""
    user = models.CharField(max_length=100)
    sealed_password = models.TextField(blank=True)
    """Encrypted; empty: none is asked for."""
    registers = models.BooleanField(default=False)
    """Whether it is registered while it calls, where only registered telephones may."""
    encrypts = models.BooleanField(default=False)
    """Whether the audio is encrypted, by SRTP."""

    def __str__(self) -> str:
        return f"{self.user} at {self.server}"


class Delivery(TenantModel):
    """One message to one recipient. It is queued with what it tells of, in one transaction; the worker sends it."""

    class State(models.TextChoices):
        """What became of it."""

        QUEUED = "queued", "Queued"
        ACCEPTED = "accepted", "Accepted"
        BOUNCED = "bounced", "Bounced"
        FAILED = "failed", "Failed"

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT)
    about = models.CharField(max_length=200)
    """What it tells of, such as `M-3/2`; the same thing is told the same recipient once."""
    topic = models.CharField(max_length=60, blank=True)
    """What it belongs to with others, such as `M-3`."""
    channel = models.CharField(max_length=10, choices=Channel.choices)
    recipient = models.CharField(max_length=500)
    """An e-mail address, a URL, or a telephone number or SIP address."""
    token = models.CharField(max_length=40, unique=True)
    """Its name on the way, not to be guessed: the e-mail's Message-ID and envelope identifier, or the `webhook-id`."""
    subject = models.CharField(max_length=300, blank=True)
    body = models.TextField()
    """The e-mail's text, the webhook's JSON document, or what is spoken."""
    calendar = models.TextField(blank=True)
    """An iCalendar part, if there is one, and in `method` its METHOD."""
    method = models.CharField(max_length=20, blank=True)
    unsubscribe_url = models.CharField(max_length=500, blank=True)
    """Where one click ends what the recipient subscribed to (RFC 8058)."""
    sealed_secret = models.TextField(blank=True)
    """What a webhook is signed with, encrypted."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    said = models.CharField(max_length=500, blank=True)
    """What the other side said at the last attempt, or why there was none to say anything."""
    answer = models.CharField(max_length=1, blank=True)
    """The key that a called person pressed."""
    queued_at = models.DateTimeField()
    due_at = models.DateTimeField()
    """While queued: when it is tried next; whoever tries it puts this off, so that nobody else does meanwhile."""
    done_at = models.DateTimeField(null=True, blank=True)
    """When it came to its state: accepted, bounced or failed."""

    class Meta:
        ordering = ("-queued_at", "-pk")
        constraints = (models.UniqueConstraint(fields=("provider", "about", "channel", "recipient"), name="told_once"),)
        indexes = (
            models.Index(fields=("state", "channel", "due_at"), name="due_deliveries"),
            models.Index(fields=("provider", "topic"), name="deliveries_of_a_topic"),
        )

    def __str__(self) -> str:
        return f"{self.about} to {self.recipient}"
