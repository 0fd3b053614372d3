"""Crypto-assets of the demo: traded every day of the week."""

from typing import Final

from .listing import Listing


def _coin(symbol: str, name: str, price: float, volatility: float, beta: float, drift: float) -> Listing:
    return Listing(
        symbol=symbol,
        name=name,
        kind="crypto",
        price=price,
        sector="Cryptocurrency",
        industry="Cryptocurrency",
        exchange="",
        drift=drift,
        volatility=volatility,
        beta=beta,
    )


CRYPTO: Final = (
    _coin("BTC", "Bitcoin", 89200.0, 0.5, 1.2, 0.25),
    _coin("ETH", "Ethereum", 3050.0, 0.65, 1.4, 0.2),
    _coin("SOL", "Solana", 128.0, 0.8, 1.5, 0.15),
    _coin("ADA", "Cardano", 0.37, 0.7, 1.3, 0.0),
    _coin("DOGE", "Dogecoin", 0.128, 0.85, 1.2, 0.0),
    _coin("USDC", "USD Coin", 1.0, 0.0, 0.0, 0.0),
)
