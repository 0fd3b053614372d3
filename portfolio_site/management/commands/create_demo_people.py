"""The demo user, somebody new and the operator, made or put back to their known passwords."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portfolio_site.models import User

PEOPLE = (
    ("demo@example.com", "demo-portfolio", {"first_name": "Dana", "last_name": "Demo"}),
    # Has connected nothing yet: what every page says then.
    ("new@example.com", "demo-newcomer", {"first_name": "Nell"}),
    ("operator@example.com", "demo-operator", {"first_name": "Olive", "is_staff": True, "is_superuser": True}),
)


class Command(BaseCommand):
    help = "Create demo@example.com, new@example.com and operator@example.com (never in production)."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("Known passwords have no place in production.")
        for email, password, fields in PEOPLE:
            user, created = User.objects.update_or_create(email=email, defaults=fields)
            user.set_password(password)
            user.save(update_fields=["password"])
            user.agree()
            self.stdout.write(f"{'Created' if created else 'Kept'} {email}")
