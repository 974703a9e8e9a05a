"""What is probed. The samples themselves live in `clearline.records`; outages are derived from them, never stored."""

from django.db import models

from clearline.platform.accounts.models import Provider
from clearline.platform.tenancy import TenantModel


class Capability(models.TextChoices):
    """What a customer buys, and what a target can tell of."""

    REGISTER = "register", "Registering telephones"
    CALL_OUT = "call_out", "Calling out"
    CALL_IN = "call_in", "Being called"
    MEDIA = "media", "Being heard"


class Component(TenantModel):
    """A part of the telephone service: a proxy, a media relay, a carrier's trunk."""

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT)
    name = models.CharField(max_length=100)
    needs = models.ManyToManyField("self", symmetrical=False, related_name="needed_by", blank=True)
    """Without these it does not work either."""

    class Meta:
        ordering = ("name", "pk")
        constraints = (models.UniqueConstraint(fields=("provider", "name"), name="one_component_a_name"),)

    def __str__(self) -> str:
        return self.name


class Target(TenantModel):
    """An endpoint that the prober asks on its interval."""

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT)
    name = models.CharField(max_length=200)
    uri = models.CharField(max_length=300)
    kind = models.CharField(max_length=20, default="options")
    """What is tried: one of `clearline.sensors.probe.target.Kind`."""
    account = models.CharField(max_length=100, blank=True, default="")
    """The user name, for the kinds that sign in."""
    sealed_password = models.TextField(blank=True, default="")
    """Encrypted by the secret key, and never shown again."""
    digits = models.CharField(max_length=16, blank=True, default="")
    """Keys that a call presses, which must come back."""
    registers = models.BooleanField(default=False)
    """Whether the account of a call is registered meanwhile."""
    encrypts = models.BooleanField(default=False)
    """Whether the audio of a call is encrypted, by SRTP."""
    path = models.CharField(max_length=200, blank=True, default="")
    """What a SIP server is asked for over WebSockets; empty: `/`."""
    name_server = models.CharField(max_length=60, blank=True, default="")
    """`ADDRESS` or `ADDRESS:PORT` of the one to ask instead of the system's."""
    component = models.ForeignKey(Component, null=True, blank=True, on_delete=models.SET_NULL, related_name="targets")
    """The part of the telephone service that it stands for."""
    capability = models.CharField(max_length=20, choices=Capability.choices, blank=True, default="")
    """What of that part it tells of; empty: while it fails, nothing of the part works."""
    interval_seconds = models.PositiveIntegerField()
    timeout_seconds = models.PositiveIntegerField()
    built_in = models.BooleanField(default=False)
    """The reflector that `up` runs beside the platform."""
    added_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)
    """From here on it is probed no more; what was measured stays."""
    suspected_at = models.DateTimeField(null=True, editable=False)
    """When a place that looks at it last told of a failure, so that the others look at once."""

    class Meta:
        ordering = ("-built_in", "name", "pk")

    def __str__(self) -> str:
        return self.name

    @property
    def code(self) -> str:
        """The name in the records: `target-3`."""
        return f"target-{self.pk}"
