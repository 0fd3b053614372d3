"""The day by the minute: what the accounts that somebody looks at were worth while the market was open.

A minute is the figure of `history.valuation`, prices being the last good quotes; so it agrees with every other total.
Accounts without any price of today get no minute: a line that stands still would pretend.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import numpy as np
from django.db import connection
from django.utils import timezone
from numpy.typing import NDArray

from history.arrays import read_columns
from history.market.fx import rate_sql
from history.market.quotes import refresh_quotes
from history.models import MarketSymbol
from history.valuation import account_worths, market_today, value_holdings
from history.watched import watched_users
from investments.models import Account
from portfolio_site.lib.sessions import closes_at, market_state, opens_at, previous_session

STORE: Final = """
INSERT INTO history_intradayvalue AS kept (owner_id, account_id, minute, value, low, high)
SELECT a.owner_id, a.id, %(minute)s, w.value, w.value, w.value
FROM unnest(%(accounts)s::bigint[], %(values)s::numeric[]) w(id, value) JOIN investments_account a ON a.id = w.id
ORDER BY a.id
ON CONFLICT (account_id, minute) DO UPDATE SET value = excluded.value,
    low = LEAST(kept.low, excluded.value), high = GREATEST(kept.high, excluded.value)
WHERE kept.value <> excluded.value
"""

# The last close before the session stands for the minutes before an account's first one; without, that first one.
MINUTES: Final = f"""
SELECT i.account_id, floor(extract(epoch FROM i.minute) / 60)::bigint, (i.value * rate.it * 10000)::bigint,
    (i.low * rate.it * 10000)::bigint, (i.high * rate.it * 10000)::bigint
FROM history_intradayvalue i JOIN investments_account a ON a.id = i.account_id
CROSS JOIN LATERAL (SELECT {rate_sql(source="a.currency", target="%(base)s", day="%(session)s::date")} AS it) rate
WHERE i.account_id = ANY(%(accounts)s) AND i.minute BETWEEN %(opens)s AND %(closes)s AND rate.it IS NOT NULL
"""
MINUTE_COLUMNS: Final = dict.fromkeys(("account", "minute", "value", "low", "high"), "int8")
OPENING: Final = timedelta(minutes=5)
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
UNIT: Final = Decimal(10_000)  # money is summed in whole ten-thousandths
CLOSES: Final = f"""
SELECT DISTINCT ON (d.account_id) d.account_id,
    (d.value * {rate_sql(source="a.currency", target="%(base)s", day="%(session)s::date")} * 10000)::bigint
FROM history_accountday d JOIN investments_account a ON a.id = d.account_id
WHERE d.account_id = ANY(%(accounts)s) AND d.day < %(session)s AND d.day >= %(session)s::date - 15
    AND a.closed_at IS NULL
ORDER BY d.account_id, d.day DESC
"""

# The last minute of each hour stays and takes over the lowest and the highest; a day at a time, so short locks.
HOURS: Final = """
SELECT account_id, date_trunc('hour', minute) AS hour, max(minute) AS last, min(low) AS low, max(high) AS high,
    count(*) - 1 AS others
