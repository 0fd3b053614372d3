"""What holdings are worth. The one truth: overview, API, breakdown and the last point of history are sums of these.

value = quantity x price x multiplier x fx, plus cash. Until the day's close is known, the last quote of regular trading
stands in for it. The brokerage's own value wins where its price is as fresh as our
latest close, or where we have none. A holding that needs an exchange rate nobody knows has no value (never rate 1), and
whoever totals it says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import connection
from django.utils import timezone

from history.market.fx import rate_sql
from history.market.quotes import cached_quotes
from history.models import MarketSymbol
from portfolio_site.lib.sessions import NEW_YORK, last_closed_session, previous_session

# As Security.multiplier, Security.is_cash and Security.currency.
MULTIPLIER = """CASE
    WHEN s.type = 'derivative' AND s.option_contract_type <> '' THEN COALESCE(s.contract_size, 100)
    WHEN s.type = 'fixed income' AND s.fixed_income ->> 'quoted_per_100' = 'true' THEN 0.01
    ELSE 1 END"""
IS_CASH = "(s.type = 'cash' AND upper(s.ticker_symbol) LIKE 'CUR:%%')"
# A money-market fund counts as cash and is a position all the same: it has units, a price and rows of its own.
COUNTS_AS_CASH = f"({IS_CASH} OR s.is_cash_equivalent)"
CURRENCY = "COALESCE(NULLIF(s.iso_currency_code, ''), NULLIF(s.unofficial_currency_code, ''), 'USD')"

# Under which closes are kept: the symbol's id; below zero the security's, for what only brokerages price.
PRICE_KEY = "COALESCE(m.symbol_id, -s.id::int)"

# Long enough to hold the two last closes of whatever still trades; only for the rest are all partitions searched.
RECENT_DAYS = 15

# What a rate did to the price before is part of the change, as it is of the chart.
OUR_RATE_BEFORE = rate_sql(source="our_currency", target="valued.currency", day="before.day")
BROKER_RATE_BEFORE = rate_sql(source="broker_currency", target="valued.currency", day="%(session_before)s")

VALUE_HOLDINGS = f"""
WITH held AS (
    SELECT h.id, h.quantity * {MULTIPLIER} AS shares, h.institution_price AS broker_price,
        h.institution_price_as_of AS broker_day, h.institution_value AS broker_value, h.cost_basis, h.security_id,
        {IS_CASH} AS is_cash, s.is_cash_equivalent, {CURRENCY} AS broker_currency, a.currency, {PRICE_KEY} AS symbol_id,
        COALESCE(y.currency, {CURRENCY}) AS our_currency,
        CASE WHEN y.kind = 'crypto' THEN %(today)s ELSE %(session)s END AS session
    FROM investments_holding h
    JOIN investments_account a ON a.id = h.account_id
    JOIN investments_security s ON s.id = h.security_id
    LEFT JOIN history_securitymapping m ON m.security_id = s.id
    LEFT JOIN history_marketsymbol y ON y.id = m.symbol_id
    WHERE h.account_id = ANY(%(accounts)s) AND h.removed_at IS NULL
), symbols AS MATERIALIZED (
    SELECT DISTINCT symbol_id FROM held WHERE NOT is_cash
), recent AS MATERIALIZED (
    SELECT symbol_id, p.day, p.close FROM symbols JOIN history_price p USING (symbol_id)
    WHERE p.day <= %(today)s AND p.day > %(today)s::date - {RECENT_DAYS}
    UNION ALL
    SELECT q.symbol_id, %(today)s, q.price FROM unnest(%(quoted)s::int[], %(quotes)s::numeric[]) q(symbol_id, price)
    WHERE NOT EXISTS (SELECT FROM history_price p WHERE p.symbol_id = q.symbol_id AND p.day = %(today)s)
), closes AS MATERIALIZED (
    SELECT symbol_id, day, close, lead(day, 1, 'infinity') OVER (PARTITION BY symbol_id ORDER BY day) AS next_day
    FROM recent
    UNION ALL
    SELECT symbol_id, last.day, last.close, 'infinity' FROM symbols CROSS JOIN LATERAL (
        SELECT p.day, p.close FROM history_price p
        WHERE p.symbol_id = symbols.symbol_id AND p.day <= %(today)s ORDER BY p.day DESC LIMIT 1
    ) last
    WHERE symbol_id NOT IN (SELECT symbol_id FROM recent)
), latest AS (
    SELECT symbol_id, day, close FROM closes WHERE next_day = 'infinity'
), priced AS MATERIALIZED (
    SELECT held.*, broker_wins.yes AS broker_wins,
        CASE WHEN broker_wins.yes THEN broker_day ELSE latest.day END AS priced_on,
        CASE WHEN broker_wins.yes THEN broker_price ELSE latest.close END AS price,
        {rate_sql(source="broker_currency", target="held.currency", day="%(today)s")} AS broker_rate,
        {rate_sql(source="our_currency", target="held.currency", day="%(today)s")} AS our_rate
    FROM held LEFT JOIN latest USING (symbol_id)
    CROSS JOIN LATERAL (SELECT latest.day IS NULL OR COALESCE(broker_day >= latest.day, false) AS yes) broker_wins
), valued AS MATERIALIZED (
    SELECT priced.*,
        round(CASE WHEN broker_wins THEN broker_value * broker_rate ELSE shares * price * our_rate END, 4) AS value,
        round(cost_basis * broker_rate, 4) AS basis,
        LEAST(priced_on, session) AS change_day
    FROM priced
), compared AS (
    SELECT valued.*, round(CASE
        WHEN is_cash OR (is_cash_equivalent AND before.close IS NULL)
            THEN value - round(broker_value * {BROKER_RATE_BEFORE}, 4)
        WHEN change_day >= LEAST(session, %(closed_session)s)
            THEN value - shares * {OUR_RATE_BEFORE} * before.close / COALESCE((
            SELECT c.ratio FROM investments_corporateaction c
            WHERE c.security_id = valued.security_id AND c.kind IN ('split', 'stock_dividend')
                AND c.voided_at IS NULL
                AND c.ex_date > before.day AND c.ex_date <= priced_on LIMIT 1), 1)
        END, 4) AS change
    FROM valued LEFT JOIN (SELECT * FROM closes WHERE next_day >= LEAST(%(session)s, %(closed_session)s)) before
        ON before.symbol_id = valued.symbol_id AND before.day < change_day AND before.next_day >= change_day
)
UPDATE investments_holding h
SET market_price = c.price, market_value = c.value, market_basis = c.basis, priced_on = c.priced_on,
    day_change = c.change
