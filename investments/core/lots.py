"""Tax lots of one security in one account: what each purchase still holds, and what each sale closes."""

from bisect import insort
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal, localcontext

from .lot import WIDE, ZERO, Closing, Deal, Lot, LotMethod, Pick, UnknownLot, portion
from .many_trades import trade_many

_new = tuple.__new__


class LotQueue:
    """The open lots, oldest first; all long or all short."""

    def __init__(self, method: LotMethod = LotMethod.FIFO, lots: Iterable[Lot] = ()) -> None:
        self.method = method
        self.lots: list[Lot] = sorted(lots, key=_opened)

    @property
    def quantity(self) -> Decimal:
        """Units held, below zero when short."""
        return sum((lot.quantity for lot in self.lots), ZERO)

    def trade(
        self, *, id: int, day: date, quantity: Decimal, amount: Decimal | None, picks: Sequence[Pick] = ()
    ) -> list[Closing]:
        """Close what the trade takes away, and open a lot with the rest.

        `quantity` > 0 buys; `amount` >= 0 is what was paid or received, fees included; None when not known. Raises
        UnknownLot, and nothing has changed then.
        """
        if not quantity:
            return []
        lots = self.lots
        if not lots or (lots[0].quantity > 0) == (quantity > 0):
            self.add(Lot(id, day, quantity, amount, day))
            return []
        taken = self.take(abs(quantity), picks)
        return self._closed(id, day, quantity, amount, taken)

    def trade_all(self, trades: Iterable[Deal]) -> list[Closing]:
        """Many trades (id, day, quantity, amount) in their order, no lots named: what `trade` does with each.

        First in, first out goes through them as arrays, or in one loop, because most ledgers are nothing else.
        """
        if self.method is LotMethod.FIFO:
            deals = list(trades)
            done = trade_many(self.lots, deals)
            if done is None:
                return self._fifo(deals)
            self.lots, closed = done
            return closed
        closings: list[Closing] = []
        for number, day, quantity, amount in trades:
            closings += self.trade(id=number, day=day, quantity=quantity, amount=amount)
        return closings

    def add(self, lot: Lot) -> None:
        """Put a lot in its place by age; of one day the later one comes last."""
        if self.lots and self.lots[-1].opened > lot.opened:
            insort(self.lots, lot, key=_opened)
        else:
            self.lots.append(lot)

    def take(self, quantity: Decimal, picks: Sequence[Pick] = ()) -> list[Lot]:
        """Remove up to `quantity` > 0 units, as the method or the picks say; returns what came off each lot."""
        taken, rest = [], quantity
        if picks:
            taken = [self._split_off(index, part) for index, part in self._named(picks, quantity)]
            self.lots = [lot for lot in self.lots if lot.quantity]
            rest -= sum((abs(lot.quantity) for lot in taken), ZERO)
        if self.method is LotMethod.AVERAGE:
            self._pool()
        while rest > 0 and self.lots:
            index = self._next()
            lot = self.lots[index]
            units = abs(lot.quantity)
            if units <= rest:
                del self.lots[index]
                taken.append(lot)
                rest -= units
            else:
                taken.append(self._split_off(index, rest))
                break
        return taken

    def multiply(self, ratio: Decimal) -> None:
        """A split: each lot's units times `ratio`, lot by lot, cost and dates as they are."""
        self.lots = [lot._replace(quantity=WIDE.multiply(lot.quantity, ratio)) for lot in self.lots]

    def lower_basis(self, amount: Decimal, *, id: int, day: date) -> list[Closing]:
        """Return of capital: spread over units; what a lot's cost cannot bear is a gain (IRS Pub. 550)."""
        gains, whole, rest = [], abs(self.quantity), amount
        for position, lot in enumerate(self.lots):
            last = position == len(self.lots) - 1
            share = rest if last else portion(amount, abs(lot.quantity), whole) or ZERO
            rest -= share
            if lot.cost is None:
                continue
            excess = max(share - lot.cost, ZERO)
            self.lots[position] = lot._replace(cost=lot.cost - (share - excess))
            if excess:
                gains.append(Closing(lot.opened_by, id, lot.opened, day, ZERO, excess, ZERO))
        return gains

    def _fifo(self, deals: Iterable[Deal]) -> list[Closing]:
        """`first` is the oldest lot that is left: those before it go at the end, so that no sale moves all the rest."""
        lots, first, closings = self.lots, 0, []
        with localcontext(WIDE):
            for number, day, quantity, amount in deals:
                if not quantity:
                    continue
                covers = quantity > 0
                if first == len(lots) or (lots[first][2] > 0) is covers:
                    _put(lots, first, _new(Lot, (number, day, quantity, amount, day)))
                    continue
                wanted, rest = abs(quantity), amount
                while wanted and first < len(lots):
                    opened_by, opened, held, basis, entered = lots[first]
                    units = abs(held)
                    if units > wanted:
                        whole, cost, units = units, basis, wanted
                        basis = portion(cost, units, whole)
                        left = None if cost is None or basis is None else cost - basis
                        held = held + units if covers else held - units
                        lots[first] = _new(Lot, (opened_by, opened, held, left, entered))
                    else:
                        first += 1
                    share = rest if units == wanted else portion(rest, units, wanted)
                    money = (basis, share) if covers else (share, basis)
                    closings.append(_new(Closing, (opened_by, number, opened, day, units, *money, covers)))
                    wanted -= units
                    rest = None if rest is None or share is None else rest - share
                if wanted:
                    _put(lots, first, _new(Lot, (number, day, wanted.copy_sign(quantity), rest, day)))
        del lots[:first]
        return closings

    def _closed(
        self, id: int, day: date, quantity: Decimal, amount: Decimal | None, taken: Sequence[Lot]
    ) -> list[Closing]:
        """What was taken shares the amount by units; what the trade has beyond it opens a lot with the rest of it."""
        wanted, rest, closings = abs(quantity), amount, []
        for lot in taken:
            units = abs(lot.quantity)
            share = portion(rest, units, wanted)
            closings.append(_closing(lot, units, id, day, share))
            wanted -= units
            rest = None if rest is None or share is None else rest - share
        if wanted:
            self.add(Lot(id, day, wanted.copy_sign(quantity), rest, day))
        return closings

    def _named(self, picks: Sequence[Pick], quantity: Decimal) -> list[tuple[int, Decimal]]:
        """(index, units) of the picks, checked before anything moves."""
        left = {index: abs(lot.quantity) for index, lot in enumerate(self.lots)}
        named = []
        for pick in picks:
            index = next((i for i, lot in enumerate(self.lots) if lot.opened_by == pick.opened_by and left[i]), None)
            if index is None or pick.quantity > left[index]:
                raise UnknownLot(f"The lot of transaction {pick.opened_by} does not hold {pick.quantity:f} units")
            left[index] -= pick.quantity
            named.append((index, pick.quantity))
        if sum((pick.quantity for pick in picks), ZERO) > quantity:
            raise UnknownLot("The lots that are named hold more than the sale")
        return named

    def _next(self) -> int:
        if self.method is LotMethod.LIFO:
            return len(self.lots) - 1
        if self.method is LotMethod.HIFO:
            return max(range(len(self.lots)), key=lambda i: (_known(self.lots[i]), -i))
        return 0

    def _split_off(self, index: int, part: Decimal) -> Lot:
        """`part` > 0 units of a lot, which keeps the rest; the lot is left with nothing when that is all of it."""
        piece, self.lots[index] = _cut(self.lots[index], part)
        return piece

    def _pool(self) -> None:
        """Average cost: every unit costs the same. One lot of unknown cost makes the average unknown."""
        whole = abs(self.quantity)
        total = (
            None if any(lot.cost is None for lot in self.lots) else sum((lot.cost or ZERO for lot in self.lots), ZERO)
        )
        rest = total
        for index, lot in enumerate(self.lots):
            last = index == len(self.lots) - 1
            share = rest if last else portion(total, abs(lot.quantity), whole)
            self.lots[index] = lot._replace(cost=share)
            rest = None if rest is None or share is None else rest - share


