"""What other apps would keep of a user in plain text, and nobody needs."""

from typing import Any

from django.db.models.signals import pre_save
from django.dispatch import receiver
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken


@receiver(pre_save, sender=OutstandingToken, dispatch_uid="portfolio_site.keep_no_token")
def keep_no_token(instance: OutstandingToken, **_kwargs: Any) -> None:
    """A refresh token is found by its id; whoever reads the table must not be able to use it."""
    instance.token = ""
