"""Hundredths of a currency that exchanges quote in: pence in London, cents in Johannesburg, agorot in Tel Aviv."""

from decimal import Decimal
from typing import Final

# As vendors and brokerages write them. GBp is not GBP: capitals alone tell a pound from a penny.
MINOR: Final = {
    "GBX": "GBP", "GBp": "GBP", "GBPENCE": "GBP", "ZAc": "ZAR", "ZAC": "ZAR", "ILA": "ILS", "ILa": "ILS",
}  # fmt: skip
# Where lines are quoted in a hundredth of the currency, or in the currency itself: a price alone does not say which.
QUOTED_IN_MINOR: Final = frozenset(MINOR.values())
HUNDREDTH: Final = Decimal("0.01")
ONE: Final = Decimal(1)


def major(code: str) -> tuple[str, Decimal]:
    """The currency of a code, and what an amount in it is to be multiplied with: pounds and 0.01 for GBp or GBX."""
    told = code.strip()
    whole = MINOR.get(told)
    return (whole, HUNDREDTH) if whole else (told.upper(), ONE)


def told_code(text: str) -> str:
    """A code as a file writes it, in capitals unless they would make pounds of pence."""
    told = text.strip()
    return told if told in MINOR else told.upper()
