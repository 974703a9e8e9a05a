from django.apps import AppConfig


class AvailabilityConfig(AppConfig):
    name = "clearline.platform.availability"
