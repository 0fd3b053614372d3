"""Financial Modeling Prep, stable API.

Closes of `historical-price-eod/full` are split-adjusted and come newest first, at most 5,000 a call; one symbol a call.
Errors come as JSON (`Error Message`), as plain text (402, 400), and now and then with status 200.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from history.core import venues
from history.providers.base import (
    Actions,
    DailyPrice,
    Delisted,
    Dividend,
    Listing,
    ListingChanges,
    Pair,
    ProviderError,
    Quote,
    Rate,
    Renamed,
    Split,
    register,
)
from history.providers.remote import Remote, day, figure, in_unit, mapping, paid_in_unit, rows, status_error
from history.providers.scale import as_traded, told_believably
from investments.core.currencies import major
from portfolio_site.lib import http
from portfolio_site.lib.sessions import market_state

LONGEST_RANGE: Final = timedelta(days=4900)  # calendar days: well below 5,000 rows, for what trades every day too
PAGES: Final = 20  # of a hundred delistings: years of them
PRICES: Final = "/stable/historical-price-eod/full"


@register("fmp")
class FinancialModelingPrep(Remote):
    """Prices, actions, rates, quotes and search."""

    name = "fmp"
    licence = (
        "Display to one's own users needs a data display agreement; no redistribution. financialmodelingprep.com/terms"
    )

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """Last prices; symbols unknown to FMP are missing, as it drops them."""
        wanted = {theirs: symbol for symbol in symbols if (theirs := _theirs(symbol))}
        found = {}
        for row in rows(self._get("/stable/batch-quote", symbols=",".join(wanted))) if wanted else ():
            ours = wanted.get(str(row.get("symbol")))
            unit = self._unit(ours) if ours else None
            quote = _quote(row, ours, unit) if ours and unit else None
            if ours and quote:
                found[ours] = quote
        return found

    def search(self, *, ticker: str = "", cusip: str = "", isin: str = "", name: str = "") -> Sequence[Listing]:
        """Listings; a CUSIP or ISIN may have several."""
        if cusip:
            return _listings(self._get("/stable/search-cusip", cusip=cusip), cusip=cusip)
        if isin:
            return _listings(self._get("/stable/search-isin", isin=isin), isin=isin)
        if ticker:
            return _listings(self._get("/stable/search-symbol", query=_theirs(ticker) or ticker))
        return _listings(self._get("/stable/search-name", query=name))

    def listing_changes(self, since: date) -> ListingChanges:
        """New symbols and delistings of the market since a day; newest first, a page at a time."""
        renamed = [_renamed(row) for row in rows(self._get("/stable/symbol-change", limit="1000"))]
        delisted: list[Delisted] = []
        for page in range(PAGES):
            told = rows(self._get("/stable/delisted-companies", page=str(page), limit="100"))
            found = [one for row in told if (one := _delisted(row))]
            delisted += [one for one in found if one.day >= since]
            if not found or min(one.day for one in found) < since:
                break
        return ListingChanges(tuple(one for one in renamed if one and one.day >= since), tuple(delisted))

    def refusal(self, answer: http.Answer, parsed: Any) -> ProviderError | None:
        """`Error Message` counts whatever the status says."""
        message = str(mapping(parsed).get("Error Message", ""))
        if "limit reach" in message.lower():
            return ProviderError("fmp limits us", retry_after=answer.retry_after or 0.0)
        if message:
            return ProviderError(f"fmp refuses the question ({answer.status})", permanent=True)
        return status_error(self.name, answer)

    def _get(self, path: str, **params: str) -> Any:
        return self.json(path, **params, apikey=self.access.key)

    def _unit(self, symbol: str) -> Decimal | None:
        """Prices come without their currency; the search has it."""

        def told() -> str | None:
            theirs = _theirs(symbol) or ""
            found = rows(self._get("/stable/search-symbol", query=theirs))
            return next((str(row.get("currency") or "") for row in found if row.get("symbol") == theirs), None)

        return self.unit(symbol, told)

    def _prices(self, symbol: str, start: date, end: date) -> list[DailyPrice] | None:
        """A symbol without any is not known, for FMP tells unknown ones by an empty list."""
        theirs = _theirs(symbol)
        bars = self._bars(theirs, start, end) if theirs else []
        unit = self._unit(symbol) if bars else None
        splits = self._splits(symbol) if unit else []
        if not unit or not told_believably(splits):
            return None
        return as_traded([in_unit(bar, unit) for bar in bars], splits)

    def _bars(self, theirs: str, start: date, end: date) -> list[DailyPrice]:
        bars: list[DailyPrice] = []
        while start <= end:
            last = min(end, start + LONGEST_RANGE)
            answer = self._get(PRICES, symbol=theirs, **{"from": start.isoformat(), "to": last.isoformat()})
            bars += [bar for row in rows(answer) if (bar := _bar(row)) and start <= bar.day <= last]
            start = last + timedelta(days=1)
        return bars

    def _rates(self, pair: Pair, start: date, end: date) -> list[Rate] | None:
        told = (Rate(bar.day, bar.close) for bar in self._bars("".join(pair), start, end))
        return sorted(told, key=lambda rate: rate.day) or None

    def _splits(self, symbol: str) -> list[Split]:
        """All that there ever were: older prices are divided by splits after the range too."""
        answer = self.remembered(symbol, lambda: self._get("/stable/splits", symbol=_theirs(symbol) or ""))
        return [split for row in rows(answer) if (split := _split(row))]

    def _actions(self, symbol: str, start: date, end: date) -> Actions | None:
        theirs = _theirs(symbol)
        if not theirs:
            return None
        dividends = [paid for row in rows(self._get("/stable/dividends", symbol=theirs)) if (paid := _paid(row))]
        unit = self._unit(symbol) if dividends else Decimal(1)
        told = Actions(
            splits=tuple(split for split in self._splits(symbol) if start <= split.ex_date <= end),
            dividends=tuple(paid for paid in dividends if unit and start <= paid.ex_date <= end),
        )
        return paid_in_unit(told, unit or Decimal(1))


def _theirs(asked: str) -> str | None:
    """BRK.B is BRK-B there, VOD in London VOD.L; None for an exchange that FMP does not have."""
    found = venues.theirs(asked, "fmp")
    return found and found[0].replace(".", "-") + found[1]


def _bar(row: dict[str, Any]) -> DailyPrice | None:
    at, close = day(row.get("date")), figure(row.get("close"))
    if at is None or close is None:
        return None
    opened, high, low, volume = (figure(row.get(key)) for key in ("open", "high", "low", "volume"))
    return DailyPrice(at, close, opened, high, low, volume=volume)


def _renamed(row: dict[str, Any]) -> Renamed | None:
    at, old, new = day(row.get("date")), _asked(row.get("oldSymbol")), _asked(row.get("newSymbol"))
    return Renamed(at, old, new) if at and old and new and old != new else None


def _delisted(row: dict[str, Any]) -> Delisted | None:
    at, asked = day(row.get("delistedDate")), _asked(row.get("symbol"))
    return Delisted(at, asked) if at and asked else None


def _asked(told: Any) -> str:
    symbol, venue = venues.listed_at(str(told or "").strip().upper(), "fmp")
    return venues.asked_as(symbol, venue.mic if venue else "")


def _split(row: dict[str, Any]) -> Split | None:
    ex_date, new, old = day(row.get("date")), figure(row.get("numerator")), figure(row.get("denominator"))
    return Split(ex_date, new / old) if ex_date and new and old and new > 0 and old > 0 else None


def _paid(row: dict[str, Any]) -> Dividend | None:
    """The dividend as it was paid, not divided by later splits."""
    ex_date, amount = day(row.get("date")), figure(row.get("dividend"))
    return Dividend(ex_date, amount) if ex_date and amount and amount > 0 else None


def _quote(row: dict[str, Any], symbol: str, unit: Decimal) -> Quote | None:
    price, seconds = figure(row.get("price")), figure(row.get("timestamp"))
    if price is None or price <= 0 or seconds is None or not 0 < seconds < 10**11:
        return None
    at = datetime.fromtimestamp(int(seconds), UTC)
    before = figure(row.get("previousClose"))
    quote = Quote(symbol, price * unit, at, "fmp", market_state(at))
    return replace(quote, previous_close=None if before is None else before * unit)


def _listings(answer: Any, *, cusip: str = "", isin: str = "") -> list[Listing]:
    return [_listing(row, cusip, isin) for row in rows(answer) if row.get("symbol")]


def _listing(row: dict[str, Any], cusip: str, isin: str) -> Listing:
    symbol, venue = venues.listed_at(str(row["symbol"]), "fmp")
    return Listing(
        symbol=symbol,
        name=str(row.get("name") or row.get("companyName") or ""),
        exchange=venue.mic if venue else str(row.get("exchange") or row.get("exchangeShortName") or ""),
        currency=major(str(row.get("currency") or ""))[0] or (venue.currency if venue else ""),
        cusip=cusip,
        isin=isin,
    )
