"""Option symbols of the Options Clearing Corporation: root, yymmdd, C or P, strike in thousandths (OSI, 2010)."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

_SYMBOL: Final = re.compile(r"^([A-Z][A-Z0-9.]{0,5}?)\s*(\d{2})(\d{2})(\d{2})([CP])(\d{8})$")


@dataclass(frozen=True, slots=True)
class OptionSymbol:
    """What the symbol says. `side` is call or put; `strike` in the currency of the underlying."""

    underlying: str
    expiry: date
    side: str
    strike: Decimal

    def __str__(self) -> str:
        """The 21 characters, the root padded with blanks."""
        return f"{self.underlying:<6}{self.expiry:%y%m%d}{self.side[0].upper()}{int(self.strike * 1000):08d}"


def parse_option_symbol(symbol: str) -> OptionSymbol | None:
    """The option, padded or not; None for anything that is no OCC symbol or names no day."""
    found = _SYMBOL.match(symbol.strip().upper())
    if found is None:
        return None
    root, year, month, day, side, strike = found.groups()
    try:
        expiry = date(2000 + int(year), int(month), int(day))
    except ValueError:
        return None
    return OptionSymbol(root, expiry, "call" if side == "C" else "put", Decimal(strike) / 1000)
