"""What a transaction does to an account, by (type, subtype): the table of Plaid's investment transactions as data.

Signs follow the ledger: `quantity` > 0 adds units, `amount` > 0 takes cash out of the account (fees included).
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Final

ZERO: Final = Decimal(0)


class Direction(Enum):
    """Which way units or cash move, seen from the account."""

    OUT = -1
    NONE = 0
    IN = 1
    EITHER = 2  # the row's own sign decides


class Flow(Enum):
    """How much of a row is money or assets crossing the account's border."""

    NONE = "none"
    CASH = "cash"  # the cash moved is the flow
    IN_KIND = "in kind"  # the units moved are the flow, at market value that day
    AT_AMOUNT = "at amount"  # units bought with money from outside, or sold and paid out: no cash stays


class Cost(Enum):
    """What a row adds to the cost basis of its position when units are added."""

    AMOUNT = "amount"
    NOTHING = "nothing"  # new units share the basis that is there
    KEPT = "kept"  # basis does not move whichever way the units go: splits
    RETURNED = "returned"  # cash received lowers basis
    UNKNOWN = "unknown"  # units came from elsewhere with a basis we are not told


@dataclass(frozen=True, slots=True)
class Effect:
    """One line of the table. `cash` is the booked amount's direction, even where the net is zero (contribution)."""

    units: Direction = Direction.NONE
    cash: Direction = Direction.NONE
    flow: Flow = Flow.NONE
    cost: Cost = Cost.NOTHING
    income: bool = False
    fee: bool = False
    short: bool = False  # tells of a short position, so negative units are meant
    unsettled: bool = False
    reverses: bool = False
    corporate_action: str | None = None
    known: bool = True


@dataclass(frozen=True, slots=True)
class Normalised:
    """A row with its signs repaired, and what was repaired in words."""

    quantity: Decimal
    amount: Decimal
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deltas:
    """Changes in the account's currency (units in units of the security).

    `flow`, `income` > 0 in, `fee` > 0 paid: a dividend charged on a short is income below zero, a refund a fee below
    zero. `in_kind`: the units are also an external flow, at market value. `cost` None: added units' basis is unknown.
    """

    units: Decimal = ZERO
    cash: Decimal = ZERO
    flow: Decimal = ZERO
    income: Decimal = ZERO
    fee: Decimal = ZERO
    cost: Decimal | None = ZERO
    in_kind: bool = False

    def __neg__(self) -> "Deltas":
        cost = None if self.cost is None else -self.cost
        return Deltas(-self.units, -self.cash, -self.flow, -self.income, -self.fee, cost, self.in_kind)


