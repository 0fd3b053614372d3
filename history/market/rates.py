"""Exchange rates: what is missing of the currencies in use is fetched, each day once, against the US dollar.

Every other pair is crossed over it (`history.market.fx`). A day is asked for when it is over; today's rate is
yesterday's. Days that nobody had a rate for yet are asked for again, so that a rate which comes late, or a currency
that becomes known, is not missed.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from babel import Locale
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from history.invalidation import rates_came
from history.market.continuity import LATELY
from history.market.fx import HUB
from history.models import CurrencyRange, FxRate
from history.providers import DataProviderChain, configured_chain
from history.providers.base import DailyPrice, Rate
from history.providers.garbage import believable, believable_after
from history.valuation import CURRENCY, market_today

logger = logging.getLogger(__name__)

ONE_DAY: Final = timedelta(days=1)
BEFORE: Final = timedelta(days=10)  # so that the first day of every history has a rate to carry forward
AGAIN: Final = timedelta(minutes=50)  # before nobody is asked again for what they could not tell: less than the beat
LATE: Final = timedelta(days=10)  # a rate that is missing for longer is asked for once a day
OFFICIAL: Final = frozenset(Locale("en").currencies)  # coins have codes as well, but no bank quotes them

IN_USE: Final = """
SELECT currency FROM investments_account WHERE closed_at IS NULL
UNION SELECT base_currency FROM portfolio_site_user WHERE is_active
UNION SELECT y.currency FROM history_marketsymbol y JOIN history_securitymapping m ON m.symbol_id = y.id
UNION SELECT iso_currency_code FROM investments_security
"""
OF_ACCOUNTS: Final = """
SELECT currency FROM investments_account WHERE id = ANY(%(accounts)s)
UNION SELECT u.base_currency FROM portfolio_site_user u JOIN investments_account a ON a.owner_id = u.id
WHERE a.id = ANY(%(accounts)s)
UNION SELECT y.currency FROM history_marketsymbol y JOIN history_securitymapping m ON m.symbol_id = y.id
WHERE m.security_id = ANY(%(securities)s)
UNION SELECT iso_currency_code FROM investments_security WHERE id = ANY(%(securities)s)
"""
# What lots and Form 8949 convert at its own day, however long ago that was.
PAID_ABROAD: Final = f"""
SELECT told.currency, min(t.date) FROM investments_transaction t
JOIN investments_account a ON a.id = t.account_id
LEFT JOIN investments_security s ON s.id = t.security_id
CROSS JOIN LATERAL (VALUES (t.currency), (a.currency), (CASE WHEN s.id IS NOT NULL THEN {CURRENCY} END)) told(currency)
WHERE t.account_id = ANY(%(accounts)s) AND told.currency IS NOT NULL
    AND (t.currency <> a.currency OR s.id IS NOT NULL AND ({CURRENCY} <> t.currency OR {CURRENCY} <> '{HUB}'))
GROUP BY told.currency
"""


@dataclass(frozen=True, slots=True)
class Updated:
    """Rows that are new, and currencies that no provider could be asked about or knows."""

    stored: int = 0
    failed: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def currencies_in_use() -> list[str]:
    """Official codes of accounts, what is held in them and their owners' base currencies; run as the worker."""
    return _official(IN_USE, {})


def currencies_of(*, account_ids: Sequence[int], security_ids: Sequence[int]) -> list[str]:
    """Official codes of the accounts, their owners' base currencies and of the securities; run as the worker."""
    return _official(OF_ACCOUNTS, {"accounts": list(account_ids), "securities": list(security_ids)})


