"""Whether what a vendor calls a split is one: vendors book spin-offs as splits of the ratio of the prices."""

from decimal import Decimal
from fractions import Fraction
from typing import Final

LARGEST_TERM: Final = 1000
SMALL: Final = 10
LARGEST_SPLIT: Final = 10_000  # new shares per old one or the other way round; what is beyond is a mistake
LARGEST_STOCK_DIVIDEND: Final = Fraction(1, 4)
PRECISION: Final = Fraction(1, 10**6)  # 1:3 comes as 0.3333333


def can_be(ratio: Decimal) -> bool:
    """Whether any company may have divided its shares so."""
    return 1 <= max(ratio, 1 / ratio) <= LARGEST_SPLIT


def is_plain_split(ratio: Decimal) -> bool:
    """True for n:1, 1:n, 3:2 and the like, and for stock dividends of whole or half percents up to 25. `ratio` > 0.

    Yahoo told GE's spin-offs of 2023 and 2024 as 1281:1000 and 1253:1000, and AT&T's of 2022 as 1324:1000.
    """
    if not can_be(ratio):
        return False
    exact = Fraction(ratio)
    simple = exact.limit_denominator(LARGEST_TERM)
    if simple <= 0 or abs(simple / exact - 1) > PRECISION:
        return False
    if min(simple.numerator, simple.denominator) <= SMALL:
        return True
    paid = simple - 1
    return 0 < paid <= LARGEST_STOCK_DIVIDEND and (paid * 200).denominator == 1
