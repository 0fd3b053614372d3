"""A first look through a file: what it names, which currency it is in, and whether its cash and units add up."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from investments.core.effects import Flow, deltas, effect_of
from plaid_link.sources.csv import Draft, Instrument, Line

ZERO: Final = Decimal(0)
NAMED: Final = 5  # of many securities that do not add up


@dataclass(slots=True)
class Survey:
    """`rows`: lines of every kind. Units and cash are what the whole file leaves, from nothing."""

    rows: int = 0
    instruments: dict[str, Instrument] = field(default_factory=dict)
    currencies: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    units: dict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    cash: dict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    shorts: set[str] = field(default_factory=set)
    has_deposits: bool = False

    def see(self, lines: Iterable[Line]) -> Iterator[Line]:
        """Passes the lines on, and has seen them all at the end."""
        for line in lines:
            self.rows += 1
            if isinstance(line, Draft):
                _see(line, self)
            yield line

    @property
    def currency(self) -> str:
        """The one that most rows are in; '' where none says."""
        told = {name: count for name, count in self.currencies.items() if name}
        return max(told, key=lambda name: told[name], default="")

    @property
    def is_paid_from_outside(self) -> bool:
        """Whether it tells of purchases and never of the money for them."""
        return not self.has_deposits and any(cash < 0 for cash in self.cash.values())


def _see(draft: Draft, seen: Survey) -> None:
    effect = effect_of(draft.type, draft.subtype)
    moved = deltas(type=draft.type, subtype=draft.subtype, quantity=draft.quantity, amount=draft.amount)
    seen.currencies[draft.currency] += 1
    seen.cash[draft.currency] += moved.cash
    seen.has_deposits |= effect.flow is Flow.AT_AMOUNT or (effect.flow is not Flow.NONE and bool(moved.cash))
    if draft.instrument:
        key = draft.instrument.key
        seen.instruments.setdefault(key, draft.instrument)
        seen.units[key] += moved.units
        if effect.short:
            seen.shorts.add(key)


def warnings(seen: Survey, *, is_new_account: bool, is_from_outside: bool) -> list[str]:
    """What its owner should know before storing it into an account that nothing else tells of."""
    if not is_new_account:
        return []
    found = []
    oversold = sorted(key for key, units in seen.units.items() if units < 0 and key not in seen.shorts)
    if oversold:
        names = ", ".join(oversold[:NAMED]) + (" and others" if len(oversold) > NAMED else "")
        found.append(f"More is sold than bought of {names}: it stands as sold short until you add what came before.")
    for currency, cash in sorted(seen.cash.items()):
        if cash < 0 and not is_from_outside:
            short = f"{-cash:,.2f} {currency}".strip()
            found.append(f"{short} more is spent than comes in: a deposit from before the file begins may be missing.")
    if is_from_outside:
        found.append("The file tells of no deposits: purchases count as paid from outside, and sales as paid out.")
    return found
