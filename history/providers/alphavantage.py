"""Alpha Vantage.

`TIME_SERIES_DAILY` is raw. Errors come with status 200 as `Information`, `Note` or `Error Message`. A free key has 25
calls a day and the last 100 days, which is why it stands late in the chain.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from history.core import venues
from history.providers.base import (
    Actions,
    DailyPrice,
    Dividend,
    Listing,
    Pair,
    ProviderError,
    Quote,
    Rate,
    Split,
    register,
)
from history.providers.remote import Remote, day, figure, in_unit, mapping, paid_in_unit, rows, status_error
from investments.core.currencies import major
from portfolio_site.lib import http
from portfolio_site.lib.sessions import closes_at, is_session

COMPACT: Final = timedelta(days=130)  # calendar days that 100 sessions surely span
KINDS: Final = {"Equity": "equity", "ETF": "etf", "Mutual Fund": "fund"}


@register("alphavantage")
class AlphaVantage(Remote):
    """Prices, actions, rates, quotes and search by ticker or name."""

    name = "alphavantage"
    licence = "Personal use by the terms of the free key; commercial use by agreement. alphavantage.co/terms_of_service"

    def search(self, *, ticker: str = "", cusip: str = "", isin: str = "", name: str = "") -> Sequence[Listing]:
        """Listings by ticker or name; identifiers are not searched."""
        if cusip or isin:
            return []
        answer = mapping(self._get("SYMBOL_SEARCH", keywords=ticker or name))
        return [_listing(row) for row in rows(answer.get("bestMatches")) if row.get("1. symbol")]

    def refusal(self, answer: http.Answer, parsed: Any) -> ProviderError | None:
        """Why there is nothing: an unknown symbol is no error, a limit passes, a plan does not."""
        told = mapping(parsed)
        message = str(told.get("Information") or told.get("Note") or "").lower()
        if "premium" in message and "rate limit" not in message and "call frequency" not in message:
            return ProviderError("alphavantage: not in this plan", permanent=True)
        if "rate limit" in message or "call frequency" in message or "requests per day" in message:
            return ProviderError("alphavantage limits us")
        if message or "apikey" in str(told.get("Error Message", "")).lower():
            return ProviderError("alphavantage refuses the key or the question", permanent=True)
        return status_error(self.name, answer)

    def _get(self, function: str, **params: str) -> Any:
        return self.json("/query", function=function, **params, apikey=self.access.key)

    def _unit(self, symbol: str) -> Decimal | None:
        """Prices come without their currency; the search has it."""

        def told() -> str | None:
            theirs = _theirs(symbol) or ""
            found = rows(mapping(self._get("SYMBOL_SEARCH", keywords=theirs)).get("bestMatches"))
            return next((str(row.get("8. currency")) for row in found if row.get("1. symbol") == theirs), None)

        return self.unit(symbol, told)

    def _prices(self, symbol: str, start: date, end: date) -> list[DailyPrice] | None:
        theirs = _theirs(symbol)
        unit = self._unit(symbol) if theirs else None
        if not theirs or not unit:
            return None
        answer = self._get("TIME_SERIES_DAILY", symbol=theirs, outputsize=_size(start))
        bars = _series(answer, "Time Series (Daily)", start, end)
        return None if bars is None else [in_unit(bar, unit) for bar in bars]

    def _rates(self, pair: Pair, start: date, end: date) -> list[Rate] | None:
        base, quote = pair
        answer = self._get("FX_DAILY", from_symbol=base, to_symbol=quote, outputsize=_size(start))
        bars = _series(answer, "Time Series FX (Daily)", start, end)
        return None if bars is None else [Rate(bar.day, bar.close) for bar in bars]

    def _actions(self, symbol: str, start: date, end: date) -> Actions | None:
        theirs = _theirs(symbol)
        unit = self._unit(symbol) if theirs else None
        if not theirs or not unit:
            return None
        splits = [_split(row) for row in rows(mapping(self._get("SPLITS", symbol=theirs)).get("data"))]
        dividends = [_paid(row) for row in rows(mapping(self._get("DIVIDENDS", symbol=theirs)).get("data"))]
        told = Actions(
            splits=tuple(split for split in splits if split and start <= split.ex_date <= end),
            dividends=tuple(paid for paid in dividends if paid and start <= paid.ex_date <= end),
        )
        return paid_in_unit(told, unit)

    def _quote(self, symbol: str) -> Quote | None:
        """It tells the day and not the time."""
        theirs = _theirs(symbol)
        unit = self._unit(symbol) if theirs else None
        if not theirs or not unit:
            return None
        told = mapping(mapping(self._get("GLOBAL_QUOTE", symbol=theirs)).get("Global Quote"))
        price, of = figure(told.get("05. price")), day(told.get("07. latest trading day"))
        if price is None or price <= 0 or of is None:
            return None
        at = closes_at(of).astimezone(UTC) if is_session(of) else datetime.combine(of, datetime.min.time(), UTC)
        before = figure(told.get("08. previous close"))
        before = None if before is None else before * unit
        return Quote(symbol, price * unit, at, self.name, "closed", previous_close=before)


def _theirs(asked: str) -> str | None:
    """VOD in London is VOD.LON there; None for an exchange that Alpha Vantage does not have."""
    found = venues.theirs(asked, "alphavantage")
    return found and "".join(found)


def _size(start: date) -> str:
    """Full history is asked for, and by many plans refused, only where the last 100 days do not reach."""
    return "compact" if datetime.now(UTC).date() - start < COMPACT else "full"


def _series(answer: Any, key: str, start: date, end: date) -> list[DailyPrice] | None:
    """The bars of the range, oldest first; None when there is no series, which is how unknown symbols look."""
    told = mapping(answer).get(key)
    if not isinstance(told, dict):
        return None
    bars = [bar for at, row in told.items() if (bar := _bar(day(at), mapping(row)))]
    return sorted((bar for bar in bars if start <= bar.day <= end), key=lambda bar: bar.day)


def _bar(at: date | None, row: dict[str, Any]) -> DailyPrice | None:
    close = figure(row.get("4. close"))
    if at is None or close is None:
        return None
    opened, high, low, volume = (figure(row.get(key)) for key in ("1. open", "2. high", "3. low", "5. volume"))
    return DailyPrice(at, close, opened, high, low, volume=volume)


def _split(row: dict[str, Any]) -> Split | None:
    ex_date, ratio = day(row.get("effective_date")), figure(row.get("split_factor"))
    return Split(ex_date, ratio) if ex_date and ratio and ratio > 0 else None


def _paid(row: dict[str, Any]) -> Dividend | None:
    ex_date, amount = day(row.get("ex_dividend_date")), figure(row.get("amount"))
    return Dividend(ex_date, amount) if ex_date and amount and amount > 0 else None


def _listing(row: dict[str, Any]) -> Listing:
    symbol, venue = venues.listed_at(str(row["1. symbol"]), "alphavantage")
    return Listing(
        symbol=symbol,
        name=str(row.get("2. name") or ""),
        exchange=venue.mic if venue else str(row.get("4. region") or ""),
        currency=major(str(row.get("8. currency") or ""))[0],
        kind=KINDS.get(str(row.get("3. type")), "other"),
    )
