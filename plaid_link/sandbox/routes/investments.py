"""/investments/*"""

from datetime import date, datetime, timedelta
from typing import Any, Final

from portfolio_site.lib import sessions

from .. import answers, identifiers
from ..errors import PlaidError
from ..server import Call, Server
from ..state import Item
from ..users.records import AccountBooks, UserBooks

MOST: Final = 500
DEFAULT: Final = 100


def holdings(server: Server, call: Call) -> dict[str, Any]:
    """Everything held now, at the last session's closes."""
    item, shown, chosen = _asked(server, call)
    held = [] if call.hit_by("empty_holdings") else _held(chosen)
    return {
        "accounts": [answers.account_object(item, account, with_margin=True) for account in chosen],
        "holdings": [answers.holding_object(item, account, position, shown) for account, position in held],
        "securities": answers.security_objects(shown, (position.symbol for _, position in held), _priced_on(server)),
        "item": answers.item_object(item),
        "is_investments_fallback_item": False,
    }


def _held(chosen: tuple[AccountBooks, ...]) -> list[tuple[AccountBooks, Any]]:
    return [(account, position) for account in chosen for position in account.positions]


def transactions(server: Server, call: Call) -> dict[str, Any]:
    """One page of the journal, newest first, with the total of all pages."""
    _extract(server, call, server.working_item(call))
    item, shown, chosen = _asked(server, call)
    start, end = _date(call, "start_date"), _date(call, "end_date")
    if end < start:
        raise PlaidError("INVALID_FIELD", "end_date must not be before start_date")
    count, offset = _whole(call, "count", DEFAULT, 1, MOST), _whole(call, "offset", 0, 0, 10**9)
    entries = answers.entries_between(chosen, start, end, server.clock.today())
    slipped_in = _slipped_in(server, item, chosen)
    first = max(offset - len(slipped_in), 0)
    told = entries[first : max(offset + count - len(slipped_in), 0)]
    rows = [answers.transaction_object(item, account, entry, shown) for account, entry in told]
    if call.hit_by("shift"):
        server.slipped_in[item.item_id] += 1
    return {
        "accounts": [answers.account_object(item, account, with_margin=True) for account in chosen],
        "investment_transactions": slipped_in[offset : offset + count] + rows,
        "securities": answers.security_objects(
            shown, filter(None, (row.symbol for _, row in told)), _priced_on(server)
        ),
        "total_investment_transactions": len(slipped_in) + len(entries),
        "item": answers.item_object(item),
        "is_investments_fallback_item": False,
    }


def refresh(server: Server, call: Call) -> dict[str, Any]:
    """Asks the institution anew; the outcome is told by webhook."""
    item = server.working_item(call)
    _extract(server, call, item)
    server.outbox.post(item, "HOLDINGS", "DEFAULT_UPDATE")
    server.outbox.post(item, "INVESTMENTS_TRANSACTIONS", "DEFAULT_UPDATE")
    return {}


def _extract(server: Server, call: Call, item: Item) -> None:
    """Investments of a login that was linked without them are read when they are first asked for.

    With `async_update` that takes until HISTORICAL_UPDATE is sent; until then it raises PRODUCT_NOT_READY.
    """
    if "investments" in item.products:
        return
    if item.ready_at is None and call.options.get("async_update"):
        item.ready_at = (server.clock.now() + timedelta(seconds=server.options.webhook_delay)).isoformat()
        server.outbox.post(item, "INVESTMENTS_TRANSACTIONS", "HISTORICAL_UPDATE")
    if item.ready_at and server.clock.now() < datetime.fromisoformat(item.ready_at):
        server.state.save()
        raise PlaidError("PRODUCT_NOT_READY")
    item.products = [*item.products, "investments"]
    server.state.save()


def _asked(server: Server, call: Call) -> tuple[Item, UserBooks, tuple[AccountBooks, ...]]:
    """The item, its books and the accounts asked for. Raises PlaidError where there is nothing to invest in."""
    item = server.working_item(call)
    shown = answers.books(item, server.clock)
    if not any(account.type == "investment" for account in shown.accounts):
        raise PlaidError("NO_INVESTMENT_ACCOUNTS")
    return item, shown, answers.chosen(item, shown, call.options.get("account_ids"))


def _priced_on(server: Server) -> date:
    return sessions.last_closed_session(server.clock.now())


def _date(call: Call, name: str) -> date:
    try:
        return date.fromisoformat(call[name])
    except (TypeError, ValueError) as error:
        raise PlaidError("INVALID_FIELD", f"{name} must be a valid date in the format YYYY-MM-DD") from error


def _whole(call: Call, name: str, default: int, least: int, most: int) -> int:
    value = call.options.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise PlaidError("INVALID_FIELD", f"{name} must be an integer between {least} and {most}")
    return value


def _slipped_in(server: Server, item: Item, chosen: tuple[AccountBooks, ...]) -> list[dict[str, Any]]:
    """Rows of no amount that appeared since the first page, by the fault `shift`."""
    if not chosen:
        return []
    return [
        {
            "investment_transaction_id": identifiers.named(item.item_id, "slipped in", number),
            "account_id": answers.account_id(item, chosen[0]),
            "security_id": None,
            "date": server.clock.today().isoformat(),
            "name": "MEMO",
            "quantity": 0,
            "amount": 0,
            "price": 0,
            "fees": 0,
            "type": "cash",
            "subtype": "interest",
            "iso_currency_code": "USD",
            "unofficial_currency_code": None,
        }
        for number in reversed(range(server.slipped_in[item.item_id]))
    ]
