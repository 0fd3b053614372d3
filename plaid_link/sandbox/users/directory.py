"""Built-in users by name."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from . import cash, complete, crypto, family, plain, retirement, trader
from .books import Span
from .records import UserBooks


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """One user: what the Link page says of it, and how its accounts are made."""

    username: str
    title: str
    description: str
    build: Callable[[Span], UserBooks]
    fails_after_link: bool = False  # investments ask for a new sign-in until the item is repaired


BUILT_IN: Final[dict[str, BuiltIn]] = {
    user.username: user
    for user in (
        BuiltIn("user_good", "Everyday saver", "Brokerage and IRA, monthly deposits, dividends", plain.good),
        BuiltIn("user_401k", "401(k) saver", "Two years of pay-cheque contributions, an HSA", retirement.saver),
        BuiltIn("user_trader", "Active trader", "Splits, options, a short, margin, hundreds of trades", trader.active),
        BuiltIn("user_crypto", "Crypto holder", "Coins to eight places, rewards, transfers", crypto.holder),
        BuiltIn("user_cash", "Cash and bills", "Money market, Treasury bills, interest", cash.keeper),
        BuiltIn("user_complete", "Everything", "Trading, IRA, 401(k) and cash at one institution", complete.everything),
        BuiltIn("user_family", "Household", "Six accounts that hold the same funds", family.household),
        BuiltIn("user_errors", "Broken login", "Asks to sign in again after the link", plain.errors, True),
        BuiltIn("user_bank", "Bank only", "A checking account and no investments", plain.bank_only),
    )
}


@lru_cache(maxsize=64)
def books_of(username: str, linked_on: date, last_session: date, yesterday: date) -> UserBooks:
    """A built-in user's books. `linked_on` fixes the life; the other two say how far it has been lived. KeyError."""
    return BUILT_IN[username].build(Span(linked_on, last_session, yesterday))
