"""What becomes of a row: a transaction to be, a refusal that names row and column, or nothing, with the reason."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import chain

ZERO = Decimal(0)
MERGER = ("transfer", "merger")


class Refused(ValueError):
    """A row cannot be what it says it is; `column` is the one that is wrong, as the file names it.

    `code` and `value` tell what an answer of the user's could put right: an `action` or a `symbol`.
    """

    def __init__(self, message: str, *, column: str = "", code: str = "", value: str = "") -> None:
        super().__init__(message)
        self.column = column
        self.code = code
        self.value = value


@dataclass(frozen=True, slots=True)
class Instrument:
    """A security as the file describes it. `key` is what tells it from the others of the file."""

    key: str
    ticker: str = ""
    name: str = ""
    cusip: str = ""
    isin: str = ""
    type: str = ""
    option_type: str = ""
    strike: Decimal | None = None
    expires: date | None = None
    underlying: str = ""

    @property
    def multiplier(self) -> Decimal:
        """Units of value for one of quantity: an option is for a hundred."""
        return Decimal(100) if self.option_type else Decimal(1)


@dataclass(slots=True)
class Draft:
    """A transaction to be, with the ledger's signs: `amount` above zero left the account, fees included.

    Not frozen: it gets its id once its place among equal rows is known, and a hundred thousand are not made twice.
    """

    row: int
    day: date
    type: str
    subtype: str
    amount: Decimal
    instrument: Instrument | None = None
    quantity: Decimal = ZERO
    price: Decimal = ZERO
    fees: Decimal = ZERO
    name: str = ""
    currency: str = ""
    settles_on: date | None = None
    executed_at: datetime | None = None
    external_id: str = ""
    remarks: tuple[str, ...] = ()
    # The column that says that the row takes this trade back; '' where the row is the trade.
    cancelled_in: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """`column` '' is the whole row."""

    row: int
    column: str
    message: str
    code: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that moves nothing in the account, and why."""

    row: int
    reason: str


Line = Draft | Refusal | LeftOut


def identified(lines: Iterable[Line]) -> Iterator[Line]:
    """Each draft with an id of its own content, so that the same row of another file has the same one.

    Rows that are equal are told apart by their number: two purchases of ten at 100 on one day are two.
    """
    seen: Counter[str] = Counter()
    for line in chain.from_iterable(map(_parts, lines)):
        if isinstance(line, Draft) and not line.external_id:
            digest = _digest(line)
            seen[digest] += 1
            line.external_id = f"{digest}-{seen[digest]}"
        yield line


def _parts(line: Line) -> Iterator[Line]:
    """Units that a merger takes and the cash that it pays for them, told in one row, are two transactions."""
    if isinstance(line, Draft) and (line.type, line.subtype) == MERGER and line.quantity < 0 and line.amount < 0:
        yield replace(line, amount=ZERO)
        yield replace(line, quantity=ZERO, price=ZERO, fees=ZERO)
    else:
        yield line


def _digest(draft: Draft) -> str:
    """Not of names or settlement, which the same broker words differently from one export to the next."""
    figures = [f"{figure.normalize():f}" for figure in (draft.quantity, draft.price, draft.amount, draft.fees)]
    what = draft.instrument.key if draft.instrument else ""
    parts = [draft.day.isoformat(), draft.type, draft.subtype, what, *figures, draft.currency]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:24]
