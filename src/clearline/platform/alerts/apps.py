from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "clearline.platform.alerts"
