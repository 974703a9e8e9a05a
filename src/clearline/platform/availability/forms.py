from typing import Any

from django import forms

from clearline.sensors.probe.target import DIGITS, NEEDS_ACCOUNT, checked_uri, is_over_tls, name_server_of
from clearline.voice.wire.sip import SipError

KINDS = [
    ("options", "OPTIONS: does the server answer?"),
    ("register", "REGISTER: can this account register?"),
    ("call", "Call: does audio come back, and how well?"),
    ("dns", "DNS: are its servers found?"),
    ("tls", "TLS: is its certificate accepted, and until when?"),
    ("websocket", "WebSocket: does it speak SIP to browsers?"),
    ("stun", "STUN: does it say how we are seen?"),
    ("turn", "TURN: does it relay for this account?"),
]


class AccountForm(forms.Form):
    account = forms.CharField(
        max_length=100, required=False, label="User name", help_text="For kinds that sign in: REGISTER, calls and TURN."
    )
    password = forms.CharField(
        max_length=200,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Kept encrypted, and never shown again.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in ("uri", "account"):
            if name in self.fields:
                self.fields[name].widget.attrs["autocapitalize"] = "none"


class TargetForm(AccountForm):
    name = forms.CharField(max_length=200, help_text="As your people call it.")
    kind = forms.ChoiceField(choices=KINDS, initial="options", label="What is tried")
    uri = forms.CharField(
        max_length=300,
        label="Address",
        help_text="Such as sip:pbx.example, sip:192.0.2.7:5060 or sip:echo@pbx.example; wss://pbx.example/ws for"
        " WebSocket, tls:pbx.example:5061, stun:turn.example, turn:turn.example?transport=tcp.",
    )
    digits = forms.CharField(
        max_length=16, required=False, label="Keys to press", help_text="In a call, such as 159#: they must come back."
    )
    registers = forms.BooleanField(
        required=False, label="Register the account while it calls", help_text="Where only registered telephones may."
    )
    encrypts = forms.BooleanField(
        required=False, label="Encrypt a call's audio (SRTP)", help_text="Over TLS alone: ;transport=tls."
    )
    path = forms.CharField(
        max_length=200,
        required=False,
        label="Path over WebSockets",
        help_text="Of a SIP address with ;transport=ws or wss, such as /ws.",
    )
    name_server = forms.CharField(
        max_length=60,
        required=False,
        label="Name server to ask",
        help_text="Instead of the system's: 192.0.2.53, or 192.0.2.53:5353.",
    )
    interval_seconds = forms.IntegerField(min_value=1, max_value=3600, label="Every so many seconds")

    field_order = (
        "name",
        "kind",
        "uri",
        "account",
        "password",
        "digits",
        "registers",
        "encrypts",
        "path",
        "name_server",
        "interval_seconds",
    )

    def clean_digits(self) -> str:
        digits: str = self.cleaned_data["digits"].upper()
        if set(digits) - set(DIGITS):
            raise forms.ValidationError(f"A telephone has the keys {' '.join(DIGITS)}.")
        return digits

    def clean_path(self) -> str:
        path: str = self.cleaned_data["path"]
        if path and (not path.startswith("/") or not path.isascii() or not path.isprintable() or " " in path):
            raise forms.ValidationError("A path begins with / and has no spaces.")
        return path

    def clean_name_server(self) -> str:
        written: str = self.cleaned_data["name_server"]
        try:
            if written:
                name_server_of(written)
        except ValueError as error:
            raise forms.ValidationError("Write an address, or ADDRESS:PORT.") from error
        return written

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        kind = cleaned.get("kind", "")
        try:
            if "uri" in cleaned:
                cleaned["uri"] = checked_uri(cleaned["uri"], kind or "options")
        except SipError as error:
            self.add_error("uri", f"This is no address that can be probed so: {error}.")
        if kind in NEEDS_ACCOUNT and not cleaned.get("account"):
            self.add_error("account", "This kind signs in: it needs a user name.")
        if cleaned.get("digits") and kind != "call":
            self.add_error("digits", "Only a call presses keys.")
        if cleaned.get("registers") and (kind != "call" or not cleaned.get("account")):
            self.add_error("registers", "Only a call with an account is registered meanwhile.")
        if cleaned.get("encrypts") and (kind != "call" or not is_over_tls(cleaned.get("uri", ""))):
            self.add_error("encrypts", "Only a call over TLS is encrypted: add ;transport=tls to the address.")
        return cleaned
