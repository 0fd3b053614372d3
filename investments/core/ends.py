"""What ends for cash ends once: a buyout or a delisting that the brokerage books too, days later, as a plain sale."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from .lot import ZERO
from .lot_events import Placed, as_of, ends_for_cash
from .positions import Departure, Event, Trade

AFTER_TRADES: Final = 4  # as a rank: behind all that the brokerage booked that day


def ends_once(placed: Iterable[Placed]) -> list[Placed]:
    """The events with each end behind the account's own rows that tell of it: their day and their cash count.

    What those rows leave is closed by the end. A removal without cash is the end told again, and is left out.
    """
    events = list(placed)
    ended: dict[int, date] = {}
    for one in events:
        if ends_for_cash(one.event):
            ended[one.event.security] = min(one.event.day, ended.get(one.event.security, date.max))
    if not ended:
        return events
    trades: dict[tuple[int, int], list[Trade]] = defaultdict(list)
    for one in events:
        if isinstance(one.event, Trade) and one.event.security in ended:
            trades[one.account, one.event.security].append(one.event)
    kept = (one for one in events if not _is_removal(one.event, ended))
    return [_behind(one, trades[one.account, one.event.security]) if ends_for_cash(one.event) else one for one in kept]


def _is_removal(event: Event, ended: dict[int, date]) -> bool:
    """Units that leave for nowhere once there is nothing left to leave."""
    removed = isinstance(event, Departure) and event.transfer is None
    return removed and event.security in ended and event.day >= ended[event.security]


def _behind(end: Placed, trades: Sequence[Trade]) -> Placed:
    until = _booked_until(end.event.day, trades)
    return end if until is None else end._replace(event=as_of(end.event, until), rank=AFTER_TRADES)


def _booked_until(day: date, trades: Sequence[Trade]) -> date | None:
    """The day of the last trade that closes units from before the end; None where there is none.

    Sales of what was bought since are none, nor are purchases unless the account was short.
    """
    since = [trade for trade in trades if trade.day >= day]
    if not since:
        return None
    held = sum((trade.quantity for trade in trades if trade.day < day), ZERO)
    covers = held < 0 < since[0].quantity
    left, lowest, until = ZERO, ZERO, None
    for trade in since:
        left += -trade.quantity if covers else trade.quantity
        if left < lowest:
            lowest, until = left, trade.day
    return until
