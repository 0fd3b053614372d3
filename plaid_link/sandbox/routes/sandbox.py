"""/sandbox/*"""

from datetime import timedelta
from typing import Any, Final

from .. import answers, identifiers
from ..errors import PlaidError
from ..institutions import INSTITUTIONS
from ..server import Call, Server
from ..state import Item, PublicToken
from ..users import BUILT_IN, custom_books
from ..users.custom import parsed
from ..webhooks import ITEM_CODES

PUBLIC_TOKEN_LIFE: Final = timedelta(minutes=30)
INVESTMENT_TYPES: Final = ("HOLDINGS", "INVESTMENTS_TRANSACTIONS")
CODES: Final = frozenset(
    {
        "DEFAULT_UPDATE",
        "NEW_ACCOUNTS_AVAILABLE",
        "SMS_MICRODEPOSITS_VERIFICATION",
        "USER_PERMISSION_REVOKED",
        "USER_ACCOUNT_REVOKED",
        "PENDING_DISCONNECT",
        "RECURRING_TRANSACTIONS_UPDATE",
        "LOGIN_REPAIRED",
        "SYNC_UPDATES_AVAILABLE",
        "PRODUCT_READY",
        "ERROR",
    }
)


def create_public_token(server: Server, call: Call) -> dict[str, Any]:
    """A linked login without Link: a built-in user by name, or `user_custom` with its JSON as password."""
    options = call.options
    item = new_item(
        server,
        institution_id=call["institution_id"],
        products=call["initial_products"],
        webhook=options.get("webhook"),
        username=options.get("override_username") or "user_good",
        password=options.get("override_password") or "",
    )
    return {"public_token": new_public_token(server, item)}


def new_item(
    server: Server, *, institution_id: str, products: list[str], webhook: str | None, username: str, password: str = ""
) -> Item:
    """Stores a new item without an access token yet. Raises PlaidError."""
    record = INSTITUTIONS.get(institution_id)
    if record is None:
        raise PlaidError("INVALID_INSTITUTION")
    if not set(products) <= {*record.products, "auth"} or not products:
        raise PlaidError("PRODUCTS_NOT_SUPPORTED")
    item = Item(
        item_id=identifiers.named(identifiers.token("item")),
        access_token=None,
        institution_id=institution_id,
        username=username,
        config=_config(server, username, password),
        products=list(products),
        webhook=webhook,
        created_at=server.clock.stamp(),
        linked_on=server.clock.today().isoformat(),
    )
    server.state.items[item.item_id] = item
    return item


def _config(server: Server, username: str, password: str) -> dict[str, Any] | None:
    if username == "user_custom":
        config = parsed(password)
        if config.get("force_error"):
            raise PlaidError(config["force_error"])
        custom_books(config, server.clock.today())
        return config
    if username not in BUILT_IN:
        raise PlaidError("INVALID_CREDENTIALS")
    return None


def new_public_token(server: Server, item: Item) -> str:
    token = identifiers.token("public")
    expires_at = server.clock.stamp(PUBLIC_TOKEN_LIFE)
    server.state.public_tokens[token] = PublicToken(public_token=token, item_id=item.item_id, expires_at=expires_at)
    return token


def reset_login(server: Server, call: Call) -> dict[str, Any]:
    """The item asks for a new sign-in from now on, and says so by webhook."""
    item = server.item(call)
    item.login_required = True
    server.outbox.post(item, "ITEM", "ERROR")
    return {"reset_login": True}


def fire_webhook(server: Server, call: Call) -> dict[str, Any]:
    """Sends one webhook of a documented code; nothing about the item changes."""
    item, code = server.item(call), call["webhook_code"]
    if code not in CODES:
        raise PlaidError("INVALID_FIELD", f"webhook_code must be one of {', '.join(sorted(CODES))}")
    kind = call.body.get("webhook_type") or ("ITEM" if code in ITEM_CODES else "INVESTMENTS_TRANSACTIONS")
    if not (kind == "ITEM" and code in ITEM_CODES) and not (kind in INVESTMENT_TYPES and code == "DEFAULT_UPDATE"):
        raise PlaidError("SANDBOX_PRODUCT_NOT_ENABLED")
    if not item.webhook:
        raise PlaidError("SANDBOX_WEBHOOK_INVALID")
    facts = {"account_id": _first_account(server, item)} if code == "USER_ACCOUNT_REVOKED" else {}
    server.outbox.post(item, kind, code, **facts)
    return {"webhook_fired": True}


def _first_account(server: Server, item: Item) -> str:
    return answers.account_id(item, answers.books(item, server.clock).accounts[0])
