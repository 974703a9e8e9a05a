from django.apps import AppConfig


class CallsConfig(AppConfig):
    name = "clearline.platform.calls"
