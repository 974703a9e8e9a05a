from django import forms


class VersionForm(forms.Form):
    file = forms.FileField(label="Agreement file (YAML)", help_text="A version, once loaded, never changes.")
