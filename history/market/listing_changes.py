"""New names and delistings as providers tell them, believed where our own prices bear them out.

A provider's list is of the whole market, and symbols are used again: a new name counts where its prices go on from the
old one's, a delisting where nothing has traded since. What is not borne out waits for an operator or for its time.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from history.market import mapping
from history.market.renames import NameTaken, announce
from history.market.spend import essential
from history.models import FormerName, MarketSymbol, Price, SecurityMapping, SymbolAction
from history.providers import DataProviderChain, ProviderError, configured_chain
from history.providers.base import Delisted, Listing, Renamed
from history.valuation import market_today
from portfolio_site.lib.sessions import sessions

logger = logging.getLogger(__name__)

LOOK_BACK: Final = timedelta(days=60)
AROUND: Final = timedelta(days=10)
QUIET_SESSIONS: Final = 3  # without a trade, so that a last day told early is not taken for one
CONTINUES: Final = Decimal("0.6"), Decimal("1.7")  # of the close before: a bad day, and no other company


@dataclass(frozen=True, slots=True)
class ListingsFollowed:
    """Symbols renamed, delisted, and new names that wait for an operator; `failed`: nobody could be asked."""

    renamed: int = 0
    delisted: int = 0
    waiting: int = 0
    failed: bool = False


def follow_listings(*, chain: DataProviderChain | None = None, now: datetime | None = None) -> ListingsFollowed:
    """Ask what has been renamed or delisted lately, and apply it to what securities are mapped to.

    Twice is as good as once. Call as the worker, outside of transactions: it talks to the network.
    """
    chain, today = chain or configured_chain(), market_today(now)
    try:
        with essential():
            told = chain.listing_changes(today - LOOK_BACK)
    except ProviderError as error:
        logger.warning("nobody could be asked for new names and delistings: %s", error)
        return ListingsFollowed(failed=True)
    mapped = _mapped({*(one.old for one in told.renamed), *(one.asked for one in told.delisted)})
    renamed = [
        _rename(mapped[one.old], one, chain)
        for one in sorted(told.renamed, key=lambda one: one.day)
        if one.old in mapped and one.day <= today and _is_news(mapped[one.old], one)
    ]
    gone = sum(_delist(mapped[one.asked], one) for one in told.delisted if one.asked in mapped and one.day <= today)
    return ListingsFollowed(sum(renamed), gone, len(renamed) - sum(renamed))


def _mapped(asked: Iterable[str]) -> dict[str, MarketSymbol]:
    """Symbols still listed that price something, by what providers are asked for."""
    names = dict.fromkeys(asked)
    found = MarketSymbol.objects.filter(
        symbol__in=[name.partition(":")[0] for name in names], active=True, mappings__isnull=False
    )
    return {symbol.asked_as: symbol for symbol in found.distinct() if symbol.asked_as in names}


def _is_news(symbol: MarketSymbol, told: Renamed) -> bool:
    """Whoever took the name up since then is not meant, and what was settled is not asked again."""
    if symbol.listed_from is not None and told.day <= symbol.listed_from:
        return False
    return not FormerName.objects.filter(symbol=symbol, name=told.old.partition(":")[0]).exists()


def _rename(symbol: MarketSymbol, told: Renamed, chain: DataProviderChain) -> bool:
    """Whether the symbol goes on under its new name; else those it prices are put up for review."""
    name, _, exchange = told.new.partition(":")
    if exchange == told.old.partition(":")[2] and _goes_on(symbol, told, chain):
        try:
            announce(symbol=symbol, name=name, day=told.day, source="provider")
            return True
        except NameTaken as error:
            logger.warning("%s is not renamed: %s", symbol, error)
    for mapped in SecurityMapping.objects.filter(symbol=symbol).select_related("security"):
        mapping.propose(security=mapped.security, listing=Listing(name, exchange=exchange, currency=symbol.currency))
    return False


def _goes_on(symbol: MarketSymbol, told: Renamed, chain: DataProviderChain) -> bool:
    """Whether the new name's first close continues the old name's last one, splits of these days taken out."""
    before = Price.objects.filter(symbol=symbol, day__lt=told.day, day__gte=told.day - AROUND).order_by("-day").first()
    with essential():
        answer = chain.fetch([told.new], told.day, told.day + AROUND).answers.get(told.new)
    if before is None or answer is None or not answer.prices:
        return False
    first = answer.prices[0]
    expected = before.close
    for split in answer.actions.splits:
        if before.day < split.ex_date <= first.day:
            expected /= split.ratio
    lowest, highest = CONTINUES
    return lowest * expected <= first.close <= highest * expected


def _delist(symbol: MarketSymbol, told: Delisted) -> bool:
    """Whether it is gone: asked for since, and no price came. What its holders got, an operator says."""
    if symbol.priced_to is None or len(sessions(told.day + timedelta(days=1), symbol.priced_to)) < QUIET_SESSIONS:
        return False
    if Price.objects.filter(symbol=symbol, day__gt=told.day).exists():
        return False
    if SymbolAction.objects.filter(symbol=symbol, ex_date__gt=told.day).exists():
        return False
    return bool(MarketSymbol.objects.filter(pk=symbol.pk, active=True).update(active=False, delisted_on=told.day))
