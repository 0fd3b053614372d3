from typing import Any

from django.core.management.base import BaseCommand, CommandError

from plaid_link.tokens import rotate_tokens
from portfolio_site.lib import sealing, second_factor


class Command(BaseCommand):
    help = "Seal everything with the first of ENCRYPTION_KEYS and LOOKUP_KEYS. Run it after putting a new key in front."

    def handle(self, *args: Any, **options: Any) -> None:
        tokens = rotate_tokens()
        factors, broken_factors = second_factor.rotate()
        columns = sealing.rotate()
        sealed_anew = tokens.sealed_anew + factors + columns.sealed_anew
        current = tokens.current + columns.current
        self.stdout.write(f"{sealed_anew} sealed anew, {current} on the current key already")
        if broken := [*tokens.broken, *broken_factors, *columns.broken]:
            raise CommandError(f"{len(broken)} cannot be opened with any key of ENCRYPTION_KEYS: {', '.join(broken)}")
