from typing import Any

from django.apps import AppConfig
from django.db.models import Model
from django.db.models.signals import class_prepared, post_migrate

from portfolio_site.lib.sealed import SealedEmailField, SealedTextField

# Who somebody is stands in tables of apps that are not ours, too; migration 0008 seals the columns.
SEALED_ELSEWHERE = {
    "allauth.account.models.EmailAddress": {"email": SealedEmailField},
    "allauth.usersessions.models.UserSession": {"ip": SealedTextField, "user_agent": SealedTextField},
}


def seal_elsewhere(sender: type[Model], **_kwargs: Any) -> None:
    """Another app's model, as soon as it is made, with sealed fields in place of its own."""
    for name, kind in SEALED_ELSEWHERE.get(f"{sender.__module__}.{sender.__qualname__}", {}).items():
        theirs = sender._meta.get_field(name)
        sender._meta.local_fields.remove(theirs)
        ours = kind(verbose_name=theirs._verbose_name, max_length=theirs.max_length)
        ours.creation_counter = theirs.creation_counter
        sender.add_to_class(name, ours)


class PortfolioSiteConfig(AppConfig):
    name = "portfolio_site"
    verbose_name = "Longview"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        class_prepared.connect(seal_elsewhere, dispatch_uid="portfolio_site.seal_elsewhere")

    def ready(self) -> None:
        from portfolio_site import checks, receivers  # noqa: F401  registers them
        from portfolio_site.lib.rls import grant_roles

        post_migrate.connect(grant_roles, sender=self, dispatch_uid="portfolio_site.grant_roles")