FROM compared c
WHERE h.id = c.id AND (h.market_price, h.market_value, h.market_basis, h.priced_on, h.day_change)
    IS DISTINCT FROM (c.price, c.value, c.basis, c.priced_on, c.change)
"""

# A holding the sync has just written counts with the brokerage's value until it is valued, moments later.
HOLDING_VALUE = f"""COALESCE(h.market_value,
    CASE WHEN {CURRENCY} = a.currency THEN round(h.institution_value, 4) END)"""

ACCOUNT_WORTHS = f"""
SELECT a.id, a.currency, {rate_sql(source="a.currency", target="%(base)s", day="%(today)s")},
    COALESCE(sum({HOLDING_VALUE}), 0) + round(a.uninvested_cash, 4),
    COALESCE(sum({HOLDING_VALUE}) FILTER (WHERE {COUNTS_AS_CASH}), 0) + round(a.uninvested_cash, 4),
    COALESCE(sum({HOLDING_VALUE}) FILTER (WHERE {IS_CASH}), 0) + round(a.uninvested_cash, 4),
    sum(h.day_change),
    COALESCE(sum({HOLDING_VALUE}) FILTER (WHERE h.day_change IS NOT NULL), 0),
    max(h.priced_on) FILTER (WHERE NOT {IS_CASH}), min(h.priced_on) FILTER (WHERE NOT {COUNTS_AS_CASH}),
    count(*) FILTER (WHERE NOT {IS_CASH}),
    array_agg(DISTINCT {CURRENCY}) FILTER (WHERE h.id IS NOT NULL AND {HOLDING_VALUE} IS NULL)
