"""What an account holds, lot by lot, after everything that happened in it: trades and what companies did.

Events come in order: by day, corporate actions at the start of their ex-date before the trades of that day, trades in
the order of record. Units are as of their own day; a trade dated before a split that is told after it is multiplied.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from .lot import WIDE, ZERO, Closing, Lot, LotMethod, Pick, portion
from .lots import LotQueue


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a security; `id` is the transaction, or names the corporate action."""

    id: int
    day: date
    security: int


@dataclass(frozen=True, slots=True)
class Trade(Event):
    """Units bought (> 0) or sold (< 0), and what was paid or received for them, fees included; None: not known."""

    quantity: Decimal
    amount: Decimal | None
    picks: tuple[Pick, ...] = ()


@dataclass(frozen=True, slots=True)
class Split(Event):
    """`ratio` new units per old one, stock dividends too. `fraction_price`: a unit, for the fraction that is sold."""

    ratio: Decimal
    fraction_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ReturnOfCapital(Event):
    """Cash that lowers basis."""

    amount: Decimal


@dataclass(frozen=True, slots=True)
class SpinOff(Event):
    """`ratio` units of `child` per unit held; `kept` is the fraction of basis that stays (parent's share of value)."""

    child: int
    ratio: Decimal
    kept: Decimal


@dataclass(frozen=True, slots=True)
class Merger(Event):
    """Each unit becomes `ratio` units of `successor` worth `unit_value` together, and `cash`.

    A loss is never recognised; a gain up to the cash (26 USC 356). With nothing but cash it is a sale.
    """

    successor: int | None
    ratio: Decimal = Decimal(1)
    cash: Decimal = ZERO
    unit_value: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Renaming(Merger):
    """The same paper by another name: its lots go on as they are, the day they came included."""


@dataclass(frozen=True, slots=True)
class InLieu(Event):
    """Cash for the fraction that a split left: whatever is not whole is sold for it."""

    amount: Decimal


@dataclass(frozen=True, slots=True)
class Delisting(Event):
    """What is left ends at `price` a unit: the last one, or zero when it is worthless."""

    price: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Growth(Event):
    """A split that only the brokerage tells of, as the units (> 0 or < 0) it booked: every lot grows alike."""

    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Departure(Event):
    """Units > 0 that leave without being sold. `transfer` names where their lots wait; None: they are gone."""

    quantity: Decimal
    transfer: int | None = None


@dataclass(frozen=True, slots=True)
class Arrival(Event):
    """Units > 0 that come with the lots of a transfer; what the transfer did not bring is of unknown cost."""

    quantity: Decimal
    transfer: int


@dataclass(frozen=True, slots=True)
class Paid:
    """Cash that a company paid for units on a day (< 0: that a short paid), where no row of a ledger tells of it."""

    security: int
    day: date
    amount: Decimal


Transit = dict[int, list[Lot]]