BUY = Effect(Direction.IN, Direction.OUT, cost=Cost.AMOUNT)
SELL = Effect(Direction.OUT, Direction.IN, cost=Cost.AMOUNT)
COVER = Effect(Direction.IN, Direction.OUT, cost=Cost.AMOUNT, short=True)
SELL_SHORT = Effect(Direction.OUT, Direction.IN, cost=Cost.AMOUNT, short=True)
CONTRIBUTION = Effect(Direction.IN, Direction.OUT, Flow.AT_AMOUNT, Cost.AMOUNT)
DISTRIBUTION = Effect(Direction.OUT, Direction.IN, Flow.AT_AMOUNT, Cost.AMOUNT)
DEPOSIT = Effect(cash=Direction.IN, flow=Flow.CASH)
WITHDRAWAL = Effect(cash=Direction.OUT, flow=Flow.CASH)
LOAN_PAYMENT = Effect(cash=Direction.EITHER, flow=Flow.CASH)
# Whoever is short pays the dividend, margin interest is charged, and fees and taxes are refunded: the sign is meant.
INCOME = Effect(cash=Direction.EITHER, income=True)
RETURN_OF_PRINCIPAL = Effect(cash=Direction.EITHER, income=True, cost=Cost.RETURNED)
EXPENSE = Effect(cash=Direction.EITHER, fee=True)
PENDING = Effect(cash=Direction.EITHER, unsettled=True)
STOCK_DIVIDEND = Effect(Direction.IN, corporate_action="stock_dividend")
ADJUSTMENT = Effect(Direction.EITHER, flow=Flow.IN_KIND, cost=Cost.UNKNOWN)
IN_KIND = Effect(Direction.EITHER, flow=Flow.IN_KIND, cost=Cost.UNKNOWN)
# Ours, not Plaid's: what was there before the first row, at the cost it had.
OPENING = Effect(Direction.EITHER, flow=Flow.IN_KIND, cost=Cost.AMOUNT)
OPTION_LEG = Effect(Direction.EITHER, cost=Cost.UNKNOWN)
EXPIRY = Effect(Direction.EITHER)
SPLIT = Effect(Direction.EITHER, cost=Cost.KEPT, corporate_action="split")
SPIN_OFF = Effect(Direction.EITHER, cost=Cost.UNKNOWN, corporate_action="spin_off")
MERGER = Effect(Direction.EITHER, cost=Cost.UNKNOWN, corporate_action="merger")
CANCEL = Effect(Direction.EITHER, Direction.EITHER, reverses=True)
REBALANCE = Effect(Direction.EITHER, Direction.EITHER, cost=Cost.AMOUNT)
OTHER = Effect(Direction.EITHER, Direction.EITHER, cost=Cost.AMOUNT, known=False)

_REINVESTMENTS = (
    "dividend reinvestment",
    "interest reinvestment",
    "long-term capital gain reinvestment",
    "short-term capital gain reinvestment",
)
_INCOME = (
    "dividend",
    "qualified dividend",
    "non-qualified dividend",
    "interest",
    "interest receivable",
    "long-term capital gain",
    "short-term capital gain",
    "unqualified gain",
)
_EXPENSES = (
    "account fee",
    "fund fee",
    "legal fee",
    "management fee",
    "margin expense",
    "miscellaneous fee",
    "non-resident tax",
    "tax",
    "tax withheld",
    "transfer fee",
    "trust fee",
)
# Institutions file the same events under `cash` and under `fee`.
_CASH: dict[str, Effect] = {
    **dict.fromkeys(_INCOME, INCOME),
    **dict.fromkeys(_EXPENSES, EXPENSE),
    "return of principal": RETURN_OF_PRINCIPAL,
    "stock distribution": STOCK_DIVIDEND,
    "adjustment": ADJUSTMENT,
    "contribution": DEPOSIT,
    "deposit": DEPOSIT,
    "withdrawal": WITHDRAWAL,
    "loan payment": LOAN_PAYMENT,
    "pending credit": PENDING,
    "pending debit": PENDING,
    "rebalance": REBALANCE,
}
_BUY: dict[str, Effect] = {
    **dict.fromkeys(("", "buy", "rebalance", *_REINVESTMENTS), BUY),
    "buy to cover": COVER,
    "assignment": COVER,
    "contribution": CONTRIBUTION,
}
_SELL: dict[str, Effect] = {
    **dict.fromkeys(("", "sell", "exercise", "rebalance"), SELL),
    "sell short": SELL_SHORT,
    "distribution": DISTRIBUTION,
}
_TRANSFER: dict[str, Effect] = {
    **dict.fromkeys(("", "transfer", "request", "send", "trade"), IN_KIND),
    "adjustment": ADJUSTMENT,
    "assignment": OPTION_LEG,
    "exercise": OPTION_LEG,
    "expire": EXPIRY,
    "merger": MERGER,
    "opening balance": OPENING,
    "spin off": SPIN_OFF,
    "split": SPLIT,
    "rebalance": REBALANCE,
}
TABLE: Final[dict[tuple[str, str], Effect]] = {
    (kind, subtype): effect
    for kind, subtypes in {
        "buy": _BUY,
        "sell": _SELL,
        "cash": _CASH,
        "fee": _CASH,
        "transfer": _TRANSFER,
        "cancel": {"": CANCEL},
    }.items()
    for subtype, effect in subtypes.items()
}


