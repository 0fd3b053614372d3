"""Funds of the demo: exchange-traded, mutual, money-market, and the trusts inside a 401(k), which have no ticker."""

from typing import Final

from .listing import MONTHLY, Kind, Listing

TRUST_PREFIX: Final = "TRUST:"  # symbols of collective trusts: known to the plan's record keeper alone


def _fund(
    symbol: str,
    name: str,
    price: float,
    dividend_yield: float,
    *,
    kind: Kind = "etf",
    beta: float = 1.0,
    volatility: float = 0.02,
    drift: float = 0.06,
    monthly: bool = False,
    exchange: str = "ARCX",
) -> Listing:
    return Listing(
        symbol=symbol,
        name=name,
        kind=kind,
        price=price,
        sector="Miscellaneous",
        industry="Investment Trusts or Mutual Funds",
        exchange=exchange,
        drift=drift,
        volatility=volatility,
        beta=beta,
        dividend_yield=dividend_yield,
        dividend_months=MONTHLY if monthly else (3, 6, 9, 12),
    )


def _mutual(
    symbol: str,
    name: str,
    price: float,
    dividend_yield: float,
    *,
    beta: float = 1.0,
    volatility: float = 0.02,
    drift: float = 0.06,
) -> Listing:
    return _fund(
        symbol,
        name,
        price,
        dividend_yield,
        kind="mutual fund",
        beta=beta,
        volatility=volatility,
        drift=drift,
        exchange="XNAS",
    )


def money_market(symbol: str, name: str, dividend_yield: float) -> Listing:
    """A fund whose price is 1.00 and whose yield is paid monthly."""
    return _fund(
        symbol,
        name,
        1.0,
        dividend_yield,
        kind="money market",
        beta=0.0,
        volatility=0.0,
        drift=0.0,
        monthly=True,
        exchange="XNAS",
    )


def _bonds(symbol: str, name: str, price: float, dividend_yield: float, *, volatility: float = 0.05) -> Listing:
    return _fund(symbol, name, price, dividend_yield, beta=0.05, volatility=volatility, drift=0.0, monthly=True)


FUNDS: Final = (
    _fund("SPY", "SPDR S&P 500 ETF Trust", 683.0, 0.011),
    _fund("VOO", "Vanguard S&P 500 ETF", 628.0, 0.0115),
    _fund("VTI", "Vanguard Total Stock Market ETF", 336.0, 0.0115, beta=1.02),
    _fund("QQQ", "Invesco QQQ Trust", 613.0, 0.005, beta=1.2, volatility=0.06, drift=0.1, exchange="XNAS"),
    _fund("IWM", "iShares Russell 2000 ETF", 248.0, 0.011, beta=1.15, volatility=0.08, drift=0.04),
    _fund("VXUS", "Vanguard Total International Stock ETF", 75.5, 0.028, beta=0.85, volatility=0.07, drift=0.02),
    _fund("VWO", "Vanguard FTSE Emerging Markets ETF", 54.0, 0.027, beta=0.85, volatility=0.1, drift=0.01),
    _fund("SCHD", "Schwab U.S. Dividend Equity ETF", 27.5, 0.038, beta=0.8, volatility=0.05, drift=0.05),
    _fund("VNQ", "Vanguard Real Estate ETF", 88.5, 0.039, beta=0.9, volatility=0.1, drift=0.01),
    _fund("GLD", "SPDR Gold Shares", 398.0, 0.0, beta=0.05, volatility=0.15, drift=0.08),
    _bonds("BND", "Vanguard Total Bond Market ETF", 74.0, 0.038),
    _bonds("AGG", "iShares Core U.S. Aggregate Bond ETF", 100.0, 0.038),
    _bonds("TLT", "iShares 20+ Year Treasury Bond ETF", 87.0, 0.044, volatility=0.14),
    _mutual("VTSAX", "Vanguard Total Stock Market Index Fund Admiral Shares", 164.0, 0.0115),
    _mutual("FXAIX", "Fidelity 500 Index Fund", 239.0, 0.0115),
    _mutual("SWPPX", "Schwab S&P 500 Index Fund", 17.6, 0.012),
    _mutual(
        "VBTLX",
        "Vanguard Total Bond Market Index Fund Admiral Shares",
        9.75,
        0.037,
        beta=0.05,
        volatility=0.05,
        drift=0.0,
    ),
    _mutual("VFIFX", "Vanguard Target Retirement 2050 Fund", 62.0, 0.02, beta=0.85, volatility=0.03),
    _mutual("FCNTX", "Fidelity Contrafund", 25.2, 0.002, beta=1.1, volatility=0.06),
    _mutual(f"{TRUST_PREFIX}TRT2045", "Target Retirement 2045 Trust II", 41.3, 0.0, beta=0.82, volatility=0.03),
    _mutual(f"{TRUST_PREFIX}LGCAP", "Large Cap Growth Collective Trust", 88.4, 0.0, beta=1.15, volatility=0.05),
    _mutual(f"{TRUST_PREFIX}STABLE", "Stable Value Fund", 27.9, 0.0, beta=0.0, volatility=0.002, drift=0.028),
    money_market("SPAXX", "Fidelity Government Money Market Fund", 0.038),
    money_market("VMFXX", "Vanguard Federal Money Market Fund", 0.04),
    money_market("SWVXX", "Schwab Value Advantage Money Fund", 0.039),
)
