"""The second factor: its secrets are sealed like all others, and the API asks for it as the pages do."""

import base64
from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.db import transaction

from portfolio_site.lib.crypto import SealBroken, keyring

CONTEXT = b"second-factor"
SECRETS = ("secret", "seed")


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]
    """allauth's, with the secrets of authenticators sealed by our keyring."""

    def encrypt(self, text: str) -> str:
        return base64.b64encode(keyring().seal(text.encode(), context=CONTEXT)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return keyring().open(base64.b64decode(encrypted_text), context=CONTEXT).decode()


def is_needed(user: Any) -> bool:
    """Whether the user has set up a second factor."""
    return bool(Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists())


@transaction.atomic
def accepts(user: Any, code: str) -> bool:
    """Whether the code is one of the authenticator now, or a recovery code not used before; it is used up by that."""
    rows = Authenticator.objects.select_for_update().filter(user=user, type__in=("totp", "recovery_codes"))
    return bool(code) and any(row.wrap().validate_code(code) for row in rows.order_by("-type"))


def rotate() -> tuple[int, list[str]]:
    """Seal all secrets with the current key. Returns how many rows were sealed anew, and what cannot be opened."""
    sealed_anew, broken = 0, []
    for pk in Authenticator.objects.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            row = Authenticator.objects.select_for_update().filter(pk=pk).first()
            if row is None:
                continue
            try:
                sealed_anew += _sealed_anew(row)
            except SealBroken:
                broken.append(f"authenticator {pk}")
    return sealed_anew, broken


def _sealed_anew(row: Authenticator) -> bool:
    adapter = Adapter()
    stale = [
        name for name in SECRETS if name in row.data and not keyring().is_current(base64.b64decode(row.data[name]))
    ]
    for name in stale:
        row.data[name] = adapter.encrypt(adapter.decrypt(row.data[name]))
    if stale:
        row.save(update_fields=["data"])
    return bool(stale)
