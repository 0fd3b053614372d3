"""/link/token/*, and what the Link page does in the browser's name."""

import secrets
from datetime import datetime, timedelta
from typing import Any, Final

from .. import answers, identifiers
from ..errors import PlaidError
from ..institutions import INSTITUTIONS
from ..server import Call, Server
from ..state import Item, LinkToken
from ..users.records import AccountBooks
from .sandbox import new_item, new_public_token

LIFE: Final = timedelta(hours=4)
REPAIR_LIFE: Final = timedelta(minutes=30)


def create_token(server: Server, call: Call) -> dict[str, Any]:
    """A token to open Link with; with an `access_token` it repairs that item (update mode)."""
    if not (call.body.get("user") or {}).get("client_user_id") and not call.body.get("user_id"):
        raise PlaidError("MISSING_FIELDS", "user.client_user_id")
    repaired = call.body.get("access_token")
    item = server.state.item_of(repaired) if repaired else None
    if item is None and not call.body.get("products"):
        raise PlaidError("MISSING_FIELDS", "products")
    token = LinkToken(
        link_token=identifiers.token("link"),
        request={
            name: value for name, value in call.body.items() if name not in ("client_id", "secret", "access_token")
        },
        created_at=server.clock.stamp(),
        expires_at=server.clock.stamp(REPAIR_LIFE if item else LIFE),
        item_id=item.item_id if item else None,
    )
    server.state.link_tokens[token.link_token] = token
    return {"link_token": token.link_token, "expiration": token.expires_at}


def get_token(server: Server, call: Call) -> dict[str, Any]:
    token = server.state.link_token_of(call["link_token"])
    request = token.request
    return {
        "link_token": token.link_token,
        "created_at": token.created_at,
        "expiration": token.expires_at,
        "link_sessions": token.sessions,
        "metadata": {
            "initial_products": request.get("products") or [],
            "webhook": request.get("webhook"),
            "country_codes": request["country_codes"],
            "language": request["language"],
            "redirect_uri": request.get("redirect_uri"),
            "client_name": request["client_name"],
        },
    }


def usable(server: Server, link_token: str) -> LinkToken:
    """A token that Link may be opened with. Raises PlaidError."""
    token = server.state.link_token_of(link_token)
    if datetime.fromisoformat(token.expires_at) <= server.clock.now():
        raise PlaidError("INVALID_LINK_TOKEN")
    return token


def complete(server: Server, call: Call) -> dict[str, Any]:
    """The user is through with Link: a public token, and the metadata that `onSuccess` gets."""
    token = usable(server, call["link_token"])
    item = _repaired(server, token) if token.item_id else _linked(server, token, call)
    public_token = new_public_token(server, item)
    metadata = _metadata(server, item)
    token.sessions.append(_session(server, public_token, metadata))
    return {"public_token": public_token, "metadata": metadata}


def _linked(server: Server, token: LinkToken, call: Call) -> Item:
    return new_item(
        server,
        institution_id=call["institution_id"],
        products=token.request["products"],
        webhook=token.request.get("webhook"),
        username=call["username"],
        password=call.body.get("password") or "",
    )


def _repaired(server: Server, token: LinkToken) -> Item:
    item = server.state.items[token.item_id or ""]
    item.login_required, item.repaired = False, True
    server.outbox.post(item, "ITEM", "LOGIN_REPAIRED")
    return item


def _metadata(server: Server, item: Item) -> dict[str, Any]:
    accounts = answers.books(item, server.clock).accounts
    return {
        "institution": {
            "institution_id": item.institution_id,
            "name": INSTITUTIONS[item.institution_id].name,
        },
        "accounts": [_selected(item, account) for account in accounts],
        "link_session_id": secrets.token_hex(16),
    }


def _selected(item: Item, account: AccountBooks) -> dict[str, Any]:
    return {
        "id": answers.account_id(item, account),
        "name": account.name,
        "mask": account.mask,
        "type": account.type,
        "subtype": account.subtype,
        "verification_status": None,
        "class_type": None,
    }


def _session(server: Server, public_token: str, metadata: dict[str, Any]) -> dict[str, Any]:
    added = {key: metadata[key] for key in ("accounts", "institution")}
    return {
        "link_session_id": metadata["link_session_id"],
        "started_at": server.clock.stamp(),
        "finished_at": server.clock.stamp(),
        "on_success": {"public_token": public_token, "metadata": metadata},
        "results": {
            "item_add_results": [{"public_token": public_token, **added}],
            "cra_item_add_results": [],
            "cra_update_results": [],
            "bank_income_results": [],
            "payroll_income_results": [],
            "document_income_results": None,
        },
    }
