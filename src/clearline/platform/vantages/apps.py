from django.apps import AppConfig


class VantagesConfig(AppConfig):
    name = "clearline.platform.vantages"
