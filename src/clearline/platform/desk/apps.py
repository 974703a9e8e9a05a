from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "clearline.platform.desk"
