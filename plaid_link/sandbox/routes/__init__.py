"""Plaid's paths, each with the fields it takes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ..server import Call, Server
from . import institutions, investments, items, keys, link, sandbox

Handler = Callable[[Server, Call], dict[str, Any]]

CREDENTIALS: Final = frozenset({"client_id", "secret"})


@dataclass(frozen=True, slots=True)
class Route:
    """`optional` None: any further field is taken."""

    handler: Handler
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] | None = ()

    def missing(self, body: dict[str, Any]) -> list[str]:
        return [name for name in self.required if body.get(name) is None]

    def unknown(self, body: dict[str, Any]) -> list[str]:
        if self.optional is None:
            return []
        return sorted(set(body) - set(self.required) - set(self.optional) - CREDENTIALS)


TOKEN: Final = ("access_token",)
OPTIONS: Final = ("options",)

ROUTES: Final[dict[str, Route]] = {
    "/link/token/create": Route(link.create_token, ("client_name", "language", "country_codes"), None),
    "/link/token/get": Route(link.get_token, ("link_token",)),
    "/item/public_token/exchange": Route(items.exchange, ("public_token",)),
    "/item/get": Route(items.get, TOKEN),
    "/item/remove": Route(items.remove, TOKEN, ("reason_code", "reason_note")),
    "/item/webhook/update": Route(items.update_webhook, TOKEN, ("webhook",)),
    "/item/access_token/invalidate": Route(items.invalidate_token, TOKEN),
    "/accounts/get": Route(items.accounts, TOKEN, OPTIONS),
    "/accounts/balance/get": Route(items.balances, TOKEN, OPTIONS),
    "/investments/holdings/get": Route(investments.holdings, TOKEN, OPTIONS),
    "/investments/transactions/get": Route(
        investments.transactions, ("access_token", "start_date", "end_date"), OPTIONS
    ),
    "/investments/refresh": Route(investments.refresh, TOKEN),
    "/institutions/get_by_id": Route(institutions.get_by_id, ("institution_id", "country_codes"), OPTIONS),
    "/institutions/search": Route(institutions.search, ("query", "country_codes"), ("products", "options")),
    "/webhook_verification_key/get": Route(keys.get, ("key_id",)),
    "/sandbox/public_token/create": Route(
        sandbox.create_public_token,
        ("institution_id", "initial_products"),
        ("options", "user_token", "user_id"),
    ),
    "/sandbox/item/reset_login": Route(sandbox.reset_login, TOKEN),
    "/sandbox/item/fire_webhook": Route(
        sandbox.fire_webhook, ("access_token", "webhook_code"), ("webhook_type", "options")
    ),
}
