from typing import TYPE_CHECKING, Any

from django import forms

from clearline.agreement.money import MINOR_UNITS
from clearline.platform.accounts.models import User
from clearline.platform.agreements.models import Agreement
from clearline.platform.availability.models import Capability, Component, Target
from clearline.platform.customers.models import Contact, Customer, Service, Site
from clearline.platform.outbox.forms import AddressForm
from clearline.platform.web.fields import RowsField

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal


class CustomerForm(forms.ModelForm):  # type: ignore[type-arg]  # takes none when it runs
    class Meta:
        model = Customer
        fields = ("name", "contact")
        labels = {"contact": "Contact's e-mail address"}


class ContactForm(AddressForm, forms.ModelForm):  # type: ignore[type-arg]  # takes none when it runs
    class Meta:
        model = Contact
        fields = ("channel", "address")
        labels = {"channel": "How they are told", "address": "E-mail address or URL"}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.errors and self.instance.customer.contacts.filter(**cleaned).exists():
            self.add_error("address", "This one is told already.")
        return cleaned


class ServiceChoices(forms.BaseForm):
    """Beside a form: its field that chooses services offers those of the user's provider."""

    def offer_services(self, name: str, user: User) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101  # it is declared so
        field.empty_label = None
        field.queryset = Service.objects.visible_to(user).select_related("customer")


class SiteForm(forms.ModelForm):  # type: ignore[type-arg]  # takes none when it runs
    class Meta:
        model = Site
        fields = ("name", "address")


class ServiceForm(forms.ModelForm):  # type: ignore[type-arg]  # takes none when it runs
    first_day = forms.DateField(
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="The service begins at 00:00 in the agreement's time zone.",
    )
    last_day = forms.DateField(
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        required=False,
        help_text="Leave empty while no end is agreed.",
    )
    targets = RowsField(
        Target.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        label="What is probed to know whether it works",
        help_text="The service counts as down while any of these does not answer. Ignored where it names components.",
    )
    components = RowsField(
        Component.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        label="Components it uses",
        help_text="What is probed then follows from the components, and from those they need.",
    )
    capabilities = forms.MultipleChoiceField(
        choices=Capability.choices, widget=forms.CheckboxSelectMultiple, required=False, label="What of them it buys"
    )

    class Meta:
        model = Service
        fields = ("name", "site", "monthly_fee", "currency", "agreement", "components", "capabilities", "targets")
        help_texts = {"monthly_fee": "The recurring fee before tax.", "currency": "ISO 4217, such as USD or EUR."}

    field_order = (
        "name",
        "site",
        "monthly_fee",
        "currency",
        "agreement",
        "first_day",
        "last_day",
        "components",
        "capabilities",
        "targets",
    )

    def __init__(self, user: User, customer: Customer, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._choices("agreement").queryset = Agreement.objects.visible_to(user)
        self._choices("agreement").empty_label = None
        self._choices("targets").queryset = Target.objects.visible_to(user).filter(retired_at=None)
        components = Component.objects.visible_to(user)
        self._choices("components").queryset = components
        if not components:
            del self.fields["components"], self.fields["capabilities"]
        sites = Site.objects.visible_to(user).filter(customer=customer)
        self._choices("site").queryset = sites
        self._choices("site").empty_label = "No particular site"
        if not sites:
            del self.fields["site"]

    def _choices(self, name: str) -> "forms.ModelChoiceField[Any]":
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101  # it is declared so above
        return field

    def clean_currency(self) -> str:
        currency: str = self.cleaned_data["currency"].upper()
        if currency not in MINOR_UNITS:
            raise forms.ValidationError("There is no such currency. Write its three letters, such as USD.")
        return currency

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        fee: Decimal | None = cleaned.get("monthly_fee")
        currency: str | None = cleaned.get("currency")
        if fee is not None and fee < 0:
            self.add_error("monthly_fee", "A fee is not negative.")
        elif fee is not None and currency and fee != round(fee, MINOR_UNITS[currency]):
            self.add_error("monthly_fee", f"{currency} has {MINOR_UNITS[currency]} decimals.")
        first: date | None = cleaned.get("first_day")
        last: date | None = cleaned.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", "The service cannot end before it begins.")
        return cleaned
