"""The fraction that a split leaves is sold once: by the price a split names, or as the brokerage booked it."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace

from .lot_events import Placed, follows
from .positions import Event, InLieu, Split, Trade


def fractions_once(placed: Iterable[Placed], *, whole: Callable[[Placed], bool]) -> list[Placed]:
    """The events without the sales of fractions that did not happen.

    `whole` tells whether the account of an event holds whole units of its security: where it does not, fractions are
    kept. What the brokerage booked, as cash or as a sale of less than a unit, counts before the price of the split.
    """
    events = list(placed)
    booked: dict[tuple[int, int], list[Event]] = defaultdict(list)
    for one in events:
        if _sells_fraction(one.event):
            booked[one.account, one.event.security].append(one.event)
    kept = (_kept(one, booked[one.account, one.event.security], whole) for one in events)
    return [one for one in kept if one is not None]


def _sells_fraction(event: Event) -> bool:
    return isinstance(event, InLieu) or (isinstance(event, Trade) and -1 < event.quantity < 0)


def _kept(one: Placed, booked: Iterable[Event], whole: Callable[[Placed], bool]) -> Placed | None:
    event = one.event
    if isinstance(event, InLieu):
        return one if whole(one) else None
    if not isinstance(event, Split) or event.fraction_price is None:
        return one
    if whole(one) and not any(follows(sale.day, event) for sale in booked):
        return one
    return one._replace(event=replace(event, fraction_price=None))
