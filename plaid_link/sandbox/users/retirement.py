"""A 401(k) paid into from every pay cheque, in trusts that no market quotes, and a health savings account."""

from datetime import date
from decimal import Decimal
from typing import Final

from .books import Span, account
from .life import Customs, Life
from .records import AccountBooks, UserBooks
from .schedule import every_day, fortnightly, monthly

PAY_DAY: Final = 4  # Friday
EMPLOYEE: Final = (("TRUST:TRT2045", 420), ("TRUST:LGCAP", 130), ("VBTLX", 80))
EMPLOYER: Final = (("TRUST:TRT2045", 260), ("TRUST:STABLE", 55))


def saver(span: Span) -> UserBooks:
    """`user_401k`."""
    return UserBooks(accounts=(_plan(span), _health(span)))


def _plan(span: Span) -> AccountBooks:
    life = Life(Customs(reinvests=True, swept=False, places=Decimal("0.0001")))
    life.hold(span.begins_on, "TRUST:TRT2045", Decimal("512.4407"))
    life.hold(span.begins_on, "TRUST:LGCAP", Decimal("61.0220"))
    life.hold(span.begins_on, "VBTLX", Decimal("488.1300"))

    def contribute(life: Life, day: date) -> None:
        if fortnightly(day, PAY_DAY):
            for symbol, money in (*EMPLOYEE, *EMPLOYER):
                life.spend(day, symbol, money, subtype="contribution")

    def pay_fees(life: Life, day: date) -> None:
        if day.month in (3, 6, 9, 12) and monthly(day, 28):
            sale = life.trade(day, "TRUST:TRT2045", Decimal("-0.3500"))
            life.charge(day, -sale.amount, "management fee", "RECORDKEEPING FEE")

    life.live(every_day(span.begins_on, span.last_session), (contribute, pay_fees))
    return account(
        life,
        span.last_session,
        key="401k",
        name="Northwind 401(k) Savings Plan",
        official_name="Northwind Traders, Inc. 401(k) Savings and Investment Plan",
        subtype="401k",
        mask="7061",
    )


def _health(span: Span) -> AccountBooks:
    life = Life(Customs(cash_rows_in_currency=True, reinvests=True))
    life.open_with(span.begins_on, cash=1000, FXAIX=9)

    def contribute(life: Life, day: date) -> None:
        if fortnightly(day, PAY_DAY):
            life.move_cash(day, "155.76", "cash", "contribution", "PAYROLL CONTRIBUTION")
        if life.cash > 2000 and monthly(day, 20):
            life.spend(day, "FXAIX", 900)

    def pay_doctor(life: Life, day: date) -> None:
        if day.month % 4 == 1 and monthly(day, 9):
            life.withdraw(day, "184.20", "QUALIFIED MEDICAL DISTRIBUTION")

    life.live(every_day(span.begins_on, span.last_session), (contribute, pay_doctor))
    return account(life, span.last_session, key="hsa", name="Health Savings Account", subtype="hsa", mask="2270")
