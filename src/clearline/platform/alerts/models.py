"""What somebody has to look at now, and who is told of it, in which order, by which way."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from clearline.platform.accounts.models import Provider
from clearline.platform.alerts.rates import Point
from clearline.platform.availability.models import Component
from clearline.platform.outbox.models import Channel
from clearline.platform.tenancy import TenantModel


class Responder(TenantModel):
    """A step of the chain: somebody on call, and how they are reached."""

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT)
    name = models.CharField(max_length=100)
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.EMAIL)
    address = models.CharField(max_length=500)
    """An e-mail address, a URL, or a telephone number or SIP address."""
    sealed_secret = models.TextField(blank=True)
    """What webhooks to it are signed with, encrypted."""
    after_minutes = models.PositiveSmallIntegerField(default=0)
    """So long after an alert was opened they are told, unless somebody has acknowledged it."""
    zone = models.CharField(max_length=64, default="UTC")
    """The IANA zone of the quiet hours."""
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    """Between the two, on that zone's clocks, they are not told; over midnight if the end is the earlier one."""
    critical_passes = models.BooleanField(default=True)
    """Critical alerts are told in quiet hours too."""
    added_at = models.DateTimeField()

    class Meta:
        ordering = ("after_minutes", "name", "pk")
        constraints = (models.UniqueConstraint(fields=("provider", "channel", "address"), name="one_step_each"),)

    def __str__(self) -> str:
        return self.name

    def is_quiet(self, now: datetime) -> bool:
        """Whether it is in the quiet hours."""
        if self.quiet_from is None or self.quiet_until is None:
            return False
        at = now.astimezone(ZoneInfo(self.zone)).time()
        if self.quiet_from <= self.quiet_until:
            return self.quiet_from <= at < self.quiet_until
        return at >= self.quiet_from or at < self.quiet_until


class Alert(TenantModel):
    """Something that somebody has to look at, from when it was noticed until it was over."""

    class Kind(models.TextChoices):
        """What it is about."""

        OUTAGE = "outage", "Outage"
        REPORT = "report", "Customer's report"
        SUSPICION = "suspicion", "Suspicion"
        CERTIFICATE = "certificate", "Certificate"
        RECORDS = "records", "Measurements"
        VANTAGE = "vantage", "Vantage point"

    CRITICAL: ClassVar[frozenset[str]] = frozenset({Kind.OUTAGE, Kind.REPORT, Kind.RECORDS})
    """What cannot wait for the morning."""

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    subject = models.CharField(max_length=100)
    """What it is about, by its name in documents; open once for each."""
    title = models.CharField(max_length=200)
    text = models.TextField()
    began_at = models.DateTimeField()
    """Of an outage: the first failing sample. The clock of the restoration runs from here."""
    opened_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=200, blank=True)
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-opened_at", "-pk")
        constraints = (
            models.UniqueConstraint(
                fields=("provider", "kind", "subject"),
                condition=models.Q(resolved_at=None),
                name="one_open_alert_each",
            ),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def code(self) -> str:
        """The name in documents and deliveries: `A-3`."""
        return f"A-{self.pk}"

    @property
    def is_critical(self) -> bool:
        """Whether it passes the quiet hours of those who chose so."""
        return self.kind in self.CRITICAL

    @property
    def length(self) -> timedelta | None:
        """From its beginning to its end; None while it is open."""
        return None if self.resolved_at is None else self.resolved_at - self.began_at


class Signal(TenantModel):
    """Something beside the probes that tells of trouble early: it opens a suspicion, never an outage."""

    class Kind(models.TextChoices):
        """Where it is read from."""

        CALLS = "calls", "Failed calls, of the last ten minutes' call records"
        METRIC = "metric", "A figure of Kamailio, rtpengine or another program, as Prometheus text"

    class Suspect(models.TextChoices):
        """Which side of the limit is suspect."""

        ABOVE = "above", "above"
        BELOW = "below", "below"

    class Taken(models.TextChoices):
        """What of a figure is held against the limit."""

        VALUE = "value", "its value, as it stands"
        RATE = "rate", "its increase in a minute (a running total)"
        SHARE = "share", "its increase, percent of another's (two running totals)"
        LEFT = "left", "its value, percent of what it was"

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT)
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.METRIC)
    component = models.ForeignKey(Component, null=True, blank=True, on_delete=models.SET_NULL)
    """Whose targets are probed at once when it is suspect; null: all targets."""
    url = models.URLField(max_length=500, blank=True)
    metric = models.CharField(max_length=200, blank=True)
    """A metric's name, with labels if need be: `rtpengine_sessions{type="own"}`."""
    taken_as = models.CharField(max_length=10, choices=Taken.choices, default=Taken.VALUE)
    whole = models.CharField(max_length=200, blank=True)
    """The metric that it is a share of."""
    minutes = models.PositiveSmallIntegerField(default=5, validators=[MinValueValidator(1), MaxValueValidator(60)])
    """Over how many it is looked at, but for its value as it stands."""
    readings = models.JSONField(default=list, blank=True)
    """Those of the last `minutes`, see `points`; no more than one each 15 s."""
    suspect = models.CharField(max_length=10, choices=Suspect.choices, default=Suspect.ABOVE)
    limit = models.DecimalField(max_digits=20, decimal_places=4)
    """Of calls: the percentage that failed."""
    value = models.DecimalField(max_digits=30, decimal_places=6, null=True)
    """When it was last read; null: it could not be."""
    said = models.CharField(max_length=300, blank=True)
    """Why it could not be read, or what the value is of."""
    read_at = models.DateTimeField(null=True)
    suspected_since = models.DateTimeField(null=True)

    class Meta:
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name

    @property
    def code(self) -> str:
        """The name in alerts: `signal-3`."""
        return f"signal-{self.pk}"

    @property
    def unit(self) -> str:
        """What the value is in, as it is written behind it."""
        percent = self.kind == self.Kind.CALLS or self.taken_as in {self.Taken.SHARE, self.Taken.LEFT}
        return " %" if percent else " a minute" if self.taken_as == self.Taken.RATE else ""

    @property
    def points(self) -> list[Point]:
        """The readings, oldest first."""
        return [
            Point(at_us, Decimal(value), None if whole is None else Decimal(whole))
            for at_us, value, whole in self.readings
        ]

    @points.setter
    def points(self, points: list[Point]) -> None:
        self.readings = [
            [point.at_us, str(point.value), None if point.whole is None else str(point.whole)] for point in points
        ]
