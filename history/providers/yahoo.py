"""Yahoo's chart API.

`quote.close` is divided by every split until today, so a question always reaches to today. Figures are of single
precision: the shortest number that they can mean is taken. Days and ex-dates are session openings in the exchange's
zone. Prices of crypto are of days in UTC.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote as quoted
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

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
from history.providers.remote import Remote, figure, in_unit, mapping, rows
from history.providers.scale import as_traded, told_believably
from investments.core.currencies import major
from portfolio_site.lib.sessions import market_state

KINDS: Final = {"EQUITY": "equity", "ETF": "etf", "MUTUALFUND": "fund", "CRYPTOCURRENCY": "crypto", "OPTION": "option"}
LAST_SECOND: Final = Decimal(4 * 10**9)


@register("yahoo")
class Yahoo(Remote):
    """Prices, actions, rates, quotes and search by name or ticker."""

    name = "yahoo"
    licence = "Personal use only by Yahoo's terms; no redistribution. legal.yahoo.com"

    def search(self, *, ticker: str = "", cusip: str = "", isin: str = "", name: str = "") -> Sequence[Listing]:
        """Listings; Yahoo finds an ISIN now and then, and a CUSIP never."""
        if cusip:
            return []
        answer = self.json("/v1/finance/search", q=ticker or isin or name, newsCount="0")
        return [_listing(row, isin) for row in rows(mapping(answer).get("quotes")) if row.get("symbol")]

    def _listed(self, symbol: str, start: date) -> dict[str, Any] | None:
        theirs = _theirs(symbol)
        return None if theirs is None else self._chart(theirs, start)

    def _chart(self, theirs: str, start: date) -> dict[str, Any] | None:
        """One symbol's chart from `start` to now; None when it is unknown."""
        return self.remembered((theirs, start), lambda: self._asked_chart(theirs, start))

    def _asked_chart(self, theirs: str, start: date) -> dict[str, Any] | None:
        answer = self.json(
            f"/v8/finance/chart/{quoted(theirs, safe='')}",
            period1=str(_midnight(start) - 86400),  # an eastern exchange opens on the day before in UTC
            period2=str(_midnight(datetime.now(UTC).date()) + 2 * 86400),
            interval="1d",
            events="div|split",
        )
        chart = mapping(mapping(answer).get("chart"))
        results = rows(chart.get("result"))
        if not results:
            return None
        if chart.get("error"):
            raise ProviderError("yahoo answered with an error")
        return results[0]

    def _prices(self, symbol: str, start: date, end: date) -> list[DailyPrice] | None:
        chart = self._listed(symbol, start)
        splits = _splits(chart) if chart else []
        if chart is None or not told_believably(splits):
            return None
        return [bar for bar in as_traded(_bars(chart), splits) if start <= bar.day <= end]

    def _actions(self, symbol: str, start: date, end: date) -> Actions | None:
        chart = self._listed(symbol, start)
        if chart is None:
            return None
        splits = _splits(chart)
        return Actions(
            splits=tuple(split for split in splits if start <= split.ex_date <= end),
            dividends=tuple(paid for paid in _dividends(chart, splits) if start <= paid.ex_date <= end),
        )

    def _rates(self, pair: Pair, start: date, end: date) -> list[Rate] | None:
        chart = self._chart(f"{''.join(pair)}=X", start)
        if chart is None:
            return None
        return [Rate(bar.day, bar.close) for bar in sorted(_bars(chart), key=_day_of) if start <= bar.day <= end]

    def _quote(self, symbol: str) -> Quote | None:
        chart = self._listed(symbol, datetime.now(UTC).date() - timedelta(days=7))
        meta = mapping((chart or {}).get("meta"))
        price, at = _single(meta.get("regularMarketPrice")), _moment(meta.get("regularMarketTime"), ZoneInfo("UTC"))
        if price is None or price <= 0 or at is None:
            return None
        price *= _unit(chart or {})
        closes = [bar.close for bar in sorted(_bars(chart or {}), key=_day_of) if bar.day < at.date()]
        delay = figure(meta.get("exchangeDataDelayedBy")) or Decimal(0)
        return Quote(symbol, price, at, self.name, market_state(at), int(delay), closes[-1] if closes else None)


