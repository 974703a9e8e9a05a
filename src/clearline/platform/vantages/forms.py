from typing import Any

from django import forms

from clearline.platform.accounts.models import User
from clearline.platform.vantages.models import Vantage, Watch
from clearline.platform.web.fields import RowsField


class InviteForm(forms.Form):
    name = forms.CharField(max_length=100, help_text="Where the agent stands, such as: Office Hamburg.")


class WatchForm(forms.Form):
    local = forms.BooleanField(required=False, label="The platform's own machine")
    vantages = RowsField(Vantage.objects.none(), required=False, widget=forms.CheckboxSelectMultiple, label="Agents")
    agree = forms.IntegerField(
        min_value=1,
        label="So many must agree that it is down",
        help_text="With 1, whoever sees it fail is believed. With 2, one whose own network fails makes no outage.",
    )

    def __init__(self, user: User, watch: Watch | None, *args: Any, **options: Any) -> None:
        known: dict[str, Any] = {"local": True, "agree": 1}
        if watch:
            known = {"local": watch.local, "vantages": list(watch.vantages.all()), "agree": watch.agree}
        super().__init__(*args, **options | {"initial": known})
        vantages = self.fields["vantages"]
        assert isinstance(vantages, forms.ModelMultipleChoiceField)  # noqa: S101  # it is declared so above
        vantages.queryset = Vantage.objects.visible_to(user).filter(revoked_at=None, enrolled_at__isnull=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        looking = len(cleaned.get("vantages", ())) + bool(cleaned.get("local"))
        if not looking:
            raise forms.ValidationError("Choose at least one; to stop probing a target, retire it.")
        if cleaned.get("agree", 1) > looking:
            self.add_error("agree", f"Only {looking} look at it.")
        return cleaned
