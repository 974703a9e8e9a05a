from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.base_user import BaseUserManager
from django.core.validators import validate_email

from clearline.platform.outbox.models import Channel
from clearline.platform.outbox.webhooks import RefusedError, checked_url


class AddressForm(forms.BaseForm):
    """Beside a form with `channel` and `address`: the address is one that can be written to by that channel."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors:
            return cleaned
        try:
            if cleaned["channel"] == Channel.EMAIL:
                validate_email(cleaned["address"])
                cleaned["address"] = BaseUserManager.normalize_email(cleaned["address"])
            else:
                checked_url(cleaned["address"], private=settings.CLEARLINE.webhook_private)
        except forms.ValidationError as error:
            self.add_error("address", error)
        except RefusedError as error:
            self.add_error("address", str(error))
        return cleaned
