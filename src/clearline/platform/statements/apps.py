from django.apps import AppConfig


class StatementsConfig(AppConfig):
    name = "clearline.platform.statements"
