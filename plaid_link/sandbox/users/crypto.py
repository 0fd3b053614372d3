"""A crypto exchange: fractions to eight places, every day of the week, rewards, transfers to one's own wallet."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from . import instruments
from .books import Span, account
from .life import Customs, Habit, Life, cents
from .records import UserBooks
from .schedule import every_day

FEE: Final = Decimal("0.006")
SATOSHI: Final = Decimal("0.00000001")


def holder(span: Span) -> UserBooks:
    """`user_crypto`."""
    life = Life(Customs(cash_rows_in_currency=True, places=SATOSHI))
    life.open_with(span.begins_on, cash=800)
    life.hold(span.begins_on, "BTC", Decimal("0.21530042"))
    life.hold(span.begins_on, "ETH", Decimal("2.75"))
    life.hold(span.begins_on, "DOGE", Decimal(4200))
    life.live(every_day(span.begins_on, span.yesterday), (_save_weekly, _earn_rewards, _around(span)))
    shown = account(
        life,
        span.yesterday,
        key="wallet",
        name="Digital Assets",
        official_name=None,
        subtype="crypto exchange",
        mask="5c2e",
    )
    return UserBooks(accounts=(shown,))


def _save_weekly(life: Life, day: date) -> None:
    """Every Sunday, when stock exchanges are shut."""
    if day.weekday() == 6:
        life.deposit(day, 150, "ACH deposit")
        _buy(life, day, "BTC", 90)
        _buy(life, day, "ETH", 40)
    if day.day == 5:
        _buy(life, day, "SOL", 60)
        _buy(life, day, "ADA", 15)


def _buy(life: Life, day: date, symbol: str, money: int) -> None:
    price = instruments.price_on(symbol, day)[1]
    units = (Decimal(money) / price).quantize(SATOSHI)
    fee = cents(units * price * FEE)
    if life.cash >= money + fee:
        life.trade(day, symbol, units, fees=str(fee))


def _earn_rewards(life: Life, day: date) -> None:
    if day.day == 28:
        units = (life.units["ETH"] * Decimal("0.0025")).quantize(SATOSHI)
        life.units["ETH"] += units
        life.record(day, "cash", "stock distribution", "STAKING REWARD Ethereum", symbol="ETH", quantity=units)


def _around(span: Span) -> Habit:
    sold_on, sent_on, received_on = (span.linked_on - timedelta(days=days) for days in (300, 220, 95))

    def move(life: Life, day: date) -> None:
        if day == sold_on:
            life.trade(day, "DOGE", Decimal(-1500), fees="1.50")
            life.withdraw(day, 120, "ACH withdrawal")
        if day == sent_on:
            life.receive(day, "BTC", Decimal("-0.05"), subtype="send", name="SENT BTC to own wallet")
        if day == received_on:
            life.receive(day, "SOL", Decimal("3.5"), subtype="request", name="RECEIVED SOL")

    return move