def _put(lots: list[Lot], first: int, lot: Lot) -> None:
    """In its place by age among the lots from `first` on."""
    if len(lots) > first and lots[-1].opened > lot.opened:
        insort(lots, lot, lo=first, key=_opened)
    else:
        lots.append(lot)


def _cut(lot: Lot, part: Decimal) -> tuple[Lot, Lot]:
    """`part` > 0 units of a lot, and what it keeps."""
    opened_by, opened, quantity, cost, entered = lot
    signed = part if quantity > 0 else -part
    share = portion(cost, part, abs(quantity))
    rest = None if cost is None or share is None else cost - share
    return (
        _new(Lot, (opened_by, opened, signed, share, entered)),
        _new(Lot, (opened_by, opened, quantity - signed, rest, entered)),
    )


def _closing(lot: Lot, units: Decimal, id: int, day: date, share: Decimal | None) -> Closing:
    """A lot that is gone for its `share` of a trade's amount."""
    opened_by, opened, quantity, cost, _ = lot
    if quantity < 0:
        return _new(Closing, (opened_by, id, opened, day, units, cost, share, True))
    return _new(Closing, (opened_by, id, opened, day, units, share, cost, False))


def _opened(lot: Lot) -> date:
    return lot.opened


def _known(lot: Lot) -> Decimal:
    """Unit cost for ordering; lots of unknown cost go last."""
    return Decimal("-Infinity") if lot.unit_cost is None else lot.unit_cost
