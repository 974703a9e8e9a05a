from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password

from clearline.platform.accounts.models import User


class NewPasswordForm(forms.Form):
    """A new password, which is not a common one nor the person's address again."""

    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        label="A password",
        help_text="At least 10 characters.",
    )

    def __init__(self, *args: Any, email: str = "", **options: Any) -> None:
        super().__init__(*args, **options)
        self.email_known = email

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "password" in cleaned:
            try:
                validate_password(cleaned["password"], User(email=cleaned.get("email", self.email_known)))
            except forms.ValidationError as error:
                self.add_error("password", error)
        return cleaned


def _free_address(email: str) -> str:
    """The address in lower case, when nobody signs in with it yet."""
    email = email.strip().lower()
    if User.objects.filter(email__iexact=email).exists():
        raise forms.ValidationError("Somebody signs in with this address already.")
    return email


class PersonForm(forms.Form):
    name = forms.CharField(max_length=200)
    email = forms.EmailField(label="E-mail address", help_text="They sign in with it.")

    def clean_email(self) -> str:
        return _free_address(self.cleaned_data["email"])


class SetUpForm(NewPasswordForm):
    """The provider's name and its first person."""

    provider_name = forms.CharField(max_length=200, label="Name of your company", help_text="It heads the statements.")
    email = forms.EmailField(label="Your e-mail address", help_text="You sign in with it.")
    field_order = ("provider_name", "email", "password")

    def clean_email(self) -> str:
        """Nobody else signs in with this address."""
        return _free_address(self.cleaned_data["email"])
