"""What brokerages say a security was worth that nobody else prices: kept day by day, like closes.

They lie in the price store under the security's id below zero (`valuation.PRICE_KEY`), where no market symbol is, so
whoever reads closes reads them too. Without them only the latest price would be known, and what a past day was worth
would change with every rebuild.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection, transaction

from history.invalidation import securities_priced
from history.valuation import IS_CASH, market_today
from investments.models.security import PUBLIC_SOURCES

# Brokerages may differ about a day: whoever told it first goes on telling it, so that rebuilds do not take turns.
RECORD: Final = f"""
INSERT INTO history_price (symbol_id, day, close, source)
SELECT DISTINCT ON (s.id, h.institution_price_as_of) -s.id, h.institution_price_as_of, h.institution_price,
    'holding ' || h.id
FROM investments_holding h
JOIN investments_security s ON s.id = h.security_id AND s.source = ANY(%(public)s)
LEFT JOIN history_securitymapping m ON m.security_id = s.id
WHERE h.account_id = ANY(%(accounts)s) AND h.removed_at IS NULL AND m.symbol_id IS NULL AND NOT {IS_CASH}
    AND h.institution_price > 0 AND h.institution_price_as_of BETWEEN %(first)s AND %(today)s
ORDER BY s.id, h.institution_price_as_of, h.id
ON CONFLICT (symbol_id, day) DO UPDATE SET close = excluded.close
WHERE history_price.source = excluded.source AND history_price.close <> excluded.close
RETURNING -symbol_id, day
"""


def record_brokerage_prices(*, account_ids: Collection[int], now: datetime | None = None) -> int:
    """Keep what the accounts' brokerages say of securities that no symbol prices; how many prices are new or differ.

    Whoever holds the same is marked to be rebuilt from that day on, snapshots too: one may have been taken before the
    price of its day was told. Call as the worker.
    """
    today = market_today(now)
    parameters = {
        "accounts": sorted(account_ids),
        "public": [str(source) for source in PUBLIC_SOURCES],
        "first": today - timedelta(days=settings.HISTORY_DAYS),
        "today": today,
    }
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(RECORD, parameters)
            written = cursor.fetchall()
        for day in sorted({day for _, day in written}):
            securities_priced([security for security, its_day in written if its_day == day], day)
    return len(written)
