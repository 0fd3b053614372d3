"""Which market symbol prices a security. Several securities, one per source's id, share a symbol.

Options and funds without a ticker are priced by the brokerage: their mapping names no symbol. Cash needs no mapping.
"""

import logging
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models import Max
from django.utils import timezone

from history.core import venues
from history.core.issuers import Paper, contradict, same_issuer
from history.models import FormerName, MarketSymbol, SecurityMapping
from history.models.symbol import RETIRED
from investments.core.currencies import MINOR
from investments.models import Security

logger = logging.getLogger(__name__)

Kind = MarketSymbol.Kind
Name = tuple[str, str]  # symbol, exchange
KINDS: Final = {"equity": Kind.EQUITY, "etf": Kind.ETF, "mutual fund": Kind.FUND, "cryptocurrency": Kind.CRYPTO}
SHARE_CLASS: Final = re.compile(r"^([A-Z]{1,5})[./ ]([A-D])$")
TICKER: Final = re.compile(r"^[A-Z0-9][A-Z0-9.\-=^]{0,39}$")


class TickerTaken(Exception):
    """The ticker was another company's and its symbol has not been renamed yet; the message says whose."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What identifies a market symbol. US listings share the empty exchange: brokerages disagree on the venue."""

    symbol: str
    exchange: str
    currency: str
    kind: str

    @property
    def name(self) -> Name:
        """What no two market symbols share."""
        return self.symbol, self.exchange


def paper_of(security: Security) -> Paper:
    """Whose it is, as its source tells it."""
    return Paper(security.cusip, security.isin, security.type, security.name)


def listing_of(security: Security) -> Listing | None:
    """The listing whose prices are the security's, or None where the brokerage prices it."""
    kind = KINDS.get(security.type)
    ticker = security.ticker_symbol.strip().upper()
    if kind is None or security.is_option or security.is_cash or not ticker:
        return None
    if kind == Kind.CRYPTO:
        coin = ticker.removeprefix("CUR:").removesuffix("-USD")
        return Listing(f"{coin}-USD", "", "USD", kind) if TICKER.match(coin) else None
    exchange, ticker = exchange_named(security.market_identifier_code), SHARE_CLASS.sub(r"\1-\2", ticker)
    return Listing(ticker, exchange, currency_of(security), kind) if TICKER.match(ticker) else None


def exchange_named(text: str) -> str:
    """An exchange as symbols keep it: empty for the United States, a MIC where the name is known, else as written."""
    mic = venues.mic_of(text)
    return text.strip().upper() if mic is None else mic


def currency_of(security: Security) -> str:
    """The currency of the security's market: pounds for what is told in pence."""
    unofficial = security.unofficial_currency_code
    return security.iso_currency_code or MINOR.get(unofficial, "USD")


def symbol_named(text: str, *, exchange: str | None = None) -> MarketSymbol | None:
    """The symbol as people write it: any case, BRK.B for BRK-B; the US listing first where no exchange is named."""
    symbol = SHARE_CLASS.sub(r"\1-\2", text.strip().upper())
    if not TICKER.match(symbol):
        return None
    listings = MarketSymbol.objects.filter(symbol=symbol).order_by("exchange", "pk")
    return (listings if exchange is None else listings.filter(exchange=exchange_named(exchange))).first()


def map_securities(*, security_ids: Iterable[int]) -> int:
    """Map the securities that have no mapping yet, making symbols as needed; returns how many were mapped.

    A mapping stays as it is once made: an operator may have corrected it. A ticker that belongs to another company's
    paper prices nothing: the brokerage does, until identifiers or an operator say which symbol it is.
    """
    unmapped = list(Security.objects.filter(pk__in=set(security_ids), mapping=None).order_by("pk"))
    listings = {security.pk: listing_of(security) for security in unmapped if not security.is_cash}
    wanted = {listing for listing in listings.values() if listing}
    names = _Names(wanted)
    claims = {security: listings[security.pk] for security in unmapped if listings.get(security.pk)}
    symbols = names.symbols({security: listing for security, listing in claims.items() if listing})
    SecurityMapping.objects.bulk_create(
        [
            SecurityMapping(
                security_id=security_id,
                symbol_id=symbols.get(security_id),
                method=SecurityMapping.Method.TICKER if security_id in symbols else SecurityMapping.Method.BROKERAGE,
            )
            for security_id in listings
        ],
        ignore_conflicts=True,
    )
    return len(listings)


