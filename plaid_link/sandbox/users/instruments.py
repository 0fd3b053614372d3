"""What the institutions here can hold: Plaid's description and the price of anything named by a symbol.

Symbols are the simulated market's, and besides those `CUR:USD` for cash and `BILL:2027-03-18` for a Treasury bill.
"""

from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from portfolio_site.lib import simulated_market as market
from portfolio_site.lib.simulated_market import Listing

from .records import CASH

BILL: Final = "BILL:"
TRUST: Final = "TRUST:"
BILL_YIELD: Final = Decimal("0.041")
PER_100_OF_PAR: Final = Decimal("0.01")
CONTRACT: Final = Decimal(100)
# Plaid's type, subtype and CFI code for each kind of listing.
KINDS: Final = {
    "equity": ("equity", "common stock", "ESVUFR"),
    "etf": ("etf", "etf", "CEOGES"),
    "mutual fund": ("mutual fund", "mutual fund", "CIOGES"),
    "money market": ("mutual fund", "mutual fund", "CIOIMS"),
    "crypto": ("cryptocurrency", "cryptocurrency", None),
    "currency": ("cash", "cash", None),
}
NOTHING: Final[dict[str, Any]] = dict.fromkeys(
    (
        "cusip",
        "sedol",
        "isin",
        "figi",
        "institution_security_id",
        "institution_id",
        "proxy_security_id",
        "ticker_symbol",
        "close_price",
        "close_price_as_of",
        "update_datetime",
        "unofficial_currency_code",
        "market_identifier_code",
        "sector",
        "industry",
        "cfi_code",
        "option_contract",
        "fixed_income",
    )
)


def multiplier(symbol: str) -> Decimal:
    """Dollars of value for one unit at a price of one: 100 for option contracts, 1/100 for bills quoted per 100."""
    if symbol.startswith(BILL):
        return PER_100_OF_PAR
    return CONTRACT if market.option_terms(symbol) else Decimal(1)


def is_listed(symbol: str) -> bool:
    """Whether the market lists it itself, with splits and dividends: not a bill, not an option."""
    return not symbol.startswith(BILL) and market.option_terms(symbol) is None


def is_daily(symbol: str) -> bool:
    """Whether it is priced on weekends too."""
    return market.listing(symbol).trades_daily


@lru_cache(maxsize=65536)
def price_on(symbol: str, day: date) -> tuple[date, Decimal]:
    """The last close up to `day` and its date. Raises LookupError where there is none yet."""
    if symbol == CASH:
        return day, Decimal(1)
    if symbol.startswith(BILL):
        return day, _bill_price(maturity(symbol), day)
    found = market.close_on(symbol, day)
    if found is None:
        raise LookupError(f"{symbol} has no price on {day}")
    return found


def maturity(symbol: str) -> date:
    """The day on which a bill is paid back."""
    return date.fromisoformat(symbol.removeprefix(BILL))


def _bill_price(matures_on: date, day: date) -> Decimal:
    """The price per 100 of par at a constant discount yield, actual/360."""
    left = max((matures_on - day).days, 0)
    return (100 - 100 * BILL_YIELD * left / 360).quantize(Decimal("0.0001"))


def described(symbol: str) -> dict[str, Any]:
    """Plaid's fields of a security, without its id and its close."""
    if symbol == CASH:
        return _security("U S Dollar", "cash", "cash", ticker_symbol=CASH, is_cash_equivalent=True)
    if symbol.startswith(BILL):
        return _bill(symbol)
    terms = market.option_terms(symbol)
    return _listed(market.listing(symbol)) if terms is None else _option(symbol, terms)


def _security(name: str, type: str, subtype: str, **known: Any) -> dict[str, Any]:
    basic = {"name": name, "type": type, "subtype": subtype, "is_cash_equivalent": False, "iso_currency_code": "USD"}
    return {**NOTHING, **basic, **known}


def _listed(item: Listing) -> dict[str, Any]:
    type, subtype, cfi_code = KINDS[item.kind]
    private = item.symbol.startswith(TRUST)
    return _security(
        item.name,
        type,
        subtype,
        ticker_symbol=None if private else f"CUR:{item.symbol}" if item.kind == "crypto" else item.symbol,
        cusip=None if private else item.cusip,
        isin=None if private else item.isin,
        institution_security_id=item.symbol.removeprefix(TRUST) if private else None,
        market_identifier_code=item.exchange or None,
        sector=None if private else item.sector,
        industry=None if private else item.industry,
        cfi_code=cfi_code,
        is_cash_equivalent=item.kind == "money market" or item.symbol == "USDC",
    )


def _option(symbol: str, terms: market.OptionTerms) -> dict[str, Any]:
    side = terms.contract_type
    return _security(
        f"{terms.underlying} {terms.expires_on:%b %d '%y} ${terms.strike.normalize():f} {side.capitalize()}",
        "derivative",
        "option",
        ticker_symbol=symbol,
        market_identifier_code="XCBO",
        cfi_code="OCASPS" if side == "call" else "OPASPS",
        option_contract={
            "contract_type": side,
            "expiration_date": terms.expires_on.isoformat(),
            "strike_price": terms.strike,
            "underlying_security_ticker": terms.underlying,
        },
    )


def _bill(symbol: str) -> dict[str, Any]:
    day = maturity(symbol)
    return _security(
        f"US Treasury Bill - {BILL_YIELD * 100:.2f}% {day:%d/%m/%Y} USD 100",
        "fixed income",
        "bill",
        cfi_code="DYZTXR",
        sector="Government",
        industry="Sovereign Government",
        fixed_income={
            "face_value": 100,
            "issue_date": (day - timedelta(weeks=52)).isoformat(),
            "maturity_date": day.isoformat(),
            "yield_rate": {"percentage": BILL_YIELD * 100, "type": "discount"},
        },
    )
