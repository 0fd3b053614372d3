"""How far a day's value can be trusted: the share of it priced by a real close, less what does not add up.

Shares are of gross value, the sum of absolute position values and absolute cash; cash counts as real, and so do funds
that count as cash. A close carried up to FRESH_DAYS counts as that day's. Negative units nobody sold short, and cash
below zero without margin, count against quality PENALTY times their value: they tell of missing transactions, so other
figures are in doubt too. A position that has no price at all cannot be weighed by value; it takes away its
share of the number of positions.
"""

from typing import Final

import numpy as np

from history.core.book import HALF_CENT, Bools, Floats, Ints

PENALTY: Final = 2.0


def share_of(*, part: Floats, whole: Floats | Ints) -> Floats:
    """`part` / `whole`, 0 where there is nothing to have a share of."""
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)


def quality_of(*, doubtful: Floats, unexplained: Floats, gross: Floats, unpriced: Floats) -> Floats:
    """Quality in [0, 1]: values in doubt and unexplained of `gross`, and the share of positions without a price."""
    lost = share_of(part=doubtful + PENALTY * unexplained, whole=gross) + unpriced
    return np.clip(1.0 - lost, 0.0, 1.0)


def overdrawn(*, cash: Floats, margin: Bools) -> Floats:
    """Cash below zero in accounts that may not borrow, (A, D) >= 0."""
    below = np.where(cash < -HALF_CENT, -cash, 0.0)
    below[margin] = 0.0
    return below