class Positions:
    """The open lots of each security in one account, what was closed, and what companies `paid`, as events are applied.

    `transit`: the lots under way between accounts, shared by all positions of an owner.
    """

    def __init__(
        self,
        *,
        method: LotMethod = LotMethod.FIFO,
        opening: Iterable[tuple[int, Lot]] = (),
        transit: Transit | None = None,
    ) -> None:
        self.method = method
        self.transit: Transit = {} if transit is None else transit
        self.queues: dict[int, LotQueue] = defaultdict(lambda: LotQueue(method))
        self.closings: dict[int, list[Closing]] = defaultdict(list)
        self.paid: list[Paid] = []
        self._splits: dict[int, list[Split]] = defaultdict(list)
        for security, lot in opening:
            self.queues[security].add(lot)

    def apply(self, events: Iterable[Event]) -> "Positions":
        """Apply events in the order they come; raises UnknownLot for a sale that names a lot that is not there."""
        for event in events:
            _HANDLERS[type(event)](self, event)
        return self

    def lots(self, security: int) -> Sequence[Lot]:
        """The open lots of a security, oldest first."""
        return self.queues[security].lots if security in self.queues else ()

    def trade_all(self, security: int, trades: Iterable[tuple[int, date, Decimal, Decimal | None]]) -> None:
        """Many trades (id, day, quantity, amount) of one security, none before a split that was applied already."""
        self.closings[security] += self.queues[security].trade_all(trades)

    def _trade(self, trade: Trade) -> None:
        quantity = trade.quantity
        for split in self._splits[trade.security]:
            if trade.day < split.day:
                quantity = WIDE.multiply(quantity, split.ratio)
        queue = self.queues[trade.security]
        self.closings[trade.security] += queue.trade(
            id=trade.id, day=trade.day, quantity=quantity, amount=trade.amount, picks=trade.picks
        )

    def _return_capital(self, event: ReturnOfCapital) -> None:
        closings = self.queues[event.security].lower_basis(event.amount, id=event.id, day=event.day)
        self.closings[event.security] += closings

    def _grow(self, event: Growth) -> None:
        queue = self.queues[event.security]
        held = queue.quantity
        if held + event.quantity and held:
            queue.multiply(WIDE.divide(held + event.quantity, held))
        elif not held:
            queue.add(Lot(event.id, event.day, event.quantity, None, event.day))

    def _depart(self, event: Departure) -> None:
        taken = self.queues[event.security].take(event.quantity)
        if event.transfer is not None:
            self.transit.setdefault(event.transfer, []).extend(taken)

    def _arrive(self, event: Arrival) -> None:
        queue, rest = self.queues[event.security], event.quantity
        for lot in self.transit.pop(event.transfer, []):
            queue.add(lot._replace(entered=event.day))
            rest -= lot.quantity
        if rest > 0:
            queue.add(Lot(event.id, event.day, rest, None, event.day))

    def _split(self, split: Split) -> None:
        queue = self.queues[split.security]
        queue.multiply(split.ratio)
        self._splits[split.security].append(split)
        if split.fraction_price is not None:
            amount = WIDE.multiply(abs(queue.quantity % 1), split.fraction_price)
            self._pay(split, queue.quantity % 1, split.fraction_price)
            self._sell_fraction(split, amount)

    def _pay_fraction(self, event: InLieu) -> None:
        self._sell_fraction(event, event.amount)

    def _sell_fraction(self, event: Event, amount: Decimal) -> None:
        queue = self.queues[event.security]
        fraction = queue.quantity % 1
        self.closings[event.security] += queue.trade(id=event.id, day=event.day, quantity=-fraction, amount=amount)

    def _spin_off(self, event: SpinOff) -> None:
        """Lot by lot: the child's lots keep the parent's dates (26 USC 358, 1223)."""
        queue, child = self.queues[event.security], self.queues[event.child]
        for index, lot in enumerate(queue.lots):
            kept = portion(lot.cost, event.kept, Decimal(1))
            given = None if lot.cost is None or kept is None else lot.cost - kept
            queue.lots[index] = lot._replace(cost=kept)
            units = WIDE.multiply(lot.quantity, event.ratio)
            child.add(lot._replace(quantity=units, cost=given, entered=event.day))

    def _merge(self, event: Merger) -> None:
        if event.successor is None or not event.ratio:
            self._sell_all(event, event.cash)
            return
        queue, successor = self.queues[event.security], self.queues[event.successor]
        self._pay(event, queue.quantity, event.cash)
        for lot in queue.lots:
            cash = WIDE.multiply(abs(lot.quantity), event.cash)
            recognised = self._boot_gain(lot, event, cash)
            cost = None if lot.cost is None else lot.cost - cash + recognised
            units = WIDE.multiply(lot.quantity, event.ratio)
            successor.add(lot._replace(quantity=units, cost=cost, entered=event.day))
            if recognised:
                closing = Closing(lot.opened_by, event.id, lot.opened, event.day, ZERO, recognised, ZERO)
                self.closings[event.security].append(closing)
        queue.lots = []

    def _rename(self, event: Renaming) -> None:
        assert event.successor is not None
        queue, successor = self.queues[event.security], self.queues[event.successor]
        for lot in queue.lots:
            successor.add(lot)
        queue.lots = []

    def _boot_gain(self, lot: Lot, event: Merger, cash: Decimal) -> Decimal:
        if lot.cost is None or not cash:
            return ZERO
        gain = WIDE.multiply(abs(lot.quantity), event.unit_value) + cash - lot.cost
        return min(max(gain, ZERO), cash)

    def _delist(self, event: Delisting) -> None:
        self._sell_all(event, event.price)

    def _pay(self, event: Event, units: Decimal, price: Decimal) -> None:
        if units and price:
            self.paid.append(Paid(event.security, event.day, WIDE.multiply(units, price)))

    def _sell_all(self, event: Event, price: Decimal) -> None:
        queue = self.queues[event.security]
        quantity = queue.quantity
        amount = WIDE.multiply(abs(quantity), price)
        self._pay(event, quantity, price)
        self.closings[event.security] += queue.trade(id=event.id, day=event.day, quantity=-quantity, amount=amount)


_HANDLERS: Final[Mapping[type[Event], Callable[[Positions, Any], None]]] = {
    Trade: Positions._trade,
    Split: Positions._split,
    ReturnOfCapital: Positions._return_capital,
    SpinOff: Positions._spin_off,
    Merger: Positions._merge,
    Renaming: Positions._rename,
    InLieu: Positions._pay_fraction,
    Delisting: Positions._delist,
    Growth: Positions._grow,
    Departure: Positions._depart,
    Arrival: Positions._arrive,
}
