from typing import Any

from django import forms

from clearline.sensors.probe.target import checked_uri
from clearline.voice.wire.sip import SipError


class TargetForm(forms.Form):
    name = forms.CharField(max_length=200, help_text="As your people call it.")
    uri = forms.CharField(
        max_length=300, label="SIP address", help_text="Such as sip:pbx.example or sip:192.0.2.7:5060."
    )

    def clean_uri(self) -> str:
        try:
            return checked_uri(self.cleaned_data["uri"])
        except SipError as error:
            raise forms.ValidationError(f"This is no SIP address that can be probed: {error}.") from error

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["uri"].widget.attrs["autocapitalize"] = "none"
