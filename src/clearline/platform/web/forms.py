"""How every form looks: one renderer, one template a field."""

from django.forms.renderers import TemplatesSetting


class Renderer(TemplatesSetting):
    """Renders forms, ours and django-allauth's, with the templates of this folder."""

    form_template_name = "web/form.html"
    field_template_name = "web/field.html"
