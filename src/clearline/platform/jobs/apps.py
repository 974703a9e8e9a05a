from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "clearline.platform.jobs"
