from django.apps import AppConfig


class AgreementsConfig(AppConfig):
    name = "clearline.platform.agreements"
