from typing import Any

from django.core.management.base import BaseCommand, CommandError

from plaid_link.tokens import rotate_tokens
from portfolio_site.lib import second_factor


class Command(BaseCommand):
    help = "Seal every secret with the first of ENCRYPTION_KEYS. Run it after putting a new key in front."

    def handle(self, *args: Any, **options: Any) -> None:
        rotated = rotate_tokens()
        factors, broken_factors = second_factor.rotate()
        sealed_anew = rotated.sealed_anew + factors
        self.stdout.write(f"{sealed_anew} sealed anew, {rotated.current} on the current key already")
        if broken := [*rotated.broken, *broken_factors]:
            raise CommandError(f"{len(broken)} cannot be opened with any key of ENCRYPTION_KEYS: {', '.join(broken)}")
