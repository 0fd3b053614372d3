"""The price store: rows in by COPY, and how seldom providers are asked when many users want the same prices.

Rows: symbol-days stored by the store's own way in, beside `bulk_create` of a part, extrapolated. Demand: users who hold
50 of 10,000 securities, popular ones more often, each ask for two years, one user after the other, from an empty store;
then all of them ask again. Counted are calls of a provider that takes 50 symbols a call, and their cost at a cent a
call, beside one call per holding and user; and the hit rate: symbol-days answered out of the store, over all asked for.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from _database import own_database
from _figures import Figure, arguments, show

ROWS = {"quick": 100_000, "full": 1_000_000}
USERS = {"quick": 300, "full": 10_000}
SYMBOLS, HELD, DAYS = 10_000, 50, 730
BULK_ROWS = 20_000
LAST = date(2026, 11, 19)
CENT = 0.01
GOAL_SECONDS, GOAL_HIT_RATE = 20.0, 0.98


def main() -> None:
    options = arguments(__doc__ or "")
    with own_database():
        figures = [*stored(ROWS[options.scale]), *demanded(USERS[options.scale])]
    title = f"{ROWS[options.scale]:,} prices; {USERS[options.scale]:,} users with {HELD} of {SYMBOLS:,} securities"
    show(title, figures, as_json=options.json)


def prices(rows: int) -> Iterator[tuple[int, Any]]:
    """(symbol, price), 500 days of each symbol."""
    from history.providers.base import DailyPrice

    for number in range(rows):
        symbol, day = divmod(number, 500)
        close = Decimal(1000 + number % 977) / 10
        yield symbol + 1, DailyPrice(LAST - timedelta(days=day), close, close, close, close, volume=Decimal(number))


def stored(rows: int) -> list[Figure]:
    """Seconds to store the rows, ours and bulk_create."""
    from django.db import connection, transaction

    from history.market.price_rows import store_prices
    from history.models import MarketSymbol, Price

    MarketSymbol.objects.bulk_create(MarketSymbol(symbol=f"P{number}") for number in range(1 + rows // 500))
    first = MarketSymbol.objects.order_by("pk").values_list("pk", flat=True)[0]
    told = [(first + symbol - 1, price) for symbol, price in prices(rows)]
    start, used = time.perf_counter(), os.times()
    with transaction.atomic():
        written = store_prices((symbol, "bench", price) for symbol, price in told)
    ours, mine = time.perf_counter() - start, os.times().user - used.user
    assert written == rows, written
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE history_price")
    part = [
        Price(
            symbol_id=symbol, day=p.day, open=p.open, high=p.high, low=p.low, close=p.close, volume=p.volume, source="b"
        )
        for symbol, p in told[:BULK_ROWS]
    ]
    start = time.perf_counter()
    Price.objects.bulk_create(part, batch_size=2000)
    other = (time.perf_counter() - start) * rows / BULK_ROWS
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE history_price")
    name = f"store {rows:,} prices (goal {GOAL_SECONDS:g} s a million)"
    return [
        Figure(name, ours, other, "bulk_create", other / ours, "s"),
        Figure("of that, processor time of Python", mine, None, "", None, "s"),
    ]


class Counting:
    """Knows every symbol, has a price a month, and counts."""

    name, licence = "counting", ""

    def __init__(self) -> None:
        self.calls = 0

    def daily_prices(self, symbols: Sequence[str], start: date, end: date) -> Mapping[str, Any]:
        from history.providers.base import DailyPrice

        self.calls += 1
        days = [end - timedelta(days=back) for back in range(0, (end - start).days, 30)]
        return {symbol: [DailyPrice(day, Decimal(100)) for day in days] for symbol in symbols}

    def corporate_actions(self, symbols: Sequence[str], start: date, end: date) -> Mapping[str, Any]:
        return {}


def demanded(users: int) -> list[Figure]:
    """Calls, hit rate and cost of users who come one after the other."""
    from history.market.prices import ensure_prices
    from history.market.spend import spending
    from history.models import MarketSymbol
    from history.providers import DataProviderChain

    MarketSymbol.objects.bulk_create(MarketSymbol(symbol=f"D{number}") for number in range(SYMBOLS))
    ids = np.array(MarketSymbol.objects.filter(symbol__startswith="D").values_list("pk", flat=True))
    popularity = 1 / np.arange(1, SYMBOLS + 1)
    random, provider = np.random.default_rng(7), Counting()
    chain, seconds = DataProviderChain([provider]), 0.0
    weights = popularity / popularity.sum()
    held = [random.choice(ids, HELD, replace=False, p=weights).tolist() for _ in range(users)]
    rates, distinct = [], len({symbol for of_user in held for symbol in of_user})
    for _ in range(2):
        for symbols in held:
            start = time.perf_counter()
            ensure_prices(symbol_ids=symbols, start=LAST - timedelta(days=DAYS), end=LAST, chain=chain)
            seconds += time.perf_counter() - start
        rates.append(100 * (spending().hit_rate or 0.0))
    naive, best = users * HELD, 100 * (1 - distinct / (users * HELD))
    goal = f"goal over {GOAL_HIT_RATE:.0%} at full scale"
    return [
        Figure("provider calls", provider.calls, naive, "a call per holding", naive / provider.calls, "calls"),
        Figure("cost at a cent a call", provider.calls * CENT, naive * CENT, "the same", naive / provider.calls, "$"),
        Figure(f"hit rate, everybody's first question ({goal})", rates[0], best, "each fetched once", None, "%"),
        Figure("hit rate, with everybody's second question", rates[1], None, "", None, "%"),
        Figure("a user's question of the store", 1000 * seconds / (2 * users), None, "", None, "ms"),
    ]


if __name__ == "__main__":
    main()
