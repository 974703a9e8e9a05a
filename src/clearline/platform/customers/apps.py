from django.apps import AppConfig


class CustomersConfig(AppConfig):
    name = "clearline.platform.customers"
