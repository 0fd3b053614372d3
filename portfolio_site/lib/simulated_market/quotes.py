"""What a symbol trades at in a moment: between the open and the close of its day, as the day's bar has it."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from portfolio_site.lib import sessions

from .events import splits
from .listing import seed_of
from .prices import STALE_AFTER, Bar, bars
from .universe import listing

STEP_SECONDS: Final = 5
DAY: Final = timedelta(days=1)
ONCE_A_DAY: Final = frozenset({"mutual fund", "money market", "currency"})


@dataclass(frozen=True, slots=True)
class LastTrade:
    """A price as traded, when it was made (UTC), and the close before it in units of its day."""

    price: Decimal
    at: datetime
    previous_close: Decimal | None


def last_trade(symbol: str, now: datetime) -> LastTrade | None:
    """The last trade up to `now` (aware); None before the listing, or long after the last one.

    It begins the day at the bar's open, ends it at the close and never leaves its low and high. Outside of regular
    hours it is the close of the session before; funds have no other price.
    """
    day = now.astimezone(UTC if listing(symbol).trades_daily else sessions.NEW_YORK).date()
    begun = [bar for bar in bars(symbol, day - STALE_AFTER, day) if _begins(symbol, bar) <= now]
    if not begun:
        return None
    last = begun[-1]
    before = begun[-2].close if len(begun) > 1 else None
    for split in splits(symbol, last.day, last.day):
        before = before and before / split.ratio
    ends = _ends(symbol, last)
    if now >= ends:
        return LastTrade(last.close, ends.astimezone(UTC), before)
    at = now - timedelta(seconds=now.timestamp() % STEP_SECONDS)
    return LastTrade(_price(symbol, last, at), max(at, _begins(symbol, last)).astimezone(UTC), before)


def _begins(symbol: str, bar: Bar) -> datetime:
    if listing(symbol).trades_daily:
        return datetime.combine(bar.day, time.min, UTC)
    return _ends(symbol, bar) if listing(symbol).kind in ONCE_A_DAY else sessions.opens_at(bar.day)


def _ends(symbol: str, bar: Bar) -> datetime:
    if listing(symbol).trades_daily:
        return datetime.combine(bar.day, time.min, UTC) + DAY
    return sessions.closes_at(bar.day)


def _price(symbol: str, bar: Bar, at: datetime) -> Decimal:
    """From open to close in a straight line, with a ripple that vanishes at both ends, in the places of the close."""
    begins, ends = _begins(symbol, bar), _ends(symbol, bar)
    gone = max((at - begins) / (ends - begins), 0.0)
    ripple = (seed_of(f"{symbol} {int(at.timestamp())}", "trade") % 2001 - 1000) / 1000 * gone * (1 - gone)
    straight = float(bar.open) + float(bar.close - bar.open) * gone
    price = Decimal(straight + ripple * float(bar.high - bar.low)).quantize(Decimal(1).scaleb(_places(bar)))
    return min(max(price, bar.low), bar.high)


def _places(bar: Bar) -> int:
    return int(bar.close.as_tuple().exponent)
