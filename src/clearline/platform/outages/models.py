"""What people say about outages, beside what was measured: declared ones and corrections."""

from django.db import models

from clearline.agreement.intervals import Interval
from clearline.agreement.moments import datetime_us
from clearline.platform.accounts.models import Provider, User
from clearline.platform.customers.models import Customer, Service
from clearline.platform.maintenance.models import Exclusion
from clearline.platform.tenancy import TenantModel

FOREVER_US = 2**62
"""Stands for the end of what has not ended, where ends are compared."""


class Claim(TenantModel):
    """An interval that one person says something about and a second person decides on. Once decided it is final."""

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT)
    services = models.ManyToManyField(Service, related_name="%(class)ss")
    """Whose evidence it touches."""
    from_at = models.DateTimeField()
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    """Who wrote it down; another person decides. Null: nobody who signs in."""
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    accepted = models.BooleanField(default=False)
    """With `decided_at`: whether it takes effect."""

    class Meta:
        abstract = True
        ordering = ("-made_at", "-pk")


class Declaration(Claim):
    """An outage that a person saw, with what they have to show for it. It counts once accepted."""

    class Source(models.TextChoices):
        """Who wrote it down."""

        OPERATOR = "operator", "The provider's own people"
        CUSTOMER = "customer", "The customer, on its own view"

    source = models.CharField(max_length=10, choices=Source.choices, default=Source.OPERATOR)
    """A customer has no user: what it wrote down itself has no `made_by`, and any of the provider's people decides."""
    contact = models.CharField(max_length=200, blank=True)
    """Where to ask back, as a customer gave it."""
    answer = models.TextField(blank=True)
    """Why it was accepted or refused; the customer reads it."""
    said_by = models.CharField(max_length=200)
    """Who says so, as the evidence prints it."""
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT)
    """The customer who says so; null: the provider's own people."""
    until_at = models.DateTimeField(null=True)
    """Exclusive; null: it goes on. Set once, by whoever says that it ended."""
    what = models.TextField()
    """What did not work, and how that was seen."""
    link = models.URLField(max_length=500, blank=True)
    """Where something shows it."""
    file_name = models.CharField(max_length=200, blank=True)
    file_sha256 = models.CharField(max_length=64, blank=True)
    """Names the file among those kept; empty: none was given."""

    def __str__(self) -> str:
        return self.what.splitlines()[0][:80] if self.what else self.code

    @property
    def code(self) -> str:
        """The name in documents: `D-3`."""
        return f"D-{self.pk}"

    @property
    def span_us(self) -> Interval:
        """The interval, reaching to `FOREVER_US` while it goes on."""
        return datetime_us(self.from_at), FOREVER_US if self.until_at is None else datetime_us(self.until_at)

    def runs_at(self, at_us: int) -> bool:
        """Whether it goes on at a moment."""
        return self.span_us[0] <= at_us < self.span_us[1]


class Correction(Claim):
    """Time that is to count as something else than what was measured, for a reason, signed off by a second person."""

    class Becomes(models.TextChoices):
        """What the interval counts as."""

        DOWN = "down", "Outage"
        UP = "up", "Up: it worked"
        MAINTENANCE = "maintenance", "Maintenance"
        EXCLUDED = "excluded", "Excluded for a cause"
        UNKNOWN = "unknown", "Unknown: nobody can tell"

    outage = models.CharField(max_length=60, blank=True)
    """The outage it is about, by its name in documents; empty: none was measured or declared."""
    until_at = models.DateTimeField()
    """Exclusive."""
    becomes = models.CharField(max_length=20, choices=Becomes.choices)
    announced_at = models.DateTimeField(null=True, blank=True)
    """For maintenance: when the customer was told, by which the agreement decides whether it counts."""
    cause = models.CharField(max_length=20, choices=Exclusion.Cause.choices, blank=True)
    """For exclusions: which the agreement may or may not allow."""
    reason = models.TextField()

    def __str__(self) -> str:
        return f"{self.code} ({self.get_becomes_display()})"

    @property
    def code(self) -> str:
        """The name in documents: `K-5`."""
        return f"K-{self.pk}"

    @property
    def span_us(self) -> Interval:
        """The interval in microseconds."""
        return datetime_us(self.from_at), datetime_us(self.until_at)


class Note(TenantModel):
    """What somebody did or found while an outage ran, for its timeline. Never changed."""

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT)
    outage = models.CharField(max_length=60)
    at = models.DateTimeField()
    author = models.ForeignKey(User, on_delete=models.PROTECT)
    text = models.TextField()

    class Meta:
        ordering = ("at", "pk")

    def __str__(self) -> str:
        return f"Note on {self.outage}"


class PostMortem(TenantModel):
    """What was learned from an outage, in Markdown; written and rewritten until it is right."""

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT)
    outage = models.CharField(max_length=60)
    text = models.TextField(blank=True)
    written_at = models.DateTimeField()
    written_by = models.ForeignKey(User, on_delete=models.PROTECT)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("provider", "outage"), name="one_post_mortem_each"),)

    def __str__(self) -> str:
        return f"Post-mortem of {self.outage}"
