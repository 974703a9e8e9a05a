from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.core.validators import validate_email

from clearline.platform.accounts.models import User
from clearline.platform.alerts.models import Responder, Signal
from clearline.platform.alerts.scraping import METRIC
from clearline.platform.availability.models import Component
from clearline.platform.outbox.calls import address_of
from clearline.platform.outbox.models import CallAccount, Channel
from clearline.platform.outbox.webhooks import RefusedError, checked_url
from clearline.sensors.probe.target import checked_uri, is_over_tls
from clearline.voice.wire import sip

CLOCK = {"type": "time"}


class ResponderForm(forms.ModelForm):  # type: ignore[type-arg]  # takes none when it runs
    zone = forms.CharField(
        required=False, max_length=64, label="Time zone", help_text="IANA name, such as Europe/Berlin; empty is UTC."
    )

    class Meta:
        model = Responder
        fields = (
            "name", "channel", "address", "after_minutes", "quiet_from", "quiet_until", "zone", "critical_passes",
        )  # fmt: skip
        labels = {
            "channel": "How they are told",
            "address": "E-mail address, URL, or telephone number",
            "after_minutes": "Minutes after the alert was opened",
            "quiet_from": "Quiet hours from",
            "quiet_until": "Quiet hours until",
            "critical_passes": "Outages and missing measurements are told in quiet hours too",
        }
        help_texts = {"after_minutes": "0: at once. Later: only if nobody has acknowledged it by then."}
        widgets = {"quiet_from": forms.TimeInput(attrs=CLOCK), "quiet_until": forms.TimeInput(attrs=CLOCK)}

    def __init__(self, user: User, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.user = user

    def clean_zone(self) -> str:
        name: str = self.cleaned_data["zone"] or "UTC"
        if name not in available_timezones():
            raise forms.ValidationError("There is no such time zone. Write its IANA name, such as Europe/Berlin.")
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if (cleaned.get("quiet_from") is None) != (cleaned.get("quiet_until") is None):
            self.add_error("quiet_until", "Quiet hours need both ends, or none.")
        if not self.errors:
            self._check_address(cleaned["channel"], cleaned["address"])
        return cleaned

    def _check_address(self, channel: str, address: str) -> None:
        try:
            if channel == Channel.EMAIL:
                validate_email(address)
            elif channel == Channel.CALL:
                self._check_number(address)
            else:
                checked_url(address, private=settings.CLEARLINE.webhook_private)
        except forms.ValidationError as error:
            self.add_error("address", error)
        except RefusedError as error:
            self.add_error("address", str(error))
        if Responder.objects.visible_to(self.user).filter(channel=channel, address=address).exists():
            self.add_error("address", "This one is told already.")

    def _check_number(self, address: str) -> None:
        account = CallAccount.objects.visible_to(self.user).first()
        if account is None:
            raise forms.ValidationError("Name the account that calls are made from first: Alerts, Telephone account.")
        try:
            address_of(address, account.server)
        except sip.SipError as error:
            raise forms.ValidationError(
                "Write a number such as +4930123456, or an address such as sip:dana@pbx.example.com."
            ) from error


class CallAccountForm(forms.ModelForm):  # type: ignore[type-arg]  # takes none when it runs
    password = forms.CharField(
        required=False, max_length=200, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    class Meta:
        model = CallAccount
        fields = ("server", "user", "registers", "encrypts")
        labels = {
            "server": "SIP server",
            "user": "User",
            "registers": "Register it while it calls",
            "encrypts": "Encrypt the audio (SRTP)",
        }
        help_texts = {
            "server": "Such as sip:pbx.example.com or sip:pbx.example.com:5061;transport=tls.",
            "registers": "Where only registered telephones may call.",
            "encrypts": "Over TLS alone, which tells the keys: ;transport=tls.",
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.sealed_password:
            self.fields["password"].help_text = "Empty: as it is."

    def clean_server(self) -> str:
        written: str = self.cleaned_data["server"]
        try:
            server = checked_uri(written)
            if sip.uri(server).user:
                raise forms.ValidationError("Write the server alone; the user has a field of its own.")
        except sip.SipError as error:
            raise forms.ValidationError(str(error)) from error
        return server

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("encrypts") and not is_over_tls(cleaned.get("server", "")):
            self.add_error("encrypts", "Its keys would be told in the clear: add ;transport=tls to the server.")
        return cleaned


class SignalForm(forms.ModelForm):  # type: ignore[type-arg]  # takes none when it runs
    url = forms.URLField(required=False, max_length=500, label="Where it is told", assume_scheme="http")

    class Meta:
        model = Signal
        fields = ("name", "kind", "url", "metric", "taken_as", "whole", "minutes", "suspect", "limit", "component")
        labels = {
            "kind": "What is read",
            "taken_as": "What of the figure counts",
            "whole": "The figure it is a share of",
            "minutes": "Over how many minutes",
            "suspect": "Suspect when",
            "component": "What is probed then",
        }
        help_texts = {
            "metric": 'With labels if need be: rtpengine_sessions{type="own"}. Several are summed.',
            "taken_as": "Lost registrations: the value of kamailio_usrloc_registered_users, percent of what it was,"
            " below 70. Failing requests: the increase of kamailio_sl_5xx_replies, percent of that of"
            " kamailio_core_rcv_requests_invite, above 20.",
            "whole": "For a share only; told at the same place.",
            "minutes": "1 to 60. A value as it stands needs none.",
            "limit": "A percentage, of calls and where it says percent.",
        }

    def __init__(self, user: User, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        component = self.fields["component"]
        assert isinstance(component, forms.ModelChoiceField)  # noqa: S101  # of a foreign key
        component.queryset = Component.objects.visible_to(user)
        component.empty_label = "Every target"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("kind") == Signal.Kind.METRIC:
            if not cleaned.get("url", "").startswith(("http://", "https://")):
                self.add_error(
                    "url", "Write the address of the program's metrics, such as http://192.0.2.7:9494/metrics."
                )
            if not METRIC.fullmatch(cleaned.get("metric", "")):
                self.add_error("metric", "Write a metric's name, with labels if need be.")
            if cleaned.get("taken_as") == Signal.Taken.SHARE and not METRIC.fullmatch(cleaned.get("whole", "")):
                self.add_error("whole", "Write the metric's name that it is a share of.")
        return cleaned
