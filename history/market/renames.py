"""Symbols that change their name: one history under the new one, and nothing of it for whoever takes up the old one."""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Final

from django.db import connection, transaction

from history.core.issuers import same_issuer
from history.invalidation import securities_changed, symbols_changed
from history.market.symbols import Listing, listing_of, paper_of
from history.models import Correction, FormerName, MarketSymbol, SecurityMapping
from history.valuation import market_today
from investments import ledger
from investments.entries import CorporateActionEntry

logger = logging.getLogger(__name__)

MERGE: Final = (
    "UPDATE history_price p SET symbol_id = %(ours)s WHERE symbol_id = %(theirs)s AND NOT EXISTS "
    "(SELECT FROM history_price o WHERE o.symbol_id = %(ours)s AND o.day = p.day)",
    "DELETE FROM history_price WHERE symbol_id = %(theirs)s",
    "UPDATE history_symbolaction a SET symbol_id = %(ours)s WHERE symbol_id = %(theirs)s AND NOT EXISTS "
    "(SELECT FROM history_symbolaction o WHERE o.symbol_id = %(ours)s AND o.kind = a.kind AND o.ex_date = a.ex_date)",
    "UPDATE history_securitymapping SET symbol_id = %(ours)s WHERE symbol_id = %(theirs)s",
)
# What providers told under the old name since then is whoever's it is now; what people entered was meant.
FORGET: Final = "DELETE FROM history_price WHERE symbol_id = %s AND day >= %s AND source NOT IN ('operator', 'file')"
ASK_AGAIN: Final = """
UPDATE history_marketsymbol y SET symbol = %(name)s, priced_to = LEAST(priced_to, COALESCE(
    (SELECT max(day) FROM history_price p WHERE p.symbol_id = y.id), priced_from))
WHERE id = %(symbol)s
"""


class NameTaken(Exception):
    """The new name is that of a symbol with corrections of its own: an operator has to say which of them count."""


@transaction.atomic
def rename(*, symbol: MarketSymbol, name: str, day: date) -> None:
    """The symbol under its new name from `day` on, with the prices that were known under either. Raises NameTaken.

    Days since then are asked for again under the new name; the histories of its holders are marked as behind.
    """
    other = MarketSymbol.objects.filter(symbol=name, exchange=symbol.exchange).exclude(pk=symbol.pk).first()
    if other and Correction.objects.filter(symbol=other).exists():
        raise NameTaken(f"{other} has corrections of its own")
    with connection.cursor() as cursor:
        cursor.execute(FORGET, [symbol.pk, day])
        if other:
            for statement in MERGE:
                cursor.execute(statement, {"ours": symbol.pk, "theirs": other.pk})
            other.delete()
        cursor.execute(ASK_AGAIN, {"symbol": symbol.pk, "name": name})
    FormerName.objects.get_or_create(symbol=symbol, name=symbol.symbol, exchange=symbol.exchange, until=day)
    symbols_changed([symbol.pk], date.min)


def announce(*, symbol: MarketSymbol, name: str, day: date, source: str) -> None:
    """Rename the symbol as a provider or an operator says, and tell the ledger. Raises NameTaken.

    Who has the paper by another id under the new name has the same paper: lots and history go over to it.
    """
    renamed = list(SecurityMapping.objects.filter(symbol=symbol).order_by("pk").values_list("security_id", flat=True))
    heirs = SecurityMapping.objects.filter(symbol__symbol=name, symbol__exchange=symbol.exchange)
    successor = heirs.exclude(security__in=renamed).order_by("security").values_list("security_id", flat=True).first()
    with transaction.atomic():
        rename(symbol=symbol, name=name, day=day)
        entry = CorporateActionEntry("symbol_change", day, successor_id=successor)
        ledger.record_corporate_actions(security_ids=renamed, actions=[entry], source=source)


def follow_tickers(*, security_ids: Iterable[int], now: datetime | None = None) -> int:
    """Rename the symbols whose securities' sources tell a new ticker; returns how many securities have moved on.

    Where somebody else's paper may have the old name still, it stays, and those that changed are mapped anew. Two
    queries as long as nothing has changed.
    """
    moved: dict[MarketSymbol, list[SecurityMapping]] = defaultdict(list)
    mapped = SecurityMapping.objects.filter(security__in=set(security_ids), method=SecurityMapping.Method.TICKER)
    for mapping in mapped.select_related("symbol", "security").order_by("pk"):
        listing = listing_of(mapping.security)
        if mapping.symbol and listing and _is_another(listing, mapping.symbol):
            moved[mapping.symbol].append(mapping)
    for symbol, mappings in moved.items():
        _follow(symbol, mappings, market_today(now))
    return sum(len(mappings) for mappings in moved.values())


def _is_another(listing: Listing, symbol: MarketSymbol) -> bool:
    """A ticker that it was called by before is told by a source that lags behind."""
    if listing.name == (symbol.symbol, symbol.exchange):
        return False
    return not FormerName.objects.filter(symbol=symbol, name=listing.symbol, exchange=listing.exchange).exists()


@transaction.atomic
def _follow(symbol: MarketSymbol, moved: list[SecurityMapping], day: date) -> None:
    listings = {listing for mapping in moved if (listing := listing_of(mapping.security))}
    if len(listings) == 1 and next(iter(listings)).exchange == symbol.exchange and _all_go(symbol, moved):
        try:
            rename(symbol=symbol, name=next(iter(listings)).symbol, day=day)
            return
        except NameTaken as error:
            logger.warning("%s cannot follow its ticker: %s", symbol, error)
    ids = [mapping.security_id for mapping in moved]
    SecurityMapping.objects.filter(security__in=ids).delete()
    securities_changed(ids, date.min)


def _all_go(symbol: MarketSymbol, moved: Collection[SecurityMapping]) -> bool:
    """Whether whoever else is priced by the symbol is known to be of the same company."""
    papers = [paper_of(mapping.security) for mapping in moved]
    stay = SecurityMapping.objects.filter(symbol=symbol).exclude(pk__in=[mapping.pk for mapping in moved])
    return all(
        any(same_issuer(paper_of(mapping.security), paper) for paper in papers)
        for mapping in stay.select_related("security")
    )
