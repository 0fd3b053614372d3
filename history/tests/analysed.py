"""A rebuilt history with three kinds of paper, trades, a deposit, income and a fee: what analytics are tested on."""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from history.market.price_files import load_prices
from history.models import FxRate
from history.reconstruction.rebuild import rebuild_accounts
from history.tests.ledgers import CASH, book, evening, holding, row, stock
from investments.models import Account, Security

TODAY = date(2026, 11, 20)
AAPL = stock("AAPL", sector="Technology", industry="Hardware")
XOM = stock("XOM", sector="Energy", industry="Oil")
BND = stock("BND", type="etf", name="Total Bond Market")


@dataclass(frozen=True, slots=True)
class Analysed:
    owner: Any
    brokerage: Account
    ira: Account

    @property
    def ids(self) -> list[int]:
        return [self.brokerage.pk, self.ira.pk]


def close(ticker: str, day: date) -> float:
    """Wavy, each at its own pace, so that nothing is still and no two move alike."""
    number = day.toordinal() - TODAY.toordinal()
    start, drift, height, pace = {
        "AAPL": (200, 0.0006, 0.08, 9.0), "XOM": (100, 0.0002, 0.05, 23.0), "BND": (70, 0.0001, 0.01, 5.0),
        "SPY": (600, 0.0004, 0.06, 11.0),
    }[ticker]  # fmt: skip
    return round(start * math.exp(drift * number) * (1 + height * math.sin(number / pace)), 2)


def write_prices(days: int = 760) -> None:
    told = [TODAY - timedelta(days=number) for number in range(days)]
    rows = [
        f"{ticker},{day},{close(ticker, day)}"
        for ticker in ("AAPL", "XOM", "BND", "SPY")
        for day in told
        if day.weekday() < 5
    ]
    load_prices("\n".join(["symbol,date,close", *rows]).splitlines(keepends=True))


def make_analysed(owner: Any, **ira: Any) -> Analysed:
    """A brokerage account that trades, and an IRA that holds; both rebuilt up to TODAY."""
    write_prices()
    bought, sold = date(2025, 6, 2), date(2026, 3, 2)
    price, later = close("AAPL", bought), close("XOM", sold)
    brokerage = book(
        owner,
        "Brokerage",
        securities=[AAPL, XOM],
        holdings=[
            holding(AAPL, 50, close("AAPL", TODAY), as_of=TODAY),
            holding(XOM, 10, close("XOM", TODAY), as_of=TODAY),
            holding(CASH, 5000),
        ],
        transactions=[
            row("cash/deposit", date(2025, 6, 1), -10_000, CASH, -10_000),
            row("buy/buy", bought, round(price * 20 + 5, 2), AAPL, 20, fees=Decimal(5)),
            row("sell/sell", sold, round(-later * 15, 2), XOM, -15),
            row("cash/dividend", date(2026, 5, 4), "-31.50", AAPL),
            row("cash/interest", date(2026, 6, 30), "-12.25"),
            row("fee/account fee", date(2026, 9, 1), 20),
        ],
        on=TODAY,
    )
    kept = book(
        owner, "IRA", securities=[BND], holdings=[holding(BND, 100, close("BND", TODAY), as_of=TODAY)], on=TODAY, **ira
    )
    found = Analysed(owner, brokerage, kept)
    done = rebuild_accounts(account_ids=found.ids, now=evening(TODAY))
    assert not done.failed
    return found


def security(ticker: str) -> Security:
    return Security.objects.get(ticker_symbol=ticker)


def write_rates() -> None:
    """A euro from 1.10 dollars on, up by a tenth of a cent a month."""
    for months in range(26):
        day = TODAY - timedelta(days=30 * months)
        FxRate.objects.create(
            base="EUR", quote="USD", day=day, rate=Decimal("1.1") - Decimal(months) / 1000, source="t"
        )
