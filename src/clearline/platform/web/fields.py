"""Form fields of our own: a moment typed in UTC."""

from datetime import UTC, datetime
from typing import Any

from django import forms


class MomentField(forms.DateTimeField):
    """A moment, typed and shown in UTC so that everybody means the same one."""

    def __init__(self, **options: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S")
        options["label"] = f"{options['label']} (UTC)"
        super().__init__(widget=widget, **options)

    def prepare_value(self, value: Any) -> Any:
        """Show an aware moment in UTC."""
        return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) and value.tzinfo else value
