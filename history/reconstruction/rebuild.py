"""Rebuild histories: prices first, then read, compute and replace in one transaction per batch of accounts.

Where only the day has changed nothing is rebuilt: the day is appended (`history.reconstruction.appends`).

Killed at any moment, a batch is either written or not; the lease of its claim runs out and the sweep starts it again.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np
from django.conf import settings
from django.db import Error, connection, transaction
from django.utils import timezone

from history import claims
from history.core.book import History
from history.core.reconstruct import reconstruct
from history.market.brokerage_prices import record_brokerage_prices
from history.market.corporate_actions import record_actions
from history.market.prices import ensure_prices
from history.market.rates import currencies_of, paid_rates, update_rates
from history.market.renames import follow_tickers
from history.market.symbols import map_securities
from history.models import SecurityMapping
from history.reconstruction.appends import Follower, append_days
from history.reconstruction.books import NOTHING_NEW, Window, read_books
from history.reconstruction.records import write_history
from history.valuation import AccountWorth, account_worths, market_today, value_holdings
from portfolio_site.lib import logs

logger = logging.getLogger(__name__)

DAYS_BATCH: Final = 5000  # accounts whose next day is appended in one transaction
BATCH: Final = 400  # accounts that share one price matrix and one transaction
ROUNDS: Final = 3  # how often an account whose ledger moves on meanwhile is rebuilt at once; then the sweep's turn
PRICES_BEFORE: Final = timedelta(days=10)  # so that the first day of a window has a close to carry forward

MOVED_SECURITIES: Final = """
SELECT security_id FROM investments_holding WHERE account_id = ANY(%(accounts)s)
UNION SELECT security_id FROM investments_transaction
WHERE account_id = ANY(%(accounts)s) AND security_id IS NOT NULL
"""

# Prices may have to come over the network: until then what is new should not be worth nothing.
UNVALUED: Final = """
SELECT DISTINCT account_id FROM investments_holding
WHERE account_id = ANY(%(accounts)s) AND removed_at IS NULL AND market_value IS NULL
"""

# The rows are held to the end of the transaction: a second worker whose claim came by an expired lease waits here.
HEADS: Final = """
SELECT a.id, a.ledger_version, COALESCE(a.margin_loan_amount, 0) <> 0, h.first_day, h.processed_version,
    h.first_day IS NOT NULL OR EXISTS (SELECT FROM history_accountday d WHERE d.account_id = a.id),
    h.last_day, h.stale_from, h.seen_transaction
