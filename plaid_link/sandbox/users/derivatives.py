"""Options: calls that expire worthless, one that is open, and puts sold for their premium. Quantities are contracts."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Literal

from portfolio_site.lib import simulated_market as market
from portfolio_site.lib.simulated_market import OptionTerms

from . import instruments
from .books import Span
from .life import Habit, Life
from .schedule import expiry_after, falls_on

Side = Literal["call", "put"]

PER_CONTRACT: Final = Decimal("0.65")
FAR_OUT: Final = Decimal("1.30")


def speculate_on_calls(span: Span, underlying: str) -> Habit:
    """Two calls far out of the money, five times; each is left to expire."""
    bought_on = [span.linked_on - timedelta(days=days) for days in (640, 520, 400, 280, 160)]

    def speculate(life: Life, day: date) -> None:
        _settle(life, day, underlying)
        if any(falls_on(day, nominal) for nominal in bought_on):
            terms = _contract(underlying, day, days=50, side="call", moneyness=FAR_OUT)
            life.trade(day, market.option_symbol(terms), 2, fees=str(2 * PER_CONTRACT))

    return speculate


def buy_open_call(span: Span, underlying: str) -> Habit:
    """Three calls with most of a year to run."""

    def buy(life: Life, day: date) -> None:
        if falls_on(day, span.linked_on - timedelta(days=45)):
            terms = _contract(underlying, day, days=300, side="call", moneyness=Decimal("1.05"))
            life.trade(day, market.option_symbol(terms), 3, fees=str(3 * PER_CONTRACT))

    return buy


def sell_puts(span: Span, underlying: str) -> Habit:
    """One put sold short, three times; the last is open at the time of the link."""
    sold_on = [span.linked_on - timedelta(days=days) for days in (450, 250, 20)]

    def sell(life: Life, day: date) -> None:
        _settle(life, day, underlying)
        if any(falls_on(day, nominal) for nominal in sold_on):
            terms = _contract(underlying, day, days=60, side="put", moneyness=Decimal("0.80"))
            life.trade(day, market.option_symbol(terms), -1, subtype="sell short", fees=str(PER_CONTRACT))

    return sell


def _contract(underlying: str, day: date, *, days: int, side: Side, moneyness: Decimal) -> OptionTerms:
    """The monthly contract at least `days` ahead, its strike a multiple of five."""
    spot = instruments.price_on(underlying, day)[1]
    strike = (spot * moneyness / 5).quantize(Decimal(1)) * 5
    return OptionTerms(underlying, expiry_after(day + timedelta(days=days)), side, strike)


def _settle(life: Life, day: date, underlying: str) -> None:
    """On expiry: worthless contracts expire; others are closed at what they are worth."""
    for symbol in list(life.units):
        terms = market.option_terms(symbol)
        if terms is None or terms.underlying != underlying or terms.expires_on != day:
            continue
        if instruments.price_on(symbol, day)[1] <= Decimal("0.01"):
            life.expire(day, symbol)
        else:
            closing = "" if life.units[symbol] > 0 else "buy to cover"
            life.trade(day, symbol, -life.units[symbol], subtype=closing)
