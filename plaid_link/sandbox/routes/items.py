"""/item/* and /accounts/*"""

from typing import Any

from .. import answers, identifiers
from ..server import Call, Server
from ..state import Item
from ..users import BUILT_IN


def exchange(server: Server, call: Call) -> dict[str, Any]:
    """A public token, once, for an access token. The item's history is announced by webhook."""
    item = server.state.item_of_public_token(call["public_token"], server.clock.now())
    server.state.public_tokens[call["public_token"]].exchanged = True
    if item.access_token is None:
        item.access_token = identifiers.token("access")
        item.login_required = item.username in BUILT_IN and BUILT_IN[item.username].fails_after_link
        _announce(server, item)
    return {"access_token": item.access_token, "item_id": item.item_id}


def _announce(server: Server, item: Item) -> None:
    if item.login_required:
        server.outbox.post(item, "ITEM", "ERROR")
        return
    if "investments" not in item.products:
        return
    accounts = answers.books(item, server.clock).accounts
    entries, positions = (sum(len(rows) for rows in lists) for lists in _rows(accounts))
    if not positions and not entries:
        return
    server.outbox.post(item, "INVESTMENTS_TRANSACTIONS", "HISTORICAL_UPDATE", new_investments_transactions=entries)
    server.outbox.post(item, "HOLDINGS", "DEFAULT_UPDATE", new_holdings=positions)


def _rows(accounts: tuple[Any, ...]) -> tuple[list[Any], list[Any]]:
    return [account.entries for account in accounts], [account.positions for account in accounts]


def get(server: Server, call: Call) -> dict[str, Any]:
    item = server.item(call)
    updated = {"last_successful_update": server.clock.stamp(), "last_failed_update": None}
    return {
        "item": {**answers.item_object(item), "created_at": item.created_at},
        "status": {"investments": updated, "last_webhook": item.last_webhook},
    }


def remove(server: Server, call: Call) -> dict[str, Any]:
    """Removes the item; its access token answers ITEM_NOT_FOUND from then on."""
    server.item(call).removed = True
    return {}


def update_webhook(server: Server, call: Call) -> dict[str, Any]:
    item = server.item(call)
    item.webhook = call.body.get("webhook")
    server.outbox.post(item, "ITEM", "WEBHOOK_UPDATE_ACKNOWLEDGED", new_webhook_url=item.webhook)
    return {"item": answers.item_object(item)}


def invalidate_token(server: Server, call: Call) -> dict[str, Any]:
    """A new access token; the old one is unknown at once."""
    item = server.item(call)
    item.access_token = identifiers.token("access")
    return {"new_access_token": item.access_token}


def accounts(server: Server, call: Call) -> dict[str, Any]:
    """Accounts as last seen, also while the user must sign in again."""
    return _accounts(server, call, server.item(call))


def balances(server: Server, call: Call) -> dict[str, Any]:
    """Accounts with balances asked of the institution now."""
    return _accounts(server, call, server.working_item(call))


def _accounts(server: Server, call: Call, item: Item) -> dict[str, Any]:
    chosen = answers.chosen(item, answers.books(item, server.clock), call.options.get("account_ids"))
    return {
        "accounts": [answers.account_object(item, account, with_margin=False) for account in chosen],
        "item": answers.item_object(item),
    }
