from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone

from clearline.platform.accounts.models import User
from clearline.platform.availability.models import Component
from clearline.platform.customers.models import Customer, Service
from clearline.platform.outages.models import Declaration
from clearline.platform.outbox.forms import AddressForm
from clearline.platform.outbox.models import WRITTEN
from clearline.platform.status.models import Incident, Listing, Update
from clearline.platform.web.fields import MomentField, RowsField

OLDEST_REPORT = timedelta(days=62)
"""What a customer reports began no longer ago: this month or the one before, which may not be settled yet."""


class ListingForm(forms.ModelForm):  # type: ignore[type-arg]  # takes none when it runs
    class Meta:
        model = Listing
        fields = ("component", "name", "position")
        labels = {"name": "Public name", "position": "Place in the list"}
        help_texts = {"name": "What customers know it as. Neither its own name nor what measures it is shown."}

    def __init__(self, user: User, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        component = self.fields["component"]
        assert isinstance(component, forms.ModelChoiceField)  # noqa: S101  # a foreign key's field is one
        component.queryset = Component.objects.visible_to(user).filter(listing=None)
        component.empty_label = None
        self.user = user

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Listing.objects.visible_to(self.user).filter(name=name).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("Another component is shown under this name.")
        return name


class IncidentForm(forms.ModelForm):  # type: ignore[type-arg]  # takes none when it runs
    started_at = MomentField(label="Since")
    listings = RowsField(
        Listing.objects.none(), widget=forms.CheckboxSelectMultiple, required=False, label="Affected components"
    )
    stage = forms.ChoiceField(choices=Update.Stage.choices, label="Where the work stands")
    body = forms.CharField(widget=forms.Textarea(attrs={"rows": 4}), label="What you say")

    class Meta:
        model = Incident
        fields = ("title", "impact", "started_at")

    def __init__(self, user: User, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        listings = self.fields["listings"]
        assert isinstance(listings, forms.ModelMultipleChoiceField)  # noqa: S101  # it is declared so above
        listings.queryset = Listing.objects.visible_to(user)

    def clean_started_at(self) -> Any:
        started_at = self.cleaned_data["started_at"]
        if started_at > timezone.now():
            raise forms.ValidationError("This moment is still to come.")
        return started_at


class UpdateForm(forms.ModelForm):  # type: ignore[type-arg]  # takes none when it runs
    class Meta:
        model = Update
        fields = ("stage", "body")
        labels = {"stage": "Where the work stands", "body": "What you say"}
        widgets = {"body": forms.Textarea(attrs={"rows": 4})}


class _Places(RowsField):
    """Services by their names and where they are."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} at {obj.site}" if obj.site else str(obj.name)


class ReportForm(forms.ModelForm):  # type: ignore[type-arg]  # takes none when it runs
    """What a customer declares on its own view."""

    what = forms.CharField(max_length=200, label="What does not work", help_text="In a line: no calls out, no sound.")
    shown = forms.CharField(
        max_length=4000,
        label="How you see it",
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Who called whom and when, what was heard, what the telephone said.",
    )
    places = _Places(Service.objects.none(), widget=forms.CheckboxSelectMultiple, label="Where")
    from_at = MomentField(label="Since")
    until_at = MomentField(label="Until", required=False, help_text="Leave empty while it goes on.")
    contact = forms.CharField(max_length=200, label="Whom we ask back", help_text="A name with a number or an address.")
    field_order = ("what", "places", "from_at", "until_at", "shown", "contact")

    class Meta:
        model = Declaration
        fields = ("from_at", "until_at", "contact")

    def __init__(self, customer: Customer, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        chosen = self.fields["places"]
        assert isinstance(chosen, _Places)  # noqa: S101  # it is declared so above
        chosen.queryset = customer.services.select_related("site")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        from_at, until_at, now = cleaned.get("from_at"), cleaned.get("until_at"), timezone.now()
        if from_at and not now - OLDEST_REPORT <= from_at <= now:
            self.add_error("from_at", f"Write a moment of the last {OLDEST_REPORT.days} days.")
        if from_at and until_at and not from_at < until_at <= now:
            self.add_error("until_at", "It ended after it began, and not later than now.")
        if "what" in cleaned and "shown" in cleaned:
            self.instance.what = f"{' '.join(cleaned['what'].split())}\n\n{cleaned['shown']}"
        return cleaned


class SubscribeForm(AddressForm, forms.Form):
    channel = forms.ChoiceField(choices=WRITTEN, label="How")
    address = forms.CharField(max_length=254, label="Your e-mail address, or your webhook's URL")
