"""Whose history a correction touches: call in the transaction that corrects a price, an action, a mapping or a rate.

The accounts concerned, and no others, are marked as behind since the first day that may differ: from there on also the
snapshots that differ are replaced. A rebuild under way holds the rows, so a mark waits for it and is never lost to it.
Call as the worker or as an operator: every owner's accounts have to be seen.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any, Final

from django.db import connection, transaction

from history.market.fx import HUB
from history.valuation import CURRENCY
from investments import ledger

# A holding counts even when its units are gone: how fresh its price is decides about earlier days.
HOLDERS: Final = """
SELECT account_id FROM investments_holding WHERE security_id = ANY(%(securities)s)
UNION SELECT account_id FROM investments_transaction WHERE security_id = ANY(%(securities)s) AND date >= %(moved)s
"""
PRICED_BY: Final = "SELECT security_id FROM history_securitymapping WHERE symbol_id = ANY(%s)"

# Converted are securities, and rows, in another currency than their account's, whichever way the rate is kept or
# crossed. Lots are in the security's currency: of a row in another they follow its rate.
CONVERTED: Final = f"""
WITH held AS (
    SELECT account_id, security_id, NULL AS paid_in FROM investments_holding
    UNION SELECT account_id, security_id, currency FROM investments_transaction WHERE date >= %(since)s
)
SELECT a.id, COALESCE(bool_or(held.paid_in <> {CURRENCY}), false) FROM held
JOIN investments_account a ON a.id = held.account_id
LEFT JOIN investments_security s ON s.id = held.security_id
LEFT JOIN history_securitymapping m ON m.security_id = s.id
LEFT JOIN history_marketsymbol y ON y.id = m.symbol_id
CROSS JOIN LATERAL (
    VALUES (CASE WHEN s.id IS NOT NULL THEN {CURRENCY} END), (y.currency), (held.paid_in)
) told(currency)
WHERE told.currency <> a.currency AND (told.currency = ANY(%(currencies)s) OR a.currency = ANY(%(currencies)s))
GROUP BY a.id
"""

# Locked in one order, as everyone who rebuilds locks them. What had failed may succeed now.
MARK: Final = """
WITH concerned AS MATERIALIZED (
    SELECT account_id FROM history_accounthistory WHERE account_id = ANY(%(accounts)s)
        AND (NOT %(past)s OR last_day > %(since)s)
    ORDER BY account_id FOR UPDATE
)
UPDATE history_accounthistory h
SET stale_from = LEAST(h.stale_from, %(since)s), attempts = CASE WHEN state = 'running' THEN attempts ELSE 0 END,
    state = CASE WHEN state = 'failed' THEN 'waiting' ELSE state END, queued_at = NULL
FROM concerned WHERE h.account_id = concerned.account_id
RETURNING h.account_id
"""


# Whoever closes the day before a split may hold the new units already; a week is as long as days are run again.
BEFORE_SPLIT: Final = timedelta(days=7)


def symbols_changed(symbol_ids: Iterable[int], since: date) -> int:
    """Prices of the symbols differ from a day on; returns how many accounts were marked."""
    return _mark(HOLDERS, {"securities": _priced_by(symbol_ids), "moved": since}, since)


def prices_came(symbol_ids: Iterable[int], since: date) -> int:
    """Prices that were missing have come, the first of a day; marks the histories that have gone on past that day.

    Those that end with it, or before, are brought up to date by the calendar anyway.
    """
    return _mark(HOLDERS, {"securities": _priced_by(symbol_ids), "moved": since}, since, past=True)


def rates_came(pairs: Sequence[tuple[str, str]], since: date) -> int:
    """As `prices_came`, for exchange rates of (base, quote) pairs."""
    return _convert_anew(pairs, since, past=True)


def _priced_by(symbol_ids: Iterable[int]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(PRICED_BY, [list(symbol_ids)])
        return [row[0] for row in cursor.fetchall()]


def securities_changed(security_ids: Iterable[int], since: date) -> int:
    """Mapping, multiplier or corporate actions of the securities differ; returns how many accounts were marked.

    A split on `since` changes the units of every day before it, so whoever ever held them follows. Snapshots of those
    days stand, as they were taken of the units of their time; but those just before it may have been taken late.
    """
    day = date.min if since - date.min < BEFORE_SPLIT else since - BEFORE_SPLIT
    return _mark(HOLDERS, {"securities": list(security_ids), "moved": date.min}, day)


def securities_priced(security_ids: Iterable[int], since: date) -> int:
    """What brokerages say of the securities' worth differs from a day on; returns how many accounts were marked."""
    return _mark(HOLDERS, {"securities": list(security_ids), "moved": since}, since)


def currencies_changed(pairs: Sequence[tuple[str, str]], since: date) -> int:
    """Exchange rates of (base, quote) pairs differ from a day on; returns how many accounts were marked."""
    return _convert_anew(pairs, since, past=False)


def _convert_anew(pairs: Sequence[tuple[str, str]], since: date, *, past: bool) -> int:
    # A rate to the dollar concerns its other currency alone: everything is crossed over it.
    currencies = sorted({currency for pair in pairs for currency in pair} - {HUB})
    with connection.cursor() as cursor:
        cursor.execute(CONVERTED, {"currencies": currencies, "since": since})
        concerned = cursor.fetchall()
    ledger.follow_rates(account_ids=[account for account, is_paid_abroad in concerned if is_paid_abroad])
    return accounts_changed((account for account, _ in concerned), since, past=past)


def accounts_changed(account_ids: Iterable[int], since: date, *, past: bool = False) -> int:
    """Whatever these accounts are made of differs from a day on; returns how many were marked.

    `past`: only those whose histories go on past that day.
    """
    ids = sorted(set(account_ids))
    if not ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(MARK, {"accounts": ids, "since": since, "past": past})
        marked = sorted(row[0] for row in cursor.fetchall())
    transaction.on_commit(lambda: _enqueue(marked), robust=True)
    return len(marked)


def _mark(concerned: str, parameters: dict[str, Any], since: date, *, past: bool = False) -> int:
    with connection.cursor() as cursor:
        cursor.execute(concerned, parameters)
        account_ids = [row[0] for row in cursor.fetchall()]
    return accounts_changed(account_ids, since, past=past)


def _enqueue(account_ids: list[int]) -> None:
    """Only for speed: what is marked is found by the sweep."""
    from history.tasks import enqueue_rebuild  # rebuilding ends in prices, which invalidate

    enqueue_rebuild(account_ids)
