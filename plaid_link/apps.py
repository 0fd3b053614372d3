from django.apps import AppConfig


class PlaidLinkConfig(AppConfig):
    name = "plaid_link"
    verbose_name = "Plaid link"
