"""The simulated market as a provider: every symbol is known, and nothing goes over the network."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from django.utils import timezone

from history.providers.base import (
    Actions,
    Answerless,
    DailyPrice,
    Dividend,
    Listing,
    Pair,
    Quote,
    Rate,
    Split,
    register,
)
from portfolio_site.lib import simulated_market as market
from portfolio_site.lib.sessions import market_state

_KINDS: Final = {"equity": "equity", "etf": "etf", "mutual fund": "fund", "money market": "fund"}


@register("simulated")
class SimulatedMarket(Answerless):
    """What the demo runs on: the same market that the local Plaid server prices its holdings with."""

    name = "simulated"
    licence = "Made up by Longview; free to use and pass on."

    def daily_prices(self, symbols: Sequence[str], start: date, end: date) -> Mapping[str, Sequence[DailyPrice]]:
        return {asked: [_price(bar) for bar in market.bars(_name(asked), start, end)] for asked in symbols}

    def corporate_actions(self, symbols: Sequence[str], start: date, end: date) -> Mapping[str, Actions]:
        return {asked: _actions(_name(asked), start, end) for asked in symbols}

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """Prices of this moment while the market is open, the last close otherwise."""
        now = timezone.now()
        traded = {asked: market.last_trade(_name(asked), now) for asked in symbols}
        return {asked: _quote(asked, trade, self.name) for asked, trade in traded.items() if trade}

    def search(self, *, ticker: str = "", cusip: str = "", isin: str = "", name: str = "") -> Sequence[Listing]:
        """Listings of the demo."""
        found = market.search(ticker or cusip or isin or name)
        return [_listing(item) for item in found if item.kind in _KINDS]

    def fx(self, pairs: Sequence[Pair], start: date, end: date) -> Mapping[Pair, Sequence[Rate]]:
        """Rates of the currencies that it knows."""
        found = {pair: [Rate(*row) for row in market.fx_rates(*pair, start, end)] for pair in pairs}
        return {pair: rates for pair, rates in found.items() if rates}


def _name(asked: str) -> str:
    """A symbol is worth the same wherever it is listed."""
    return asked.partition(":")[0]


def _listing(item: market.Listing) -> Listing:
    symbol = item.symbol.replace(".", "-")
    return Listing(symbol, item.name, "", item.currency, _KINDS[item.kind], item.cusip, item.isin)


def _quote(asked: str, trade: market.LastTrade, name: str) -> Quote:
    return Quote(asked, trade.price, trade.at, name, market_state(trade.at), previous_close=trade.previous_close)


def _price(bar: market.Bar) -> DailyPrice:
    return DailyPrice(bar.day, bar.close, bar.open, bar.high, bar.low, volume=Decimal(bar.volume))


def _actions(symbol: str, start: date, end: date) -> Actions:
    return Actions(
        splits=tuple(Split(split.ex_date, split.ratio) for split in market.splits(symbol, start, end)),
        dividends=tuple(Dividend(paid.ex_date, paid.amount) for paid in market.dividends(symbol, start, end)),
    )
