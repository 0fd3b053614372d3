"""Symbols as brokers write them: tickers, contracts, CUSIPs."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final

from plaid_link.sources.csv.rows import Instrument

TICKER: Final = re.compile(r"[A-Z0-9]{1,6}(?:[./-][A-Z0-9]{1,4})?|[A-Z]{1,10}-[A-Z]{3}")
_CUSIP: Final = re.compile(r"(?=.*\d)[0-9A-Z]{8}\d")
_MONTH_NAMES: Final = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"
_MONTHS: Final = {name: number for number, name in enumerate(_MONTH_NAMES.split(), 1)}
_NUMBER: Final = r"(?P<strike>\d+(?:,\d{3})*(?:\.\d+)?)"
_CONTRACTS: Final = (
    # OCC: AAPL  240119C00150000, strike in thousandths.
    re.compile(r"(?P<u>[A-Z.]{1,6}) *(?P<yy>\d{2})(?P<mm>\d{2})(?P<dd>\d{2})(?P<cp>[CP])(?P<occ>\d{8})"),
    # Fidelity: -XLU260710P44.5
    re.compile(rf"-?(?P<u>[A-Z.]{{1,6}}?)(?P<yy>\d{{2}})(?P<mm>\d{{2}})(?P<dd>\d{{2}})(?P<cp>[CP]){_NUMBER}"),
    # Schwab: AAPL 01/16/2026 250.00 C
    re.compile(rf"(?P<u>[A-Z.]{{1,6}}) (?P<mm>\d{{1,2}})/(?P<dd>\d{{1,2}})/(?P<yy>\d{{4}}) {_NUMBER} (?P<cp>[CP])"),
    # Robinhood: SPY 5/8/2026 Call $700.00
    re.compile(
        rf"(?P<u>[A-Z.]{{1,6}}) (?P<mm>\d{{1,2}})/(?P<dd>\d{{1,2}})/(?P<yy>\d{{4}}) (?P<cp>CALL|PUT) \$?{_NUMBER}"
    ),
    # Interactive Brokers: AAPL 15AUG25 230 C
    re.compile(rf"(?P<u>[A-Z.]{{1,6}}) (?P<dd>\d{{1,2}})(?P<mon>[A-Z]{{3}})(?P<yy>\d{{2}}) {_NUMBER} (?P<cp>[CP])"),
)


@lru_cache(maxsize=8192)
def instrument(symbol: str, name: str = "", type: str = "", cusip: str = "", isin: str = "") -> Instrument | None:
    """What a row is about: a ticker, a contract, a CUSIP in place of a ticker; None where the file names nothing."""
    bare = symbol.strip().upper().rstrip("*")
    contract = option(bare)
    if contract:
        return contract
    if _CUSIP.fullmatch(bare):
        return Instrument(bare, name=name, cusip=bare, type=type or "fixed income")
    key = bare or cusip or isin or " ".join(name.upper().split())[:60]
    if not key:
        return None
    return Instrument(key, ticker=bare, name=name, cusip=cusip, isin=isin, type=type)


@lru_cache(maxsize=8192)
def option(text: str) -> Instrument | None:
    """The contract that the text names, in the notation of any of the brokers, keyed as OCC writes it."""
    for pattern in _CONTRACTS:
        told = pattern.fullmatch(text.strip().upper())
        if told:
            return _contract(told.groupdict())
    return None


def _contract(parts: Mapping[str, str]) -> Instrument | None:
    year = int(parts["yy"]) + (0 if len(parts["yy"]) == 4 else 2000)
    month = int(parts["mm"]) if parts.get("mm") else _MONTHS.get(parts.get("mon", ""), 0)
    try:
        expires = date(year, month, int(parts["dd"]))
    except ValueError:
        return None
    strike = Decimal(parts["occ"]) / 1000 if parts.get("occ") else Decimal(parts["strike"].replace(",", ""))
    kind = "call" if parts["cp"].startswith("C") else "put"
    occ = f"{parts['u']}{expires:%y%m%d}{kind[0].upper()}{int(strike * 1000):08d}"
    return Instrument(
        occ,
        ticker=occ,
        name=f"{parts['u']} {expires:%d %b %Y} {strike.normalize():f} {kind}",
        type="derivative",
        option_type=kind,
        strike=strike,
        expires=expires,
        underlying=parts["u"],
    )


def guessed_type(one: Instrument) -> str:
    """`type` as the ledger has it, from ticker and name, for what nothing else is known about."""
    if one.type:
        return one.type
    name = f" {one.name.upper()} "
    if any(word in name for word in (" ETF ", " ETF,", " TRUST ETF", "ISHARES", "SPDR", " ETN ")):
        return "etf"
    if len(one.ticker) == 5 and one.ticker.endswith("X"):
        return "mutual fund"
    return "equity"
