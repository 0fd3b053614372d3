"""The listings of the demo by symbol; any other symbol gets parameters derived from its letters."""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Final

from .currencies import USD_VALUE
from .funds import FUNDS, money_market
from .listing import Kind, Listing, seed_of
from .options import option_terms
from .stocks import STOCKS
from .tokens import CRYPTO

UNIVERSE: Final[dict[str, Listing]] = {item.symbol: item for item in (*STOCKS, *FUNDS, *CRYPTO)}
SECTORS: Final = ("Technology Services", "Finance", "Health Technology", "Retail Trade", "Producer Manufacturing")
# Five letters ending in X is how US mutual funds are named, in XX money-market funds.
FUND: Final = re.compile(r"[A-Z]{4}X")


def canonical(symbol: str) -> str:
    """The one spelling of a symbol here: `brk-b` -> `BRK.B`, `CUR:BTC` and `BTC-USD` -> `BTC`, `CUR:EUR` as it is."""
    upper = symbol.strip().upper()
    coin = upper.removeprefix("CUR:").removesuffix("-USD")
    if coin != upper and coin in UNIVERSE and UNIVERSE[coin].kind == "crypto":
        return coin
    dotted = upper.replace("-", ".")
    return dotted if dotted in UNIVERSE else upper


def listing(symbol: str) -> Listing:
    """The listing of any symbol: the demo's own, a currency (`CUR:EUR`), an option, or one derived from the symbol."""
    name = canonical(symbol)
    known = UNIVERSE.get(name)
    return known if known is not None else _derived(name)


@lru_cache(maxsize=4096)
def _derived(symbol: str) -> Listing:
    if symbol.removeprefix("CUR:") in USD_VALUE and symbol.startswith("CUR:"):
        return Listing(symbol=symbol, name=symbol.removeprefix("CUR:"), kind="currency", price=1.0, sector="Cash")
    if option_terms(symbol) is not None:
        return Listing(symbol=symbol, name=symbol, kind="option", price=1.0, exchange="XCBO", volatility=0.5)
    seed = seed_of(symbol, "listing")
    kind: Kind = "equity"
    if FUND.fullmatch(symbol):
        kind = "money market" if symbol.endswith("XX") else "mutual fund"
        if kind == "money market":
            return money_market(symbol, f"{symbol} Fund", dividend_yield=0.035)
    return Listing(
        symbol=symbol,
        name=f"{symbol} Holdings" if kind == "equity" else f"{symbol} Fund",
        kind=kind,
        price=round(8.0 * 40.0 ** ((seed >> 8) % 1000 / 1000), 2),
        sector=SECTORS[seed % len(SECTORS)] if kind == "equity" else "Miscellaneous",
        exchange="XNAS" if seed % 2 else "XNYS",
        volatility=(0.18 + (seed >> 20) % 20 / 100) if kind == "equity" else 0.04,
        beta=0.6 + (seed >> 32) % 80 / 100,
        dividend_yield=(seed >> 40) % 4 / 100,
    )


def search(text: str, limit: int = 10) -> list[Listing]:
    """Listings of the demo whose symbol, CUSIP or ISIN is `text`, then those whose symbol or name begins with it."""
    return list(islice(dict.fromkeys(_matches(text.strip().upper())), limit)) if text.strip() else []


def _matches(text: str) -> Iterator[Listing]:
    yield from (item for item in UNIVERSE.values() if text in (item.symbol, item.cusip, item.isin))
    yield from (item for item in UNIVERSE.values() if item.symbol.startswith(text))
    yield from (item for item in UNIVERSE.values() if f" {text}" in f" {item.name.upper()}")
