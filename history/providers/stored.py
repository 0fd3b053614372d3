"""The price table itself as a provider: for installations whose prices come by `load_prices`. Asks nobody."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from history.models import Price, SymbolAction
from history.providers.base import Actions, DailyPrice, Dividend, Split, register


@register("stored")
class StoredPrices:
    """Answers for every symbol that has a price in the range."""

    name = "stored"

    def daily_prices(self, symbols: Sequence[str], start: date, end: date) -> Mapping[str, Sequence[DailyPrice]]:
        found: dict[str, list[DailyPrice]] = defaultdict(list)
        rows = Price.objects.filter(symbol__symbol__in=symbols, day__range=(start, end)).order_by("symbol", "day")
        fields = ("symbol__symbol", "day", "close", "open", "high", "low", "adj_close", "volume")
        for symbol, *figures in rows.values_list(*fields):
            found[symbol].append(DailyPrice(*figures))
        return found

    def corporate_actions(self, symbols: Sequence[str], start: date, end: date) -> Mapping[str, Actions]:
        rows = SymbolAction.objects.filter(symbol__symbol__in=symbols, ex_date__range=(start, end))
        by_symbol: dict[str, list[SymbolAction]] = defaultdict(list)
        for action in rows.select_related("symbol"):
            by_symbol[action.symbol.symbol].append(action)
        return {symbol: _actions(actions) for symbol, actions in by_symbol.items()}


def _actions(rows: Sequence[SymbolAction]) -> Actions:
    return Actions(
        splits=tuple(Split(row.ex_date, row.ratio) for row in rows if row.ratio is not None),
        dividends=tuple(Dividend(row.ex_date, row.cash_per_unit) for row in rows if row.cash_per_unit is not None),
    )
