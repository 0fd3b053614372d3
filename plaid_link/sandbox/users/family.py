"""A household: one security in many accounts, at an institution with habits of its own.

It shows sales without their sign and, in the trust, cost basis per share.
"""

from datetime import date, timedelta
from typing import Final

from .books import Span, account
from .life import Customs, Habit, Life
from .records import AccountBooks, UserBooks
from .schedule import every_day, falls_on, monthly

# key, name, subtype, mask, shares at the beginning, savings a month, is the basis shown per share
ACCOUNTS: Final = (
    ("joint", "Joint Brokerage", "brokerage", "1001", {"VTI": 210, "VXUS": 400, "BND": 260}, 900, False),
    ("roth", "Roth IRA", "roth", "1002", {"VTI": 64, "VNQ": 40}, 580, False),
    ("rollover", "Rollover IRA", "ira", "1003", {"VTI": 330, "BND": 510}, 0, False),
    ("utma", "UTMA for Nora", "utma", "1004", {"VTI": 12}, 75, False),
    ("529", "College Savings 529", "529", "1005", {"VTI": 45, "AGG": 30}, 250, False),
    ("trust", "Revocable Living Trust", "trust", "1006", {"VTI": 150, "JNJ": 120, "PG": 90}, 0, True),
)


def household(span: Span) -> UserBooks:
    """`user_family`."""
    return UserBooks(accounts=tuple(_account(span, *row) for row in ACCOUNTS))


def _account(
    span: Span,
    key: str,
    name: str,
    subtype: str,
    mask: str,
    held: dict[str, int],
    savings: int,
    basis_per_share: bool,
) -> AccountBooks:
    life = Life(Customs(positive_sales=True, reinvests=subtype in ("roth", "utma")))
    life.open_with(span.begins_on, cash=500, **held)
    sells = key in ("joint", "rollover")
    habits = (_saving(savings), _trimming(span) if sells else _leave)
    life.live(every_day(span.begins_on, span.last_session), habits)
    return account(
        life,
        span.last_session,
        key=key,
        name=name,
        subtype=subtype,
        mask=mask,
        basis_per_share=basis_per_share,
    )


def _saving(money: int) -> Habit:
    def save(life: Life, day: date) -> None:
        if money and monthly(day, 8):
            life.deposit(day, money)
            life.spend(day, "VTI", money)

    return save


def _trimming(span: Span) -> Habit:
    """Twice: a few shares sold, the money taken out."""

    def trim(life: Life, day: date) -> None:
        for days in (500, 140):
            if falls_on(day, span.linked_on - timedelta(days=days)):
                sale = life.trade(day, "VTI", -8)
                life.withdraw(day, -sale.amount)

    return trim


def _leave(life: Life, day: date) -> None:
    """Does nothing."""
