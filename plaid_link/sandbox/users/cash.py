"""Money kept safe: cash with interest, a money-market fund, Treasury bills; and savings that are no investment."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from . import instruments
from .books import Span, account, bank_account
from .life import Customs, Habit, Life, cents
from .records import UserBooks
from .schedule import every_day, falls_on, monthly

INTEREST: Final = Decimal("0.022")
BILL_TERM: Final = timedelta(weeks=26)


def keeper(span: Span) -> UserBooks:
    """`user_cash`."""
    life = Life(Customs(cash_rows_in_currency=True, reinvests=True))
    life.open_with(span.begins_on, cash=9200, SPAXX=18000)
    life.live(every_day(span.begins_on, span.last_session), (_pay_bills, _earn_interest, _sweep, _bills(span)))
    managed = account(
        life,
        span.last_session,
        key="cash-management",
        name="Cash Management (Joint WROS)",
        official_name="Cash Management Account",
        subtype="brokerage",
        mask="3306",
    )
    savings = bank_account(key="savings", name="High Yield Savings", subtype="savings", mask="6612", balance="15230.48")
    return UserBooks(accounts=(managed, savings))


def _pay_bills(life: Life, day: date) -> None:
    if monthly(day, 1):
        life.deposit(day, "4210.55", "DIRECT DEPOSIT PAYROLL")
        life.withdraw(day, 1850, "BILL PAYMENT RENT")
    if monthly(day, 18):
        life.withdraw(day, Decimal(620) + day.month * Decimal("17.35"), "BILL PAYMENT CARD")


def _earn_interest(life: Life, day: date) -> None:
    if monthly(day, 28) and life.cash > 0:
        life.move_cash(day, cents(life.cash * INTEREST / 12), "cash", "interest", "INTEREST EARNED")


def _sweep(life: Life, day: date) -> None:
    """What is above ten thousand goes into the fund; what is missing below two thousand comes out of it."""
    if monthly(day, 22) and life.cash > 10000:
        life.trade(day, "SPAXX", int(life.cash - 8000))
    elif monthly(day, 22) and life.cash < 2000:
        life.trade(day, "SPAXX", -3000)


def _bills(span: Span) -> Habit:
    """A ladder of half-year bills: each is paid back at par and the next is bought."""
    starts = [span.linked_on - timedelta(days=420) + n * BILL_TERM for n in range(60)]

    def roll(life: Life, day: date) -> None:
        for symbol in [held for held in life.units if held.startswith(instruments.BILL)]:
            if day >= instruments.maturity(symbol):
                life.sell_all(day, symbol)
        if any(start <= day <= start + timedelta(days=5) and falls_on(day, start) for start in starts):
            matures_on = day + BILL_TERM
            life.trade(day, f"{instruments.BILL}{matures_on.isoformat()}", 6000)

    return roll
