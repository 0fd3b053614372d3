"""One login with every kind of account: what the demo shows."""

from . import cash, plain, retirement, trader
from .books import Span
from .records import UserBooks


def everything(span: Span) -> UserBooks:
    """`user_complete`: two trading accounts, an IRA, a 401(k) and cash, as one institution may hold them."""
    parts = (trader.active(span), plain.good(span), retirement.saver(span), cash.keeper(span))
    wanted = {"401k", "cash-management", "ira", *(account.key for account in parts[0].accounts)}
    return UserBooks(
        accounts=tuple(account for part in parts for account in part.accounts if account.key in wanted),
        securities={key: fields for part in parts for key, fields in part.securities.items()},
    )
