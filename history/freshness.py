"""How fresh the figures of some accounts are, for the header of every page."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Max

from history.core.freshness import Freshness, priced_freshness
from history.market.quotes import LastQuote, cached_quotes
from history.models import MarketSymbol
from history.valuation import market_today
from investments.models import Holding
from portfolio_site.lib.sessions import market_state


def figures_freshness(*, account_ids: Sequence[int], now: datetime) -> Freshness:
    """Of what the accounts hold: as its quotes where it is priced by today's, else as the day of its prices."""
    held = Holding.objects.filter(account__in=account_ids).held()
    priced_on = held.aggregate(day=Max("priced_on"))["day"]
    today = market_today(now)
    # After the bell the figures of today are its closes, whatever is traded later.
    if priced_on is None or priced_on < today or market_state(now) not in ("pre", "regular"):
        return priced_freshness(priced_on, now)
    symbols = MarketSymbol.objects.filter(mappings__security__holdings__in=held.filter(priced_on=today)).distinct()
    quote = _slowest(list(cached_quotes(symbols).values()))
    return quote.freshness(now) if quote and market_today(quote.at) == today else priced_freshness(priced_on, now)


def _slowest(quotes: Sequence[LastQuote]) -> LastQuote | None:
    """Of stocks rather than of coins, which never close; of the most delayed, the newest: it speaks for the others."""
    return max(quotes, key=lambda quote: (not quote.round_the_clock, quote.delay_minutes, quote.at), default=None)
