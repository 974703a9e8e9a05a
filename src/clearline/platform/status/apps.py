from django.apps import AppConfig


class StatusConfig(AppConfig):
    name = "clearline.platform.status"
