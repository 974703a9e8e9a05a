from typing import Any

from django import forms
from django.utils import timezone

from clearline.platform.accounts.models import User
from clearline.platform.availability.models import Component
from clearline.platform.outbox.forms import AddressForm
from clearline.platform.outbox.models import Channel
from clearline.platform.status.models import Incident, Listing, Update
from clearline.platform.web.fields import MomentField


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


class IncidentForm(forms.ModelForm):  # type: ignore[type-arg]  # takes none when it runs
    started_at = MomentField(label="Since")
    listings = forms.ModelMultipleChoiceField(
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


class SubscribeForm(AddressForm, forms.Form):
    channel = forms.ChoiceField(choices=Channel.choices, label="How")
    address = forms.CharField(max_length=254, label="Your e-mail address, or your webhook's URL")