FROM investments_account a
LEFT JOIN investments_holding h ON h.account_id = a.id AND h.removed_at IS NULL
LEFT JOIN investments_security s ON s.id = h.security_id
WHERE a.id = ANY(%(accounts)s) AND a.closed_at IS NULL
GROUP BY a.id ORDER BY a.id
"""

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class AccountWorth:
    """One account now. Figures are at four places in `currency`, its own; `rate` converts them to the base currency.

    `cash` includes funds that count as cash, `uninvested` is money alone, which no position shows.
    `day_change` is since the close before the last session, None where no position has one; `changed_value` is what the
    positions it covers are worth now. `unconverted` names currencies without a rate, whose holdings are not counted.
    """

    account_id: int
    currency: str
    rate: Decimal | None
    value: Decimal
    cash: Decimal
    uninvested: Decimal
    day_change: Decimal | None
    changed_value: Decimal
    as_of: date | None
    oldest_price: date | None
    positions: int
    unconverted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Worth:
    """Several accounts in the base currency, unrounded; round with `lib.money.displayed`, after every sum.

    `missing_rates` names the currencies that could not be converted: what is in them is not in the figures.
    """

    currency: str
    value: Decimal
    cash: Decimal
    uninvested: Decimal
    day_change: Decimal | None
    day_change_fraction: Decimal | None
    as_of: date | None
    oldest_price: date | None
    positions: int
    missing_rates: tuple[str, ...]


def market_today(now: datetime | None = None) -> date:
    """The calendar day in New York: the last day of every history."""
    return (now or timezone.now()).astimezone(NEW_YORK).date()


def value_holdings(*, account_ids: Sequence[int], now: datetime | None = None) -> int:
    """Write price, value, basis, price day and day change of every holding of the accounts; how many rows changed.

    One statement whatever the number of accounts; rows that are right already are left alone. `day_change` compares
    with the close before the last session, at the rate of its day, and is null where either price is missing or older
    than that session.
    """
    now = now or timezone.now()
    today = market_today(now)
    quotes = _quotes_of_today(account_ids, now)
    parameters = {
        "accounts": list(account_ids),
        "quoted": list(quotes),
        "quotes": list(quotes.values()),
        "today": today,
        "session": previous_session(today, inclusive=True),
        "closed_session": last_closed_session(now),
        "session_before": previous_session(previous_session(today, inclusive=True)),
    }
    with connection.cursor() as cursor:
        cursor.execute(VALUE_HOLDINGS, parameters)
        return int(cursor.rowcount)


def _quotes_of_today(account_ids: Sequence[int], now: datetime) -> dict[int, Decimal]:
    """By symbol: what is held and was traded today, as far as anybody asked."""
    held = MarketSymbol.objects.filter(
        mappings__security__holdings__account__in=account_ids, mappings__security__holdings__removed_at=None
    )
    quotes = cached_quotes(held.distinct())
    return {
        pk: quote.price
        for pk, quote in quotes.items()
        if quote.session == "regular" and quote.at <= now and market_today(quote.at) == market_today(now)
    }


def account_worths(
    *, account_ids: Sequence[int], base_currency: str = "USD", now: datetime | None = None
) -> list[AccountWorth]:
    """The open ones of the accounts, by id; one query."""
    parameters = {"accounts": list(account_ids), "base": base_currency, "today": market_today(now)}
    with connection.cursor() as cursor:
        cursor.execute(ACCOUNT_WORTHS, parameters)
        return [AccountWorth(*row[:-1], tuple(row[-1] or ())) for row in cursor.fetchall()]


def total_worth(worths: Sequence[AccountWorth], *, base_currency: str = "USD") -> Worth:
    """The sum of the accounts. The fraction is of the value before the change, of the positions that have one."""
    counted = [(worth, worth.rate) for worth in worths if worth.rate is not None]
    changes = [worth.day_change * rate for worth, rate in counted if worth.day_change is not None]
    before = sum((worth.changed_value * rate for worth, rate in counted), ZERO) - sum(changes, ZERO)
    days = [worth.as_of for worth in worths if worth.as_of]
    oldest = [worth.oldest_price for worth in worths if worth.oldest_price]
    return Worth(
        currency=base_currency,
        value=sum((worth.value * rate for worth, rate in counted), ZERO),
        cash=sum((worth.cash * rate for worth, rate in counted), ZERO),
        uninvested=sum((worth.uninvested * rate for worth, rate in counted), ZERO),
        day_change=sum(changes, ZERO) if changes else None,
        day_change_fraction=sum(changes, ZERO) / before if changes and before > 0 else None,
        as_of=max(days, default=None),
        oldest_price=min(oldest, default=None),
        positions=sum(worth.positions for worth in worths),
        missing_rates=_missing_rates(worths),
    )


def _missing_rates(worths: Sequence[AccountWorth]) -> tuple[str, ...]:
    accounts = {worth.currency for worth in worths if worth.rate is None}
    holdings = {currency for worth in worths for currency in worth.unconverted}
    return tuple(sorted(accounts | holdings))
