"""When trades settle: the cycle of the day, counted in sessions of the exchange."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date
from enum import Enum
from typing import Final

# SEC Rule 15c6-1: two days from 2017-09-05 (82 FR 15564), one from 2024-05-28.
T_PLUS_TWO_FROM: Final = date(2017, 9, 5)
T_PLUS_ONE_FROM: Final = date(2024, 5, 28)


class Settling(Enum):
    """How a kind of security settles."""

    STOCK = "stock"  # stocks, ETFs, corporate bonds: the cycle of the day
    NEXT_DAY = "next day"  # options, treasuries, mutual funds
    AT_ONCE = "at once"  # crypto


def cycle(kind: Settling, trade_day: date) -> int:
    """Sessions between a trade and its settlement."""
    if kind is Settling.AT_ONCE:
        return 0
    if kind is Settling.NEXT_DAY or trade_day >= T_PLUS_ONE_FROM:
        return 1
    return 2 if trade_day >= T_PLUS_TWO_FROM else 3


def settles_on(trade_day: date, kind: Settling, sessions: Sequence[date]) -> date:
    """The day of settlement. `sessions`: the exchange's days in order, reaching a week beyond the trade.

    A trade on a day without a session counts from the session before. Raises IndexError where `sessions` end too soon.
    """
    days = cycle(kind, trade_day)
    return trade_day if not days else sessions[bisect_right(sessions, trade_day) - 1 + days]
