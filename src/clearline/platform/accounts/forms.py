from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password

from clearline.platform.accounts.models import User


class SetUpForm(forms.Form):
    """The provider's name and its first person."""

    provider_name = forms.CharField(max_length=200, label="Name of your company", help_text="It heads the statements.")
    email = forms.EmailField(label="Your e-mail address", help_text="You sign in with it.")
    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        label="A password",
        help_text="At least 10 characters.",
    )

    def clean_email(self) -> str:
        """Nobody else signs in with this address."""
        email: str = self.cleaned_data["email"].strip().lower()
        if User.objects.filter(email__iexact=email).exists():
            raise forms.ValidationError("Somebody signs in with this address already.")
        return email

    def clean(self) -> dict[str, Any]:
        """The password is not a common one, nor the address again."""
        cleaned = super().clean() or {}
        if "password" in cleaned:
            try:
                validate_password(cleaned["password"], User(email=cleaned.get("email", "")))
            except forms.ValidationError as error:
                self.add_error("password", error)
        return cleaned
