"""An active trader: hundreds of trades, splits told and untold, options, a short position, margin, transfers in kind.

The first account books splits as transactions; the second, at the same institution, lets units change overnight.
"""

import hashlib
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from portfolio_site.lib import simulated_market as market

from . import instruments
from .books import Span, account
from .derivatives import buy_open_call, sell_puts, speculate_on_calls
from .life import Customs, Habit, Life, cents
from .records import AccountBooks, Entry, UserBooks
from .schedule import every_day, falls_on, monthly

SWINGS: Final = ("AMD", "META", "INTC", "CRM", "PLTR", "BAC", "DIS", "BA", "F", "UNH", "XOM", "PFE", "WMT", "T")
DEALING_DAYS: Final = (0, 1, 3)  # Monday, Tuesday, Thursday to buy; Friday to sell
SELLING_DAY: Final = 4
COMMISSION: Final = "1.00"
MARGIN_RATE: Final = Decimal("0.082")
LIMIT: Final = Decimal(-14000)  # how far the margin account borrows for swings


def active(span: Span) -> UserBooks:
    """`user_trader`."""
    return UserBooks(accounts=(_cash_account(span), _margin_account(span)))


def splitting_in(span: Span) -> tuple[list[str], list[str]]:
    """Symbols that split within the 24 months before the link: forward, and reverse."""
    window = span.linked_on - timedelta(days=700), span.linked_on - timedelta(days=1)
    splits = {symbol: market.splits(symbol, *window) for symbol, item in market.UNIVERSE.items() if item.split}
    found = {symbol: first[0].ratio for symbol, first in splits.items() if first}
    return [name for name, ratio in found.items() if ratio > 1], [name for name, ratio in found.items() if ratio < 1]


def _cash_account(span: Span) -> AccountBooks:
    forward, reverse = splitting_in(span)
    life = Life(Customs(books_splits=True, cash_rows_in_currency=True))
    life.open_with(span.begins_on, cash=12000, MSFT=40, KO=80)
    for symbol in forward[:2]:
        life.hold(span.begins_on, symbol, Decimal(24))
    for symbol in reverse[:1]:
        life.hold(span.begins_on, symbol, Decimal(1600))
    if market.close_on("ORNV", span.begins_on):
        life.hold(span.begins_on, "ORNV", Decimal(150))
    habits = (
        _swing("cash", floor=Decimal(1500)),
        speculate_on_calls(span, "MSFT"),
        buy_open_call(span, "MSFT"),
        _transfer_in_kind(span),
        _cancel_an_order(span),
        _fund(400),
    )
    life.live(every_day(span.begins_on, span.last_session), habits)
    return account(
        life,
        span.last_session,
        key="cash",
        name="Individual TOD",
        official_name="Individual - Transfer on Death",
        subtype="brokerage",
        mask="7742",
    )


def _margin_account(span: Span) -> AccountBooks:
    forward, reverse = splitting_in(span)
    life = Life(Customs(reinvests=True))
    life.open_with(span.begins_on, cash=9000, JPM=60, SPY=20, SCHD=200)
    for symbol in (*forward[:2], *reverse[:1]):
        life.hold(span.begins_on, symbol, Decimal(12 if symbol in forward else 800))
    habits = (
        _swing("margin", floor=LIMIT),
        _short(span, "GME"),
        sell_puts(span, "JPM"),
        _borrow(span),
        _pay_margin_interest,
        _fund(150),
    )
    life.live(every_day(span.begins_on, span.last_session), habits)
    return account(
        life,
        span.last_session,
        key="margin",
        name="Margin Brokerage",
        official_name="Individual Margin Account",
        subtype="brokerage",
        mask="7743",
        margin=True,
    )


def _draw(*parts: object) -> int:
    """A number that the parts decide."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:6], "big")


def _swing(name: str, *, floor: Decimal) -> Habit:
    """Small positions opened early in a week; every Friday the two oldest are closed."""
    queue: list[str] = []

    def swing(life: Life, day: date) -> None:
        if not falls_on(day, day):
            return
        if day.weekday() in DEALING_DAYS:
            symbol = SWINGS[_draw(name, day) % len(SWINGS)]
            price = instruments.price_on(symbol, day)[1]
            units = int((700 + _draw(day, name) % 1400) / price)
            if units and symbol not in queue and life.cash - units * price > floor:
                life.trade(day, symbol, units, fees=COMMISSION)
                queue.append(symbol)
        if day.weekday() == SELLING_DAY:
            for symbol in queue[:2]:
                life.trade(day, symbol, -life.units[symbol], fees=COMMISSION)
            del queue[:2]

    return swing


def _fund(money: int) -> Habit:
    def fund(life: Life, day: date) -> None:
        if monthly(day, 2):
            life.deposit(day, money, "ACH DEPOSIT")

    return fund


def _transfer_in_kind(span: Span) -> Habit:
    """Shares moved here from another broker with unknown cost, and some given away later; a fee for each."""
    arrives_on, leaves_on = span.linked_on - timedelta(days=380), span.linked_on - timedelta(days=75)

    def transfer(life: Life, day: date) -> None:
        if falls_on(day, arrives_on):
            life.receive(day, "CVX", 40, name="TRANSFERRED FROM ANOTHER BROKER Chevron Corporation")
            life.charge(day, "25.00", "transfer fee", "ACCOUNT TRANSFER FEE")
        if falls_on(day, leaves_on):
            life.receive(day, "CVX", -10, subtype="send", name="GIFT OF SECURITIES Chevron Corporation")

    return transfer


def _cancel_an_order(span: Span) -> Habit:
    """A mistaken buy, taken back by the broker on the next session."""
    ordered_on = span.linked_on - timedelta(days=120)
    orders: list[Entry] = []

    def cancel(life: Life, day: date) -> None:
        if orders and falls_on(day, day):
            life.cancel(day, orders.pop())
        if falls_on(day, ordered_on):
            orders.append(life.trade(day, "PEP", 9))

    return cancel


def _short(span: Span, symbol: str) -> Habit:
    """A hundred sold short, half of it bought back; the rest is still short."""
    sold_on, covered_on = span.linked_on - timedelta(days=530), span.linked_on - timedelta(days=330)

    def short(life: Life, day: date) -> None:
        if falls_on(day, sold_on):
            life.trade(day, symbol, -100, subtype="sell short", fees=COMMISSION)
        if falls_on(day, covered_on):
            life.trade(day, symbol, 50, subtype="buy to cover", fees=COMMISSION)

    return short


def _borrow(span: Span) -> Habit:
    """One purchase larger than the cash there is: the account is on margin from then on."""
    bought_on = span.linked_on - timedelta(days=590)

    def borrow(life: Life, day: date) -> None:
        if falls_on(day, bought_on):
            life.spend(day, "QQQ", life.cash + 8000)

    return borrow


def _pay_margin_interest(life: Life, day: date) -> None:
    if monthly(day, 27) and life.cash < 0:
        life.charge(day, cents(-life.cash * MARGIN_RATE / 12), "margin expense", "MARGIN INTEREST")
