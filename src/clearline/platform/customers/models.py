"""The provider's customers, where they sit and what they buy."""

from fractions import Fraction
from typing import ClassVar

from django.db import models

from clearline.agreement.money import Money
from clearline.platform.accounts.models import Provider
from clearline.platform.agreements.models import Agreement
from clearline.platform.availability.models import Capability, Component, Target
from clearline.platform.outbox.models import WRITTEN, Channel
from clearline.platform.tenancy import TenantModel


def every_capability() -> list[str]:
    """All that can be bought."""
    return list(Capability.values)


class Customer(TenantModel):
    """A company that buys telephone service from the provider."""

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT)
    name = models.CharField(max_length=200)
    contact = models.EmailField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name

    @property
    def code(self) -> str:
        """The name in documents and records: `C-7`."""
        return f"C-{self.pk}"


class Contact(TenantModel):
    """Where a customer is told of maintenance: a mailbox, or a program of theirs that takes webhooks."""

    provider_path: ClassVar[str] = "customer__provider"

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="contacts")
    channel = models.CharField(max_length=10, choices=WRITTEN, default=Channel.EMAIL)
    address = models.CharField(max_length=500)
    """An e-mail address or a URL."""
    sealed_secret = models.TextField(blank=True)
    """What webhooks to it are signed with, encrypted."""
    added_at = models.DateTimeField()

    class Meta:
        ordering = ("channel", "address", "pk")
        constraints = (models.UniqueConstraint(fields=("customer", "channel", "address"), name="one_contact_each"),)

    def __str__(self) -> str:
        return self.address


class Site(TenantModel):
    """A place of a customer."""

    provider_path: ClassVar[str] = "customer__provider"

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="sites")
    name = models.CharField(max_length=200)
    address = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name


class Service(TenantModel):
    """What a customer buys, for a recurring fee, under an agreement, from one moment until another."""

    provider_path: ClassVar[str] = "customer__provider"

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="services")
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.SET_NULL, related_name="services")
    name = models.CharField(max_length=200)
    monthly_fee = models.DecimalField(max_digits=19, decimal_places=4)
    """Before tax."""
    currency = models.CharField(max_length=3)
    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="services")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    """Exclusive; null: open-ended."""
    components = models.ManyToManyField(Component, blank=True, related_name="services")
    """The parts of the telephone service that it uses; `platform.outages.scope` derives its targets from them."""
    capabilities = models.JSONField(default=every_capability, blank=True)
    """What of them the customer buys: values of `Capability`."""
    targets = models.ManyToManyField(Target, blank=True, related_name="services")
    """What is probed to know whether the service works: chosen by hand where it names no components."""

    class Meta:
        ordering = ("customer__name", "name", "pk")

    def __str__(self) -> str:
        return f"{self.name} of {self.customer}"

    @property
    def fee(self) -> Money:
        """The monthly fee, with the digits its currency has."""
        return Money.rounded(Fraction(self.monthly_fee), self.currency)

    @property
    def code(self) -> str:
        """The name in documents and records: `S-12`."""
        return f"S-{self.pk}"