FROM investments_account a JOIN history_accounthistory h ON h.account_id = a.id
WHERE a.id = ANY(%(accounts)s) AND a.closed_at IS NULL ORDER BY a.id FOR UPDATE OF h
"""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """Accounts whose history is written, those of them by nothing but a day, and those that failed with why."""

    done: tuple[int, ...] = ()
    failed: tuple[tuple[int, str], ...] = ()
    appended: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Head:
    """One account as it was when its books were read. `first_day` of its history so far, None when new.

    `processed_version` is -1 where all is to be written anew, whatever is there. `has_days`: rows are there, if only
    of a snapshot that came before the first rebuild.
    """

    account_id: int
    ledger_version: int
    margin: bool
    first_day: date | None
    processed_version: int
    has_days: bool
    last_day: date | None
    stale_from: date | None
    seen_transaction: int | None

    def follower(self, today: date) -> Follower | None:
        """The account as one that lacks no more than the day."""
        if self.first_day is None or self.last_day is None or self.stale_from is not None:
            return None
        if self.processed_version < self.ledger_version or not 0 <= (today - self.last_day).days <= 1:
            return None
        return Follower(self.account_id, self.last_day)


def rebuild_accounts(*, account_ids: Iterable[int], now: datetime | None = None) -> Rebuilt:
    """Bring the histories of those accounts that are behind up to their ledgers and to today.

    Accounts that somebody else is rebuilding are left to them. Call outside of transactions, as the worker: prices may
    come over the network, and COPY does not work under row security.
    """
    done: set[int] = set()
    failed: dict[int, str] = {}
    appended: set[int] = set()
    wanted = sorted(set(account_ids))
    for _round in range(ROUNDS):
        claimed = claims.claim(account_ids=[pk for pk in wanted if pk not in failed], now=now)
        if not claimed:
            break
        _prepare(claimed, now)
        days = _append(claimed, now)
        rest = [pk for pk in claimed if pk not in days]
        for start in range(0, len(rest), BATCH):
            failed |= _rebuild_or_split(rest[start : start + BATCH], now)
        done, appended = done | set(claimed), appended | days
    return Rebuilt(tuple(sorted(done - failed.keys())), tuple(sorted(failed.items())), tuple(sorted(appended)))


def _append(account_ids: list[int], now: datetime | None) -> set[int]:
    """Those of the claimed accounts that lacked no more than a day and have it now; what fails here is rebuilt."""
    today, done = market_today(now), set()
    for start in range(0, len(account_ids), DAYS_BATCH):
        try:
            with transaction.atomic():
                heads = _heads(account_ids[start : start + DAYS_BATCH]).values()
                followers = [follower for head in heads if (follower := head.follower(today))]
                done |= append_days(followers=followers, today=today, now=now)
        except (ArithmeticError, ValueError, Error):
            logger.exception("The day could not be appended to %d accounts", len(account_ids))
    return done


def _prepare(account_ids: list[int], now: datetime | None) -> None:
    """First a value for what has none, then symbols, prices and splits. What fails here shows in the quality."""
    with connection.cursor() as cursor:
        cursor.execute(UNVALUED, {"accounts": account_ids})
        unvalued = [row[0] for row in cursor.fetchall()]
    value_holdings(account_ids=unvalued, now=now)
    claims.advance(account_ids=account_ids, progress=0.05)
    today = market_today(now)
    with connection.cursor() as cursor:
        cursor.execute(MOVED_SECURITIES, {"accounts": account_ids})
        security_ids = [row[0] for row in cursor.fetchall()]
    follow_tickers(security_ids=security_ids, now=now)
    map_securities(security_ids=security_ids)
    record_brokerage_prices(account_ids=account_ids, now=now)
    mapped = SecurityMapping.objects.filter(security__in=security_ids, symbol__isnull=False)
    symbol_ids = list(mapped.order_by("symbol").values_list("symbol", flat=True).distinct())
    ensure_prices(
        symbol_ids=symbol_ids,
        start=today - timedelta(days=settings.HISTORY_DAYS) - PRICES_BEFORE,
        end=today,
        progress=lambda done: claims.advance(account_ids=account_ids, progress=0.1 + 0.5 * done),
    )
    record_actions(symbol_ids=symbol_ids)
    update_rates(currencies=currencies_of(account_ids=account_ids, security_ids=security_ids), now=now)
    paid_rates(account_ids=account_ids, now=now)
    claims.advance(account_ids=account_ids, progress=0.65)


def _rebuild_or_split(account_ids: Sequence[int], now: datetime | None) -> dict[int, str]:
    """{account: why it failed}. A batch that fails is halved until the account to blame is alone."""
    claims.advance(account_ids=account_ids, progress=0.7)
    try:
        with transaction.atomic():
            _need_not_last()
            rebuild_batch(account_ids=account_ids, now=now)
    except (ArithmeticError, ValueError, Error) as error:
        if len(account_ids) == 1:
            with logs.bound(account_id=account_ids[0]):
                logger.exception("Account %d could not be rebuilt", account_ids[0])
            claims.give_back(account_id=account_ids[0], error=str(error) or type(error).__name__)
            return {account_ids[0]: str(error)}
        middle = len(account_ids) // 2
        return _rebuild_or_split(account_ids[:middle], now) | _rebuild_or_split(account_ids[middle:], now)
    return {}


def _need_not_last() -> None:
    """Commit without waiting for the disk: should the server die, days and claim are lost together and come again."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")


def rebuild_batch(*, account_ids: Sequence[int], now: datetime | None = None) -> None:
    """Read, compute and replace the histories of claimed accounts; runs in the caller's transaction."""
    heads = _heads(account_ids)
    ids = list(heads)
    value_holdings(account_ids=ids, now=now)
    worths = account_worths(account_ids=ids, now=now)
    for currency in sorted({worth.currency for worth in worths}):
        group = [worth for worth in worths if worth.currency == currency]
        _rebuild_group(group, [heads[worth.account_id] for worth in group], market_today(now))


def _heads(account_ids: Sequence[int]) -> dict[int, Head]:
    with connection.cursor() as cursor:
        cursor.execute(HEADS, {"accounts": list(account_ids)})
        return {row[0]: Head(*row) for row in cursor.fetchall()}


def _rebuild_group(worths: Sequence[AccountWorth], heads: Sequence[Head], today: date) -> None:
    """Accounts of one currency. The window reaches back to the oldest day that any of them has."""
    start = today - timedelta(days=settings.HISTORY_DAYS)
    firsts = [min(start, head.first_day or start) for head in heads]
    window = Window(min(firsts), today)
    seen = np.array([NOTHING_NEW if head.seen_transaction is None else head.seen_transaction for head in heads])
    books = read_books(worths=worths, margin=np.array([head.margin for head in heads]), window=window, seen=seen)
    history = anchored(reconstruct(book=books.book, market=books.market), worths)
    write_history(
        books=books,
        history=history,
        window=window,
        first_days=firsts,
        versions=[head.ledger_version for head in heads],
        written=np.array([head.has_days for head in heads]),
        compared=np.array([head.processed_version >= 0 for head in heads]),
        restated=np.minimum(books.touched, [window.day_number(head.stale_from) for head in heads]),
        finished_at=timezone.now(),
    )


def anchored(history: History, worths: Sequence[AccountWorth]) -> History:
    """The history with its last day as `valuation` says, so that chart and overview cannot disagree."""
    history.value[-1] = [float(worth.value) for worth in worths]
    history.cash[-1] = [float(worth.cash) for worth in worths]
    return history