class _Names:
    """Who has had the names that are wanted: by security, so that a name alone decides nothing. Two queries."""

    def __init__(self, wanted: Collection[Listing]) -> None:
        names = {listing.symbol for listing in wanted}
        self.owners: dict[Name, list[Paper]] = defaultdict(list)
        self.delisted: dict[Name, int] = {}
        self.former: dict[Name, list[tuple[int, Paper]]] = defaultdict(list)
        self.free_from: dict[Name, date] = {}
        mapped = SecurityMapping.objects.filter(symbol__symbol__in=names).select_related("symbol", "security")
        for mapping in mapped.order_by("pk"):
            symbol = mapping.symbol
            if symbol is not None:
                self.owners[symbol.symbol, symbol.exchange].append(paper_of(mapping.security))
                if not symbol.active:
                    self.delisted[symbol.symbol, symbol.exchange] = symbol.pk
        for past in FormerName.objects.filter(name__in=names).prefetch_related("symbol__mappings__security"):
            name = past.name, past.exchange
            self.free_from[name] = max(self.free_from.get(name, date.min), past.until)
            papers = [paper_of(mapping.security) for mapping in past.symbol.mappings.all()]
            self.former[name] += [(past.symbol_id, paper) for paper in papers]

    def symbols(self, claims: Mapping[Security, Listing]) -> dict[int, int]:
        """Symbol ids by security id, of the claims that hold."""
        found = {security.pk: owner for security, one in claims.items() if (owner := self._former(security, one))}
        left = {security: one for security, one in claims.items() if security.pk not in found}
        by_name: dict[Name, list[Security]] = defaultdict(list)
        for security, listing in left.items():
            by_name[listing.name].append(security)
        held = {name for name, claimants in by_name.items() if self._holds(name, claimants)}
        granted = {
            security.pk: one for security, one in left.items() if one.name in held or self._is_owners(security, one)
        }
        ids = _symbols(set(granted.values()), self.free_from)
        return found | {security_id: ids[listing.name] for security_id, listing in granted.items()}

    def _former(self, security: Security, listing: Listing) -> int | None:
        """A source that still tells the old ticker means the company, if its identifiers say so."""
        paper = paper_of(security)
        return next((pk for pk, past in self.former[listing.name] if same_issuer(paper, past)), None)

    def _is_owners(self, security: Security, listing: Listing) -> bool:
        owners, paper = self.owners[listing.name], paper_of(security)
        return bool(owners) and not any(contradict(paper, owner) for owner in owners)

    def _holds(self, name: Name, claimants: Sequence[Security]) -> bool:
        """Whether all that claim the name are one company's, and whose it was before."""
        papers = [paper_of(security) for security in claimants]
        agreed = not any(contradict(papers[0], paper) for paper in papers[1:])
        disputed = [paper for paper in papers if any(contradict(paper, owner) for owner in self.owners[name])]
        if agreed and len(disputed) == len(papers) and name in self.delisted:
            self.free_from[name] = retire(symbol_id=self.delisted[name])
            return True
        if disputed or not agreed:
            logger.warning(
                "%s is claimed by the papers of several companies: the brokerage prices the new ones", name[0]
            )
            return False
        return True


def refuse_anothers(security: Security, name: Name) -> None:
    """Raises TickerTaken where the security's own ticker is a name whose prices are those of another company's paper.

    Another name than its own is meant: a pool that follows a public fund is priced by it.
    """
    own = listing_of(security)
    if own is None or own.name != name:
        return
    paper = paper_of(security)
    mapped = SecurityMapping.objects.filter(symbol__symbol=name[0], symbol__exchange=name[1]).exclude(security=security)
    for mapping in mapped.select_related("security"):
        if contradict(paper, paper_of(mapping.security)):
            raise TickerTaken(f"{name[0]} still prices {mapping.security.name or mapping.security}")


def retire(*, symbol_id: int) -> date:
    """Let go of the name of what is no longer listed, which keeps its prices; returns the day the name is free from."""
    symbol = MarketSymbol.objects.get(pk=symbol_id)
    until = symbol.delisted_on or timezone.localdate()
    FormerName.objects.get_or_create(symbol=symbol, name=symbol.symbol, exchange=symbol.exchange, until=until)
    MarketSymbol.objects.filter(pk=symbol_id).update(exchange=f"{RETIRED}{symbol_id}", active=False)
    return until


def free_from(name: Name) -> date | None:
    """Since when the name is no longer that of another symbol; None: it never was."""
    told = FormerName.objects.filter(name=name[0], exchange=name[1]).aggregate(last=Max("until"))
    day: date | None = told["last"]
    return day


def _symbols(listings: set[Listing], free: Mapping[Name, date]) -> dict[Name, int]:
    """Ids by (symbol, exchange), made where missing, in one order for all workers."""
    wanted = sorted(listings, key=lambda listing: listing.name)
    MarketSymbol.objects.bulk_create(
        [
            MarketSymbol(
                symbol=one.symbol, exchange=one.exchange, currency=one.currency, kind=one.kind,
                listed_from=free.get(one.name),
            )
            for one in wanted
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    found = MarketSymbol.objects.filter(symbol__in=[listing.symbol for listing in wanted])
    return {(symbol, exchange): pk for pk, symbol, exchange in found.values_list("pk", "symbol", "exchange")}
