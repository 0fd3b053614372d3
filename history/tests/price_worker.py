"""What a worker process of test_price_workers does. Imported by the server that such processes are forked from."""

from datetime import date
from multiprocessing.connection import Connection

import django

django.setup()

from history.market.prices import ensure_prices  # noqa: E402
from history.models import Price  # noqa: E402 Django first
from portfolio_site.lib.sessions import is_session  # noqa: E402

MONDAY, FRIDAY = date(2026, 11, 9), date(2026, 11, 13)
is_session(MONDAY)  # reads the calendar, once for all that are forked


def work(symbol_ids: list[int], telling: Connection) -> None:
    """Ensure the week's prices, telling how far it is whenever it has looked; then how many prices it sees."""
    done = ensure_prices(
        symbol_ids=symbol_ids,
        start=MONDAY,
        end=FRIDAY,
        progress=lambda share: telling.send(f"looked {share:.2f}"),
    )
    prices = Price.objects.filter(symbol__in=symbol_ids).count()
    telling.send(f"prices {prices} failed {len(done.incomplete)}")
