"""Form fields of our own: a moment typed in UTC, a time on some zone's clocks, and rows of a table."""

from datetime import UTC, datetime
from typing import Any

from django import forms


def _picker() -> forms.DateTimeInput:
    return forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S")


class WallTimeField(forms.DateTimeField):
    """A time on the clocks of a zone that another field names; the value is naive."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=_picker(), **options)

    def clean(self, value: Any) -> datetime | None:
        """Read it and leave the zone to the form."""
        moment: datetime | None = super().clean(value)
        return moment.replace(tzinfo=None) if moment else None


class MomentField(forms.DateTimeField):
    """A moment, typed and shown in UTC so that everybody means the same one."""

    def __init__(self, **options: Any) -> None:
        options["label"] = f"{options['label']} (UTC)"
        super().__init__(widget=_picker(), **options)

    def prepare_value(self, value: Any) -> Any:
        """Show an aware moment in UTC."""
        return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) and value.tzinfo else value


class RowsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # takes none when it runs
    """Rows of a table; a key with more digits than a database holds is no choice, where Django's own field fails."""

    KEY_DIGITS = 18

    def clean(self, value: Any) -> Any:
        """Refuse keys that cannot be."""
        for key in value or ():
            if len(str(key)) > self.KEY_DIGITS:
                raise forms.ValidationError(
                    self.error_messages["invalid_choice"], code="invalid_choice", params={"value": key}
                )
        return super().clean(value)