FROM history_intradayvalue WHERE minute >= %(start)s AND minute < %(end)s GROUP BY 1, 2 HAVING count(*) > 1
"""
CONDENSE: Final = f"""
WITH hours AS ({HOURS}), kept AS (
    UPDATE history_intradayvalue i SET low = hours.low, high = hours.high
    FROM hours WHERE i.account_id = hours.account_id AND i.minute = hours.last
)
DELETE FROM history_intradayvalue i USING hours
WHERE i.account_id = hours.account_id AND i.minute >= hours.hour AND i.minute < hours.last
"""


@dataclass(frozen=True, slots=True)
class Session:
    """A session by the minute, in one currency: columns of one length, empty where nothing was recorded."""

    day: date
    times: tuple[datetime, ...]
    values: tuple[Decimal, ...]
    low: Decimal | None
    high: Decimal | None
    is_running: bool = False


@dataclass(frozen=True, slots=True)
class DayRange:
    """Where a total was in a session. `open` is None where nobody looked at its start, all where nobody did at all."""

    open: Decimal | None
    high: Decimal | None
    low: Decimal | None


def day_range(session: Session, *, now: Decimal, as_of: date | None) -> DayRange:
    """Of the recorded minutes, and of the total now where it is priced by the session."""
    if not session.values or session.low is None or session.high is None:
        return DayRange(None, None, None)
    seen = [now] if as_of == session.day else []
    at_opening = session.times[0] - opens_at(session.day) <= OPENING
    return DayRange(
        open=session.values[0] if at_opening else None,
        high=max([session.high, *seen]),
        low=min([session.low, *seen]),
    )


def record_minute(*, now: datetime | None = None) -> int:
    """Value the accounts of everybody who looks, by new quotes, and store the minute; how many accounts.

    Only while the market is open. A second run in the same minute corrects it. Call outside of transactions: providers
    are asked.
    """
    now = now or timezone.now()
    users = watched_users(now=now) if market_state(now) == "regular" else []
    ids = list(Account.objects.filter(owner__in=users).open().order_by("pk").values_list("pk", flat=True))
    if not ids:
        return 0
    held = MarketSymbol.objects.filter(mappings__security__holdings__account__in=ids)
    refresh_quotes(symbol_ids=held.values_list("pk", flat=True).distinct(), now=now)
    value_holdings(account_ids=ids, now=now)
    today = market_today(now)
    worths = [worth for worth in account_worths(account_ids=ids, now=now) if worth.as_of == today]
    parameters = {
        "minute": now.replace(second=0, microsecond=0),
        "accounts": [worth.account_id for worth in worths],
        "values": [worth.value for worth in worths],
    }
    with connection.cursor() as cursor:
        cursor.execute(STORE, parameters)
    return len(worths)


def session_minutes(*, account_ids: Sequence[int], base_currency: str = "USD", now: datetime | None = None) -> Session:
    """The accounts' total by the minute, of the running session or the last one."""
    now = now or timezone.now()
    day = previous_session(market_today(now), inclusive=True)
    if now < opens_at(day):
        day = previous_session(day)
    parameters = {
        "accounts": list(account_ids), "base": base_currency, "session": day, "opens": opens_at(day),
        "closes": closes_at(day),
    }  # fmt: skip
    rows = read_columns(MINUTES, parameters, MINUTE_COLUMNS)
    if not rows["minute"].size:
        return Session(day, (), (), None, None, is_running=now < closes_at(day))
    with connection.cursor() as cursor:
        cursor.execute(CLOSES, parameters)
        closes = dict(cursor.fetchall())
    closes = {account: close for account, close in closes.items() if close is not None}
    return replace(_summed(day, rows, closes), is_running=now < closes_at(day))


def _summed(day: date, rows: dict[str, NDArray[Any]], closes: dict[int, int]) -> Session:
    """Every account counts at every minute: with its last value, before its first one with the last close."""
    minutes, column = np.unique(rows["minute"], return_inverse=True)
    accounts = np.union1d(rows["account"], np.array(list(closes), np.int64))
    known = np.zeros((accounts.size, minutes.size + 1), np.bool_)
    row = np.searchsorted(accounts, rows["account"])
    known[row, column + 1] = True
    known[:, 0] = np.isin(accounts, list(closes))
    source = np.maximum.accumulate(np.where(known, np.arange(minutes.size + 1), 0), axis=1)
    source = np.where(known[:, :1], source, np.maximum(source, known.argmax(axis=1)[:, None]))

    def line(name: str) -> list[Decimal]:
        grid = np.zeros(known.shape, np.int64)
        grid[:, 0] = [closes.get(account, 0) for account in accounts.tolist()]
        grid[row, column + 1] = rows[name]
        return [
            amount / UNIT for amount in map(Decimal, np.take_along_axis(grid, source, axis=1).sum(axis=0)[1:].tolist())
        ]

    times = tuple(datetime.fromtimestamp(minute * 60, UTC) for minute in minutes.tolist())
    return Session(day, times, tuple(line("value")), min(line("low")), max(line("high")))


def condense_minutes(*, before: datetime, dry_run: bool) -> int:
    """Keep of each hour of the days before that one its last minute, with its low and high; how many rows go.

    A day is one statement: killed, it goes on where it was.
    """
    end = before.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        if dry_run:
            cursor.execute(f"SELECT COALESCE(sum(others), 0) FROM ({HOURS}) hours", {"start": LONG_AGO, "end": end})
            return int(cursor.fetchone()[0])
        cursor.execute(f"SELECT DISTINCT date_trunc('day', hour, 'UTC') FROM ({HOURS}) hours ORDER BY 1",
                       {"start": LONG_AGO, "end": end})  # fmt: skip
        gone = 0
        for (day,) in cursor.fetchall():
            cursor.execute(CONDENSE, {"start": day, "end": day + timedelta(days=1)})
            gone += cursor.rowcount
    return gone
