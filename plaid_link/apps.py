from django.apps import AppConfig


class PlaidLinkConfig(AppConfig):
    name = "plaid_link"
    verbose_name = "Plaid link"

    def ready(self) -> None:
        from plaid_link import checks  # noqa: F401
