from typing import TYPE_CHECKING, Any

from django import forms
from django.utils import timezone

from clearline.platform.accounts.models import User
from clearline.platform.availability.models import Capability, Component, Target
from clearline.platform.customers.forms import ServiceChoices
from clearline.platform.customers.models import Customer, Service
from clearline.platform.maintenance.forms import SHORT_TEXT
from clearline.platform.outages.models import Correction, Declaration
from clearline.platform.outages.services import LARGEST_FILE_BYTES
from clearline.platform.web.fields import MomentField, RowsField

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile


class _PastSpanForm(ServiceChoices, forms.ModelForm):  # type: ignore[type-arg]  # takes none when it runs
    """An interval that is over, of some services."""

    services = RowsField(Service.objects.none(), widget=forms.CheckboxSelectMultiple, label="Whose services")
    from_at = MomentField(label="From")
    until_at = MomentField(label="Until")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        from_at, until_at, now = cleaned.get("from_at"), cleaned.get("until_at"), timezone.now()
        if from_at and from_at > now:
            self.add_error("from_at", "It has not begun yet.")
        if until_at and until_at > now:
            self.add_error("until_at", "This is still to come. Only what has been can be told.")
        if from_at and until_at and until_at <= from_at:
            self.add_error("until_at", "It must end after it begins.")
        return cleaned


class DeclarationForm(_PastSpanForm):
    until_at = MomentField(label="Until", required=False, help_text="Leave empty while it goes on.")
    file = forms.FileField(
        required=False, label="A file that shows it", help_text="A screenshot, a log, a short capture; at most 10 MiB."
    )
    link = forms.URLField(required=False, max_length=500, label="A page that shows it", assume_scheme="https")
    customer = forms.ModelChoiceField(
        Customer.objects.none(), required=False, empty_label="Our own people", label="Who says so"
    )
    field_order = ("what", "customer", "services", "from_at", "until_at", "link", "file")

    class Meta:
        model = Declaration
        fields = ("what", "services", "from_at", "until_at", "link")
        labels = {"what": "What did not work"}
        widgets = {"what": SHORT_TEXT}
        help_texts = {"what": "And how it was seen: who called whom, what was heard, what the telephone said."}

    def __init__(self, user: User, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.offer_services("services", user)
        customer = self.fields["customer"]
        assert isinstance(customer, forms.ModelChoiceField)  # noqa: S101  # it is declared so above
        customer.queryset = Customer.objects.visible_to(user)

    def clean_file(self) -> "UploadedFile[bytes] | None":
        file: UploadedFile[bytes] | None = self.cleaned_data["file"]
        if file is not None and (file.size or 0) > LARGEST_FILE_BYTES:
            raise forms.ValidationError("It is larger than 10 MiB.")
        return file


class DecisionForm(forms.Form):
    reason = forms.CharField(
        required=False, max_length=2000, label="Why", widget=SHORT_TEXT, help_text="Whoever declared it reads this."
    )


class EndForm(forms.Form):
    until_at = MomentField(label="It ended")


class CorrectionForm(_PastSpanForm):
    becomes = forms.ChoiceField(choices=Correction.Becomes.choices, label="It counts as")
    announced_at = MomentField(
        label="For maintenance: when the customer was told",
        required=False,
        help_text="The agreement decides by this whether it is left out of the month.",
    )
    field_order = ("services", "from_at", "until_at", "becomes", "announced_at", "cause", "reason")

    class Meta:
        model = Correction
        fields = ("services", "from_at", "until_at", "becomes", "announced_at", "cause", "reason")
        labels = {"cause": "For an exclusion: its cause", "reason": "Why"}
        widgets = {"reason": SHORT_TEXT}
        help_texts = {
            "cause": "Only a cause that the agreement in force lists takes time out of the month.",
            "reason": "Printed in the evidence, with your name and the name of who signs it off.",
        }

    def __init__(self, user: User, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.offer_services("services", user)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("becomes") == Correction.Becomes.EXCLUDED and not cleaned.get("cause"):
            self.add_error("cause", "Choose the cause for which it is excluded.")
        return cleaned


class NoteForm(forms.Form):
    text = forms.CharField(max_length=2000, label="What was done or found", widget=SHORT_TEXT)


class PostMortemForm(forms.Form):
    text = forms.CharField(
        max_length=100_000,
        required=False,
        label="What was learned (Markdown)",
        widget=forms.Textarea(attrs={"rows": 16}),
        help_text="What caused it, what helped, what is changed so that it does not happen again.",
    )


NOTHING, ALL = "no", "all"
"""What a target tells of a component, beside its capabilities. Each target must be answered for: a form that arrives in
part widens nothing."""


class ComponentForm(forms.ModelForm):  # type: ignore[type-arg]  # takes none when it runs
    class Meta:
        model = Component
        fields = ("name", "needs")
        labels = {"needs": "Needs, to work itself"}
        widgets = {"needs": forms.CheckboxSelectMultiple}
        field_classes = {"needs": RowsField}

    def __init__(self, user: User, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.user = user
        needs = self.fields["needs"]
        assert isinstance(needs, forms.ModelMultipleChoiceField)  # noqa: S101  # of a relation to many
        needs.queryset = Component.objects.visible_to(user).exclude(pk=self.instance.pk)
        self.targets = list(Target.objects.visible_to(user).filter(retired_at=None))
        for target in self.targets:
            own = target.component_id is not None and target.component_id == self.instance.pk
            self.fields[target.code] = forms.ChoiceField(
                choices=[(NOTHING, "Nothing of it"), (ALL, "All of it"), *Capability.choices],
                label=f"{target} tells of",
                initial=(target.capability or ALL) if own else NOTHING,
            )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Component.objects.visible_to(self.user).filter(name=name).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("There is a component of this name.")
        return name

    @property
    def chosen(self) -> dict[Target, str]:
        """What stands for the component, with the capability it tells of."""
        told = ((target, self.cleaned_data[target.code]) for target in self.targets)
        return {target: "" if capability == ALL else capability for target, capability in told if capability != NOTHING}
