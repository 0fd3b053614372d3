from typing import Any

from django.core.management.base import BaseCommand, CommandError

from plaid_link.tokens import rotate_tokens


class Command(BaseCommand):
    help = "Seal every access token with the first of ENCRYPTION_KEYS. Run it after putting a new key in front."

    def handle(self, *args: Any, **options: Any) -> None:
        rotated = rotate_tokens()
        self.stdout.write(f"{rotated.sealed_anew} sealed anew, {rotated.current} on the current key already")
        if rotated.broken:
            raise CommandError(
                f"{len(rotated.broken)} cannot be opened with any key of ENCRYPTION_KEYS: {', '.join(rotated.broken)}"
            )