def _theirs(asked: str) -> str | None:
    """BRK.B is BRK-B there, VOD in London VOD.L; None for an exchange that Yahoo does not have."""
    found = venues.theirs(asked, "yahoo")
    if found is None:
        return None
    symbol, suffix = found
    head, point, tail = symbol.rpartition(".")
    return (f"{head}-{tail}" if point and tail in ("A", "B", "C") else symbol) + suffix


def _unit(chart: dict[str, Any]) -> Decimal:
    """0.01 where the chart is in pence or the like."""
    return major(str(mapping(chart.get("meta")).get("currency") or ""))[1]


def _midnight(of: date) -> int:
    return int(datetime.combine(of, time.min, UTC).timestamp())


def _zone(chart: dict[str, Any]) -> ZoneInfo:
    try:
        return ZoneInfo(str(mapping(chart.get("meta")).get("exchangeTimezoneName") or "America/New_York"))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ProviderError("yahoo names a time zone that is none") from None


def _moment(seconds: Any, zone: ZoneInfo) -> datetime | None:
    told = figure(seconds)
    return datetime.fromtimestamp(int(told), zone) if told is not None and 0 <= told < LAST_SECOND else None


def _single(value: Any) -> Decimal | None:
    """The shortest decimal of a single-precision figure; one of more precision is taken as it is."""
    told = figure(value)
    if told is None or abs(told) > 10**30:
        return told
    short = np.float32(float(told))
    return Decimal(str(short)) if float(short) == float(told) else told


def _bars(chart: dict[str, Any]) -> list[DailyPrice]:
    """Split-adjusted. Two of one day (the running one comes twice): the later."""
    zone, unit, indicators = _zone(chart), _unit(chart), mapping(chart.get("indicators"))
    quote = next(iter(rows(indicators.get("quote"))), {})
    adjusted = next(iter(rows(indicators.get("adjclose"))), {})
    columns = [_column(quote, key) for key in ("close", "open", "high", "low", "volume")]
    adj_close = _column(adjusted, "adjclose")
    bars: dict[date, DailyPrice] = {}
    for place, seconds in enumerate(_column(chart, "timestamp")):
        at = _moment(seconds, zone)
        close, opened, high, low, volume = (_single(_at(column, place)) for column in columns)
        if at is not None and close is not None:
            adjusted_close = _single(_at(adj_close, place))
            bar = DailyPrice(at.date(), close, opened, high, low, adjusted_close, volume)
            bars[at.date()] = in_unit(bar, unit)
    return list(bars.values())


def _column(of: dict[str, Any], key: str) -> list[Any]:
    column = of.get(key)
    return column if isinstance(column, list) else []


def _at(column: list[Any], place: int) -> Any:
    return column[place] if place < len(column) else None


def _events(chart: dict[str, Any], kind: str) -> list[tuple[date, dict[str, Any]]]:
    zone = _zone(chart)
    told = mapping(mapping(chart.get("events")).get(kind)).values()
    dated = [(_moment(event.get("date"), zone), event) for event in told if isinstance(event, dict)]
    return sorted(((at.date(), event) for at, event in dated if at is not None), key=lambda each: each[0])


def _splits(chart: dict[str, Any]) -> list[Split]:
    found = []
    for ex_date, event in _events(chart, "splits"):
        new, old = figure(event.get("numerator")), figure(event.get("denominator"))
        if new and old and new > 0 and old > 0:
            found.append(Split(ex_date, new / old))
    return found


def _dividends(chart: dict[str, Any], splits: Sequence[Split]) -> list[Dividend]:
    """As paid: Yahoo divides them by later splits too."""
    found, unit = [], _unit(chart)
    for ex_date, event in _events(chart, "dividends"):
        amount = _single(event.get("amount"))
        if amount is not None and amount > 0:
            (as_paid,) = as_traded([DailyPrice(ex_date, amount)], splits)
            found.append(Dividend(ex_date, as_paid.close * unit))
    return found


def _listing(row: dict[str, Any], isin: str) -> Listing:
    symbol, venue = venues.listed_at(str(row["symbol"]), "yahoo")
    return Listing(
        symbol=symbol,
        name=str(row.get("longname") or row.get("shortname") or ""),
        exchange=venue.mic if venue else str(row.get("exchange") or ""),
        currency=venue.currency if venue else "",
        kind=KINDS.get(str(row.get("quoteType")), "other"),
        isin=isin,
    )


def _day_of(bar: DailyPrice) -> date:
    return bar.day
