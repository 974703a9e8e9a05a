from typing import Any

from django import forms
from django.utils import timezone

from clearline.platform.accounts.models import User
from clearline.platform.customers.models import Service
from clearline.platform.maintenance.models import Exclusion, Window
from clearline.platform.web.fields import MomentField

SHORT_TEXT = forms.Textarea(attrs={"rows": 2})


class _SpanForm(forms.ModelForm):  # type: ignore[type-arg]  # takes none when it runs
    from_at = MomentField(label="From")
    until_at = MomentField(label="Until")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("from_at") and cleaned.get("until_at") and cleaned["until_at"] <= cleaned["from_at"]:
            self.add_error("until_at", "It must end after it begins.")
        return cleaned


class WindowForm(_SpanForm):
    announced_at = MomentField(label="Announced", help_text="When the notice went out to the customers.")
    services = forms.ModelMultipleChoiceField(
        Service.objects.none(), widget=forms.CheckboxSelectMultiple, label="Affected services"
    )

    class Meta:
        model = Window
        fields = ("title", "from_at", "until_at", "announced_at", "notice", "services")
        labels = {"title": "What is done", "notice": "How the customers were told"}
        widgets = {"notice": SHORT_TEXT}
        help_texts = {"notice": "Such as: e-mail to all contacts, subject “Database upgrade on 3 October”."}

    def __init__(self, user: User, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        services = self.fields["services"]
        assert isinstance(services, forms.ModelMultipleChoiceField)  # noqa: S101  # it is declared so above
        services.queryset = Service.objects.visible_to(user).select_related("customer")

    def clean_announced_at(self) -> Any:
        announced_at = self.cleaned_data["announced_at"]
        if announced_at > timezone.now():
            raise forms.ValidationError("An announcement that is still to be made cannot be recorded yet.")
        return announced_at


class ExclusionForm(_SpanForm):
    class Meta:
        model = Exclusion
        fields = ("service", "from_at", "until_at", "cause", "reason")
        widgets = {"reason": SHORT_TEXT}
        help_texts = {"reason": "It is printed in the evidence, with your name as the approver."}

    def __init__(self, user: User, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        service = self.fields["service"]
        assert isinstance(service, forms.ModelChoiceField)  # noqa: S101  # a foreign key's field is one
        service.empty_label = None
        service.queryset = Service.objects.visible_to(user).select_related("customer")
