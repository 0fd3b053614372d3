from django.apps import AppConfig
from django.db.models.signals import post_migrate


class PortfolioSiteConfig(AppConfig):
    name = "portfolio_site"
    verbose_name = "Longview"

    def ready(self) -> None:
        from portfolio_site import checks  # noqa: F401  registers them
        from portfolio_site.lib.rls import grant_roles

        post_migrate.connect(grant_roles, sender=self, dispatch_uid="portfolio_site.grant_roles")