def _official(sql: str, parameters: dict[str, list[int]]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return sorted(({row[0] for row in cursor.fetchall()} & OFFICIAL) - {HUB})


def update_rates(
    *, currencies: Iterable[str] | None = None, chain: DataProviderChain | None = None, now: datetime | None = None
) -> Updated:
    """Fetch what is missing, as far back as histories reach, of the currencies or of all in use.

    Call outside of transactions.
    """
    wanted = currencies_in_use() if currencies is None else currencies
    end = market_today(now or timezone.now()) - ONE_DAY
    start = end - timedelta(days=settings.HISTORY_DAYS) - BEFORE
    return ensure_rates(currencies=wanted, start=start, end=end, chain=chain, now=now)


def paid_rates(*, account_ids: Sequence[int], now: datetime | None = None) -> None:
    """Fetch the rates of the days on which these accounts' rows were paid, from before histories too.

    Call outside of transactions, as the worker.
    """
    with connection.cursor() as cursor:
        cursor.execute(PAID_ABROAD, {"accounts": list(account_ids)})
        since = {currency: day for currency, day in cursor.fetchall() if currency in OFFICIAL - {HUB}}
    end = market_today(now or timezone.now()) - ONE_DAY
    for currency, day in sorted(since.items()):
        ensure_rates(currencies=[currency], start=day - BEFORE, end=end, now=now)


def ensure_rates(
    *,
    currencies: Iterable[str],
    start: date,
    end: date,
    chain: DataProviderChain | None = None,
    now: datetime | None = None,
) -> Updated:
    """Fetch the days from `start` to `end` without a rate; histories that lacked them are marked to follow."""
    now = now or timezone.now()
    known = CurrencyRange.objects.in_bulk()
    updated = Updated()
    for currency in sorted(set(currencies) - {HUB}):
        for first, last in _missing(known.get(currency), start, end, now):
            updated = _plus(updated, _fetch(currency, first, last, chain or configured_chain(), now))
    return updated


def _missing(asked: CurrencyRange | None, start: date, end: date, now: datetime) -> list[tuple[date, date]]:
    """Days before what was asked for, and after what was answered; of the latter no weekends, which have no rates."""
    if asked is None:
        return [(start, end)] if start <= end else []
    ranges = [(start, asked.asked_from - ONE_DAY)]
    if _may_ask_again(asked, end, now):
        ranges.append((asked.asked_to + ONE_DAY, end))
    return [(first, last) for first, last in ranges if _has_weekday(first, last)]


def _may_ask_again(asked: CurrencyRange, end: date, now: datetime) -> bool:
    """Days that were not over when somebody last asked, at once; the others after a while."""
    if asked.asked_at is None or end >= market_today(asked.asked_at):
        return True
    wait = AGAIN if end - asked.asked_to <= LATE else ONE_DAY
    return now - asked.asked_at >= wait


def _has_weekday(first: date, last: date) -> bool:
    days = (last - first).days + 1
    return days > 2 or any((first + timedelta(number)).weekday() < 5 for number in range(days))


def _fetch(currency: str, start: date, end: date, chain: DataProviderChain, now: datetime) -> Updated:
    pair = (currency, HUB)
    rates, failed = chain.fx([pair], start, end)
    if pair in failed:
        logger.warning("no provider could be asked about %s", currency)
        return Updated(failed=(currency,))
    told = [rate for rate in _sifted(currency, rates.get(pair, ()), start) if rate.day <= end]
    stored = _store(currency, told, start, end, now)
    known = stored or FxRate.objects.filter(base=currency, quote=HUB).exists()
    return Updated(stored=stored, unknown=() if known else (currency,))


def _sifted(currency: str, rates: Sequence[Rate], start: date) -> list[Rate]:
    """The rates from `start` on. They are garbage when a price would be, also beside the rate before."""
    bars = sorted((DailyPrice(rate.day, rate.rate) for rate in rates if rate.day >= start), key=lambda bar: bar.day)
    known = FxRate.objects.filter(base=currency, quote=HUB, day__lt=start, day__gte=start - LATELY)
    before = known.order_by("-day").first()
    kept = believable_after(DailyPrice(before.day, before.rate), bars, ()) if before else believable(bars, ())
    return [Rate(bar.day, bar.close) for bar in kept]


def _store(currency: str, rates: Sequence[Rate], start: date, end: date, now: datetime) -> int:
    """Rates and the memory of how far they were told, in one transaction. A rate that is there stays."""
    rows = [FxRate(base=currency, quote=HUB, day=rate.day, rate=rate.rate, source="provider") for rate in rates]
    with transaction.atomic():
        before = FxRate.objects.filter(base=currency, quote=HUB, day__range=(start, end)).count()
        FxRate.objects.bulk_create(rows, ignore_conflicts=True, batch_size=2000)
        stored = FxRate.objects.filter(base=currency, quote=HUB, day__range=(start, end)).count() - before
        _remember(currency, start, max((rate.day for rate in rates), default=start - ONE_DAY), now)
        if stored:
            rates_came([(currency, HUB)], min(rate.day for rate in rates))
    return stored


def _remember(currency: str, start: date, answered: date, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO history_currencyrange AS c (currency, asked_from, asked_to, asked_at) VALUES (%s, %s, %s, %s) "
            "ON CONFLICT (currency) DO UPDATE SET asked_from = LEAST(c.asked_from, excluded.asked_from), "
            "asked_to = GREATEST(c.asked_to, excluded.asked_to), asked_at = excluded.asked_at",
            [currency, start, answered, now],
        )


def _plus(one: Updated, other: Updated) -> Updated:
    return Updated(one.stored + other.stored, one.failed + other.failed, one.unknown + other.unknown)
