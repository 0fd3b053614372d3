"""The simulated market as a provider: every symbol is known, and nothing goes over the network."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from history.providers.base import Actions, DailyPrice, Dividend, Split, register
from portfolio_site.lib import simulated_market as market


@register("simulated")
class SimulatedMarket:
    """What the demo runs on: the same market that the local Plaid server prices its holdings with."""

    name = "simulated"

    def daily_prices(self, symbols: Sequence[str], start: date, end: date) -> Mapping[str, Sequence[DailyPrice]]:
        return {symbol: [_price(bar) for bar in market.bars(symbol, start, end)] for symbol in symbols}

    def corporate_actions(self, symbols: Sequence[str], start: date, end: date) -> Mapping[str, Actions]:
        return {symbol: _actions(symbol, start, end) for symbol in symbols}


def _price(bar: market.Bar) -> DailyPrice:
    return DailyPrice(bar.day, bar.close, bar.open, bar.high, bar.low, volume=Decimal(bar.volume))


def _actions(symbol: str, start: date, end: date) -> Actions:
    return Actions(
        splits=tuple(Split(split.ex_date, split.ratio) for split in market.splits(symbol, start, end)),
        dividends=tuple(Dividend(paid.ex_date, paid.amount) for paid in market.dividends(symbol, start, end)),
    )
