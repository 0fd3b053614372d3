"""The price table itself as a provider: for installations whose prices come by `load_prices`. Asks nobody."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from history.models import FxRate, MarketSymbol, Price, SymbolAction
from history.models.symbol import RETIRED
from history.providers.base import Actions, Answerless, DailyPrice, Dividend, Pair, Rate, Split, register


@register("stored")
class StoredPrices(Answerless):
    """Answers for every symbol that has a price in the range."""

    name = "stored"
    licence = "As that of the files the prices were loaded from."

    def daily_prices(self, symbols: Sequence[str], start: date, end: date) -> Mapping[str, Sequence[DailyPrice]]:
        found: dict[str, list[DailyPrice]] = defaultdict(list)
        known = _asked(symbols)
        rows = Price.objects.filter(symbol__in=known, day__range=(start, end)).order_by("symbol", "day")
        fields = ("symbol_id", "day", "close", "open", "high", "low", "adj_close", "volume")
        for symbol_id, *figures in rows.values_list(*fields):
            found[known[symbol_id]].append(DailyPrice(*figures))
        return found

    def corporate_actions(self, symbols: Sequence[str], start: date, end: date) -> Mapping[str, Actions]:
        known = _asked(symbols)
        by_symbol: dict[str, list[SymbolAction]] = defaultdict(list)
        for action in SymbolAction.objects.filter(symbol__in=known, ex_date__range=(start, end), voided=False):
            by_symbol[known[action.symbol_id]].append(action)
        return {symbol: _actions(actions) for symbol, actions in by_symbol.items()}

    def fx(self, pairs: Sequence[Pair], start: date, end: date) -> Mapping[Pair, Sequence[Rate]]:
        """The rates kept, in the direction asked for."""
        found: dict[Pair, list[Rate]] = defaultdict(list)
        for base, quote in pairs:
            rows = FxRate.objects.filter(base=base, quote=quote, day__range=(start, end)).order_by("day")
            found[base, quote] = [Rate(day, rate) for day, rate in rows.values_list("day", "rate")]
        return {pair: rates for pair, rates in found.items() if rates}


def _asked(symbols: Sequence[str]) -> dict[int, str]:
    """What was asked for by symbol id; what has left its name to another is not meant."""
    named = MarketSymbol.objects.filter(symbol__in={symbol.partition(":")[0] for symbol in symbols})
    wanted = frozenset(symbols)
    listed = named.exclude(exchange__startswith=RETIRED)
    return {symbol.pk: symbol.asked_as for symbol in listed if symbol.asked_as in wanted}


def _actions(rows: Sequence[SymbolAction]) -> Actions:
    return Actions(
        splits=tuple(Split(row.ex_date, row.ratio) for row in rows if row.ratio is not None),
        dividends=tuple(Dividend(row.ex_date, row.cash_per_unit) for row in rows if row.cash_per_unit is not None),
    )
