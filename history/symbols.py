"""Which market symbol prices a security. Several securities, one per source's id, share a symbol.

Options and funds without a ticker are priced by the brokerage: their mapping names no symbol. Cash needs no mapping.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from history.models import MarketSymbol, SecurityMapping, SymbolAction
from investments import ledger
from investments.entries import CorporateActionEntry
from investments.models import CorporateAction, Security

Kind = MarketSymbol.Kind
KINDS: Final = {"equity": Kind.EQUITY, "etf": Kind.ETF, "mutual fund": Kind.FUND, "cryptocurrency": Kind.CRYPTO}
US_EXCHANGES: Final = frozenset(
    {"", "XNYS", "XNAS", "XNGS", "XNMS", "XNCM", "ARCX", "XASE", "BATS", "BATO", "IEXG", "OTCM", "OOTC", "PINX", "XOTC"}
)
SHARE_CLASS: Final = re.compile(r"^([A-Z]{1,5})[./ ]([A-D])$")
TICKER: Final = re.compile(r"^[A-Z0-9][A-Z0-9.\-=^]{0,39}$")


@dataclass(frozen=True, slots=True)
class Listing:
    """What identifies a market symbol. US listings share the empty exchange: brokerages disagree on the venue."""

    symbol: str
    exchange: str
    currency: str
    kind: str


def listing_of(security: Security) -> Listing | None:
    """The listing whose prices are the security's, or None where the brokerage prices it."""
    kind = KINDS.get(security.type)
    ticker = security.ticker_symbol.strip().upper()
    if kind is None or security.is_option or security.is_cash or not ticker:
        return None
    if kind == Kind.CRYPTO:
        coin = ticker.removeprefix("CUR:").removesuffix("-USD")
        return Listing(f"{coin}-USD", "", "USD", kind) if TICKER.match(coin) else None
    venue = security.market_identifier_code.upper()
    exchange, ticker = "" if venue in US_EXCHANGES else venue, SHARE_CLASS.sub(r"\1-\2", ticker)
    currency = security.iso_currency_code or "USD"
    return Listing(ticker, exchange, currency, kind) if TICKER.match(ticker) else None


def map_securities(*, security_ids: Iterable[int]) -> int:
    """Map the securities that have no mapping yet, making symbols as needed; returns how many were mapped.

    A mapping stays as it is once made: an operator may have corrected it.
    """
    unmapped = list(Security.objects.filter(pk__in=set(security_ids), mapping=None).order_by("pk"))
    listings = {security.pk: listing_of(security) for security in unmapped if not security.is_cash}
    symbols = _symbols({listing for listing in listings.values() if listing})
    SecurityMapping.objects.bulk_create(
        [
            SecurityMapping(
                security_id=security_id,
                symbol_id=symbols[listing.symbol, listing.exchange] if listing else None,
                method=SecurityMapping.Method.TICKER if listing else SecurityMapping.Method.BROKERAGE,
            )
            for security_id, listing in listings.items()
        ],
        ignore_conflicts=True,
    )
    return len(listings)


def _symbols(listings: set[Listing]) -> dict[tuple[str, str], int]:
    """Ids by (symbol, exchange), made where missing, in one order for all workers."""
    wanted = sorted(listings, key=lambda listing: (listing.symbol, listing.exchange))
    MarketSymbol.objects.bulk_create(
        [
            MarketSymbol(symbol=one.symbol, exchange=one.exchange, currency=one.currency, kind=one.kind)
            for one in wanted
        ],
        ignore_conflicts=True,
    )
    found = MarketSymbol.objects.filter(symbol__in=[listing.symbol for listing in wanted])
    return {(symbol, exchange): pk for pk, symbol, exchange in found.values_list("pk", "symbol", "exchange")}


def record_splits(*, symbol_ids: Iterable[int]) -> int:
    """Write the symbols' splits to the ledger for every security mapped to them; returns how many rows changed.

    The ledger raises the versions of the accounts concerned. Call as the worker: it has to see every owner's accounts.
    """
    ids = list(symbol_ids)
    splits: dict[int, list[SymbolAction]] = defaultdict(list)
    for action in SymbolAction.objects.filter(symbol__in=ids, kind=SymbolAction.Kind.SPLIT).order_by("ex_date"):
        splits[action.symbol_id].append(action)
    securities: dict[int, list[int]] = defaultdict(list)
    mapped = SecurityMapping.objects.filter(symbol__in=splits).order_by("security_id")
    for symbol_id, security_id in mapped.values_list("symbol_id", "security_id"):
        securities[symbol_id].append(security_id)
    return sum(_record(securities[symbol_id], actions) for symbol_id, actions in splits.items())


def _record(security_ids: list[int], splits: list[SymbolAction]) -> int:
    if not security_ids:
        return 0
    written = ledger.record_corporate_actions(
        security_ids=security_ids,
        actions=[
            CorporateActionEntry(kind=CorporateAction.Kind.SPLIT, ex_date=split.ex_date, ratio=split.ratio)
            for split in splits
        ],
        source=splits[-1].source,
    )
    return written.inserted + written.changed
