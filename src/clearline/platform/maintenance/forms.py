from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.utils import timezone

from clearline.platform.accounts.models import User
from clearline.platform.customers.forms import ServiceChoices
from clearline.platform.customers.models import Service
from clearline.platform.maintenance.carriers import MAIL_BYTES
from clearline.platform.maintenance.models import Exclusion, Window
from clearline.platform.maintenance.recurrence import RuleError, occurrences
from clearline.platform.maintenance.wall import is_skipped
from clearline.platform.web.fields import MomentField, RowsField, WallTimeField

SHORT_TEXT = forms.Textarea(attrs={"rows": 2})
DEFAULT_LEAD_DAYS = 7


class _SpanForm(ServiceChoices, forms.ModelForm):  # type: ignore[type-arg]  # takes none when it runs
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("from_at") and cleaned.get("until_at") and cleaned["until_at"] <= cleaned["from_at"]:
            self.add_error("until_at", "It must end after it begins.")
        return cleaned


def in_zone(wall: datetime, zone: ZoneInfo) -> datetime:
    """The moment of a wall time that was written.

    Raises:
        ValidationError: there is no such time on that day.
    """
    if is_skipped(wall, zone):
        raise forms.ValidationError(f"The clocks of {zone.key} are put forward over this time.")
    return wall.replace(tzinfo=zone).astimezone(UTC)


class WindowForm(_SpanForm):
    zone = forms.CharField(
        required=False, max_length=64, label="Time zone", help_text="IANA name, such as Europe/Berlin; empty is UTC."
    )
    from_at = WallTimeField(label="From")
    until_at = WallTimeField(label="Until")
    impact = forms.ChoiceField(choices=Window.Impact.choices, required=False, label="Meanwhile the services")
    rule = forms.CharField(
        required=False,
        max_length=200,
        label="Repeats",
        help_text="A rule such as FREQ=MONTHLY;BYDAY=1SU, or nothing. The wall time stays when the clocks change.",
    )
    lead_days = forms.IntegerField(
        required=False, min_value=1, max_value=60, label="Announce each repetition so many days ahead"
    )
    announced_at = MomentField(
        label="Already announced by other means",
        required=False,
        help_text="Leave empty: the notices are sent from here, and count from the moment they are accepted.",
    )
    services = RowsField(Service.objects.none(), widget=forms.CheckboxSelectMultiple, label="Affected services")
    field_order = (
        "title", "zone", "from_at", "until_at", "impact", "services", "notice", "rule", "lead_days", "announced_at",
    )  # fmt: skip

    class Meta:
        model = Window
        fields = ("title", "zone", "from_at", "until_at", "impact", "announced_at", "notice", "services", "rule")
        labels = {"title": "What is done", "notice": "What the notice says beside the facts"}
        widgets = {"notice": SHORT_TEXT}
        help_texts = {"notice": "If it was announced by other means: how, so that both sides can check."}

    def __init__(self, user: User, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.offer_services("services", user)
        self.starts: list[datetime] = []

    def clean_zone(self) -> str:
        name: str = self.cleaned_data["zone"] or "UTC"
        if name not in available_timezones():
            raise forms.ValidationError("There is no such time zone. Write its IANA name, such as Europe/Berlin.")
        return name

    def clean_from_at(self) -> datetime:
        return self._in_zone("from_at")

    def clean_until_at(self) -> datetime:
        return self._in_zone("until_at")

    def clean_impact(self) -> str:
        return self.cleaned_data["impact"] or Window.Impact.OUTAGE

    def clean_announced_at(self) -> datetime | None:
        announced_at: datetime | None = self.cleaned_data["announced_at"]
        if announced_at is not None and announced_at > timezone.now():
            raise forms.ValidationError("An announcement that is still to be made cannot be recorded yet.")
        return announced_at

    def _in_zone(self, name: str) -> datetime:
        return in_zone(self.cleaned_data[name], ZoneInfo(self.cleaned_data.get("zone", "UTC")))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        announced_at, until_at = cleaned.get("announced_at"), cleaned.get("until_at")
        if announced_at is None and until_at is not None and until_at <= timezone.now():
            self.add_error("until_at", "It is over: there is nothing to announce any more.")
        if announced_at is not None and not cleaned.get("notice"):
            self.add_error("notice", "Say how it was announced, so that both sides can check.")
        if cleaned.get("rule") and not self.errors:
            self._expand(cleaned)
        return cleaned

    def _expand(self, cleaned: dict[str, Any]) -> None:
        if cleaned["announced_at"] is not None:
            self.add_error("announced_at", "Windows that repeat are announced from here.")
            return
        try:
            self.starts = occurrences(cleaned["rule"], cleaned["from_at"], ZoneInfo(cleaned["zone"]))
        except RuleError as error:
            self.add_error("rule", str(error))

    @property
    def lead(self) -> timedelta:
        return timedelta(days=self.cleaned_data["lead_days"] or DEFAULT_LEAD_DAYS)


class NoticeForm(forms.Form):
    mail = forms.FileField(label="The carrier's mail or calendar file (.eml, .ics)")

    def clean_mail(self) -> Any:
        mail = self.cleaned_data["mail"]
        if mail.size > MAIL_BYTES:
            raise forms.ValidationError(f"A notice has at most {MAIL_BYTES // 1024 // 1024} MiB.")
        return mail


class ExtensionForm(forms.Form):
    until_at = MomentField(label="New end")


class MoveForm(forms.Form):
    """The new time of a window, on the wall clock of the zone it was planned in."""

    from_at = WallTimeField(label="From")
    until_at = WallTimeField(label="Until")
    later = forms.BooleanField(
        required=False, label="Move the later ones of its series by as much", help_text="They become as long as this."
    )

    def __init__(self, window: Window, data: Any = None) -> None:
        self.zone = ZoneInfo(window.zone)
        moments = {"from_at": window.from_at, "until_at": window.until_at}
        wall = {name: moment.astimezone(self.zone).replace(tzinfo=None) for name, moment in moments.items()}
        super().__init__(data, initial=wall)
        if not window.series:
            del self.fields["later"]

    def clean_from_at(self) -> datetime:
        return in_zone(self.cleaned_data["from_at"], self.zone)

    def clean_until_at(self) -> datetime:
        return in_zone(self.cleaned_data["until_at"], self.zone)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("from_at") and cleaned.get("until_at") and cleaned["until_at"] <= cleaned["from_at"]:
            self.add_error("until_at", "It must end after it begins.")
        return cleaned


class ExclusionForm(_SpanForm):
    from_at = MomentField(label="From")
    until_at = MomentField(label="Until")

    class Meta:
        model = Exclusion
        fields = ("service", "from_at", "until_at", "cause", "reason")
        widgets = {"reason": SHORT_TEXT}
        help_texts = {"reason": "It is printed in the evidence, with your name as the approver."}

    def __init__(self, user: User, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.offer_services("service", user)
