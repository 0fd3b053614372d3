"""Somebody who saves every month: a brokerage account and an IRA, with a checking account beside them."""

from datetime import date, timedelta

from .books import Span, account, bank_account
from .life import Customs, Life
from .records import AccountBooks, UserBooks
from .schedule import every_day, falls_on, monthly


def good(span: Span) -> UserBooks:
    """`user_good`."""
    checking = bank_account(
        key="checking", name="Everyday Checking", subtype="checking", mask="8801", balance="4312.77"
    )
    return UserBooks(accounts=(_brokerage(span), _ira(span), checking))


def errors(span: Span) -> UserBooks:
    """`user_errors`: the same kind of account behind a login that has stopped working."""
    return UserBooks(accounts=(_brokerage(span),))


def bank_only(span: Span) -> UserBooks:
    """`user_bank`: no investment account at all."""
    checking = bank_account(key="checking", name="Free Checking", subtype="checking", mask="1190", balance="902.16")
    return UserBooks(accounts=(checking,))


def _brokerage(span: Span) -> AccountBooks:
    life = Life(Customs(cash_rows_in_currency=True))
    life.open_with(span.begins_on, cash=2400, VTI=85, MSFT=22, JPM=30, KO=60, BND=120)

    def save(life: Life, day: date) -> None:
        if monthly(day, 3):
            life.deposit(day, 1200)
            life.spend(day, "VTI", 600)
            life.spend(day, "SCHD", 350)
            life.spend(day, "BND", 200)

    def rebalance(life: Life, day: date) -> None:
        if falls_on(day, span.linked_on - timedelta(days=410)):
            life.trade(day, "KO", -25)
            life.trade(day, "COST", 1)
        if falls_on(day, span.linked_on - timedelta(days=160)):
            life.withdraw(day, 1500)

    life.live(every_day(span.begins_on, span.last_session), (save, rebalance))
    return account(
        life,
        span.last_session,
        key="brokerage",
        name="Individual Brokerage",
        official_name="Individual - Transfer on Death",
        subtype="brokerage",
        mask="4417",
    )


def _ira(span: Span) -> AccountBooks:
    life = Life(Customs(reinvests=True))
    life.open_with(span.begins_on, cash=310, VTSAX=140, VBTLX=900)

    def contribute(life: Life, day: date) -> None:
        if monthly(day, 15):
            life.move_cash(day, 500, "cash", "contribution", "IRA contribution, current year")
            life.spend(day, "VTSAX", 360)
            life.spend(day, "VBTLX", 140)

    life.live(every_day(span.begins_on, span.last_session), (contribute,))
    return account(
        life, span.last_session, key="ira", name="Traditional IRA", official_name=None, subtype="ira", mask="0932"
    )
