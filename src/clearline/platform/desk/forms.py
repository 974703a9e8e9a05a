from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone

from clearline.platform.accounts.models import User
from clearline.platform.customers.forms import ServiceChoices
from clearline.platform.desk.models import Message, Request
from clearline.platform.web.fields import MomentField


def _in_the_past(moment: datetime) -> datetime:
    if moment > timezone.now():
        raise forms.ValidationError("This moment is still to come.")
    return moment


class RequestForm(ServiceChoices, forms.ModelForm):  # type: ignore[type-arg]  # takes none when it runs
    received_at = MomentField(
        label="Received", help_text="When the customer first reached you, by whatever channel. The clock starts here."
    )

    class Meta:
        model = Request
        fields = ("service", "subject", "requester", "body", "received_at")
        labels = {"requester": "Who asks", "body": "What they say"}
        widgets = {"body": forms.Textarea(attrs={"rows": 4})}

    def __init__(self, user: User, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.offer_services("service", user)

    def clean_received_at(self) -> datetime:
        return _in_the_past(self.cleaned_data["received_at"])


class MessageForm(forms.ModelForm):  # type: ignore[type-arg]  # takes none when it runs
    at = MomentField(label="When", help_text="When it was sent or said.")

    class Meta:
        model = Message
        fields = ("kind", "body", "at")
        labels = {"kind": "What it is", "body": "Text"}
        widgets = {"body": forms.Textarea(attrs={"rows": 3})}
        help_texts = {"kind": "A reply or an answered call stops the clock; an internal note does not."}

    def clean_at(self) -> datetime:
        return _in_the_past(self.cleaned_data["at"])
