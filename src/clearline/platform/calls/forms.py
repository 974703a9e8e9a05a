from typing import Any

from django import forms

from clearline.platform.accounts.models import User
from clearline.platform.customers.models import Service


class UploadForm(forms.Form):
    service = forms.ModelChoiceField(Service.objects.none(), empty_label=None, help_text="Whose calls these are.")
    file = forms.FileField(label="Capture", help_text="pcap or pcapng, plain or gzip.")

    def __init__(self, user: User, limit_mb: int, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        service = self.fields["service"]
        assert isinstance(service, forms.ModelChoiceField)  # noqa: S101  # it is declared so above
        service.queryset = Service.objects.visible_to(user).select_related("customer__provider")
        self.fields["file"].help_text = f"pcap or pcapng, plain or gzip, up to {limit_mb} MiB."