def effect_of(type: str, subtype: str | None) -> Effect:
    """The line for a (type, subtype); a pair unknown to us is `OTHER`: quantity and amount count as given."""
    if type == "cancel":
        return CANCEL
    return TABLE.get((type, subtype or ""), OTHER)


def normalise(
    *,
    type: str,
    subtype: str | None,
    quantity: Decimal,
    price: Decimal,
    amount: Decimal,
    fees: Decimal = ZERO,
    is_cash: bool = False,
) -> Normalised:
    """The row with the signs its type asks for. `is_cash`: the security is a currency (CUR:USD).

    A cash row's quantity carries the sign of its amount (a deposit is -5000, amount -5000), so only the amount counts.
    """
    effect = effect_of(type, subtype)
    repairs: list[str] = []
    if is_cash and not amount and quantity:
        amount = quantity * (price or Decimal(1))
        repairs.append(f"amount: 0 -> {_plain(amount)}, from the quantity")
    if not is_cash and quantity * effect.units.value < 0 and effect.units is not Direction.EITHER:
        repairs.append(f"quantity: {_plain(quantity)} -> {_plain(-quantity)}")
        quantity = -quantity
    if _amount_disagrees(effect.cash, amount, fees):
        repairs.append(f"amount: {_plain(amount)} -> {_plain(-amount)}")
        amount = -amount
    return Normalised(quantity, amount, tuple(repairs))


def _plain(number: Decimal) -> str:
    """Digits as people write them: no trailing zeros, no exponent."""
    return f"{number.normalize():f}"


def _amount_disagrees(cash: Direction, amount: Decimal, fees: Decimal) -> bool:
    """Fees are in the amount, so proceeds smaller than the fees rightly leave a positive amount."""
    return amount > max(fees, ZERO) if cash is Direction.IN else cash is Direction.OUT and amount < 0


def deltas(
    *,
    type: str,
    subtype: str | None,
    quantity: Decimal,
    amount: Decimal,
    fees: Decimal = ZERO,
    is_cash: bool = False,
    cancelled: Deltas | None = None,
) -> Deltas:
    """What a normalised row changes. `cancelled`: the deltas of the row that a `cancel` takes back.

    A row that moves units books no cash unless it is a trade: the amount on a transfer in kind is its value. The same
    row without units (or in a currency) is cash: a wire, cash in lieu of a fraction.
    """
    effect = effect_of(type, subtype)
    if effect.reverses:
        return -cancelled if cancelled else Deltas()
    if effect.unsettled:
        return Deltas()
    units = ZERO if is_cash or effect.units is Direction.NONE else quantity
    if not units or effect.cash is not Direction.NONE:
        return _with_cash(effect, units, amount, fees)
    return Deltas(units=units, cost=_cost(effect, units, amount), in_kind=effect.flow is Flow.IN_KIND)


def _with_cash(effect: Effect, units: Decimal, amount: Decimal, fees: Decimal) -> Deltas:
    at_amount = effect.flow is Flow.AT_AMOUNT
    return Deltas(
        units=units,
        cash=ZERO if at_amount else -amount,
        flow=(amount if at_amount else -amount) if effect.flow is not Flow.NONE else ZERO,
        income=fees - amount if effect.income else ZERO,
        fee=amount if effect.fee else fees,
        cost=_cost(effect, units, amount),
    )


def _cost(effect: Effect, units: Decimal, amount: Decimal) -> Decimal | None:
    if effect.cost is Cost.RETURNED:
        return amount
    if not units or effect.cost in (Cost.NOTHING, Cost.KEPT):
        return ZERO
    if effect.cost is Cost.UNKNOWN or not (amount or effect.known):
        return None
    return amount
