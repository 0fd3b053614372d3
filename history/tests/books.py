"""Books for tests: from a simulated life, or from a few lines that read like the case they describe."""

from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

import numpy as np

from history.core.book import NO_DAY, Accounts, Book, Bools, Floats, History, Ints, Movements, Positions
from history.core.market import NO_EXCHANGES, NO_SPLITS, Exchanges, Market, Splits, build_market
from history.core.reconstruct import reconstruct
from history.tests.exchange import ONE_DAY
from history.tests.full_life import FullLife
from history.tests.life import Life, Row
from investments.core.effects import Deltas, deltas, effect_of, normalise

NAN = float("nan")


@dataclass
class Move:
    """One movement of a test case; `position` counts from 0, -1 for cash only."""

    day: int
    position: int = -1
    units: float = 0.0
    cash: float = 0.0
    flow: float = 0.0
    income: float = 0.0
    fee: float = 0.0
    cost: float = 0.0
    price: float = NAN
    in_kind: bool = False
    split: bool = False
    dividend: bool = False
    short: bool = False
    exchange: bool = False
    account: int = 0


@dataclass
class Held:
    """One position of a test case, on column 0 unless it says otherwise."""

    units: float
    basis: float = NAN
    column: int = 0
    multiplier: float = 1.0
    broker_price: float = NAN
    broker_day: int = NO_DAY
    may_short: bool = False
    is_cash: bool = False
    last_units: float = NAN
    removed_day: int = NO_DAY
    account: int = 0


@dataclass
class Exchange:
    """A spin-off (`ends` False), or a merger, new name or delisting of column 0 unless it says otherwise."""

    day: int
    ratio: float = 0.0
    successor: int = -1
    cash: float = 0.0
    ends: bool = False
    kept: float = NAN
    column: int = 0


@dataclass
class Case:
    """Holdings at the last day, and what moved before; `history()` rebuilds it."""

    closes: list[list[float]]  # one list of D closes per column
    held: list[Held] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    cash: tuple[float, ...] = (0.0,)
    margin: bool = False
    splits: list[tuple[int, int, float]] = field(default_factory=list)  # column, day, ratio
    fx: Floats | None = None
    exchanges: list["Exchange"] = field(default_factory=list)
    one_paper: bool = False  # every column is an id of the same
    prior_close: list[float] | None = None
    prior_day: list[int] | None = None

    def market(self) -> Market:
        return build_market(
            closes=np.array(self.closes, np.float64).T,
            splits=splits_of(self.splits),
            fx=self.fx,
            prior_close=None if self.prior_close is None else np.array(self.prior_close),
            prior_day=None if self.prior_day is None else np.array(self.prior_day),
            exchanges=exchanges_of(self.exchanges, len(self.closes), one_paper=self.one_paper),
        )

    def history(self) -> History:
        accounts = Accounts(np.array(self.cash, np.float64), np.full(len(self.cash), self.margin))
        book = Book(accounts, positions_of(self.held), movements_of(self.moves))
        return reconstruct(book=book, market=self.market())


def splits_of(splits: list[tuple[int, int, float]]) -> Splits:
    if not splits:
        return NO_SPLITS
    column, day, ratio = zip(*splits, strict=True)
    return Splits(np.array(column), np.array(day), np.array(ratio, np.float64), np.zeros(len(splits), np.bool_))


def exchanges_of(exchanges: list[Exchange], columns: int, *, one_paper: bool = False) -> Exchanges:
    return Exchanges(
        column=_ints([one.column for one in exchanges]),
        successor=_ints([one.successor for one in exchanges]),
        day=_ints([one.day for one in exchanges]),
        ratio=_floats([one.ratio for one in exchanges]),
        cash=_floats([one.cash for one in exchanges]),
        ends=_bools([one.ends for one in exchanges]),
        kept=_floats([one.kept for one in exchanges]),
        group=_ints([0 if one_paper else column for column in range(columns)]),
    )


def positions_of(held: list[Held]) -> Positions:
    return Positions(
        account=_ints([each.account for each in held]),
        column=_ints([each.column for each in held]),
        units=_floats([each.units for each in held]),
        multiplier=_floats([each.multiplier for each in held]),
        basis=_floats([each.basis for each in held]),
        broker_price=_floats([each.broker_price for each in held]),
        broker_day=_ints([each.broker_day for each in held]),
        may_short=_bools([each.may_short for each in held]),
        is_cash=_bools([each.is_cash for each in held]),
        last_units=_floats([each.last_units for each in held]),
        removed_day=_ints([each.removed_day for each in held]),
    )


def movements_of(moves: list[Move]) -> Movements:
    return Movements(
        account=_ints([move.account for move in moves]),
        position=_ints([move.position for move in moves]),
        day=_ints([move.day for move in moves]),
        units=_floats([move.units for move in moves]),
        cash=_floats([move.cash for move in moves]),
        flow=_floats([move.flow for move in moves]),
        income=_floats([move.income for move in moves]),
        fee=_floats([move.fee for move in moves]),
        cost=_floats([move.cost for move in moves]),
        price=_floats([move.price for move in moves]),
        in_kind=_bools([move.in_kind for move in moves]),
        split=_bools([move.split for move in moves]),
        dividend=_bools([move.dividend for move in moves]),
        short=_bools([move.short for move in moves]),
        exchange=_bools([move.exchange for move in moves]),
        keep=np.ones(len(moves)),
    )


def life_market(life: Life) -> Market:
    """The market of a life's window, with the last close before it."""
    days = (life.end - life.start).days + 1
    closes = np.full((days, len(life.securities)), np.nan)
    prior_close, prior_day = np.full(len(life.securities), np.nan), np.full(len(life.securities), NO_DAY)
    splits = []
    for column, security in enumerate(life.securities.values()):
        for day, close in sorted(security.closes.items()):
            place = (day - life.start).days
            if place >= 0:
                closes[place, column] = float(close)
            else:
                prior_close[column], prior_day[column] = float(close), place
        splits += [(column, (day - life.start).days, float(ratio)) for day, ratio in security.splits.items()]
    return build_market(
        closes=closes,
        splits=splits_of(splits),
        prior_close=prior_close,
        prior_day=prior_day,
        fx=life_rates(life),
        exchanges=life_exchanges(life),
    )


def life_rates(life: Life) -> Floats | None:
    """(D, S) dollars for the currency of each security, carried forward; None where all are in dollars."""
    if not isinstance(life, FullLife):
        return None
    days = [life.start + number * ONE_DAY for number in range((life.end - life.start).days + 1)]
    rates = [float(life.rates[max(day for day in life.rates if day <= today)]) for today in days]
    ones = [1.0] * len(days)
    return np.array([ones if one.currency == "USD" else rates for one in life.securities.values()]).T


def life_exchanges(life: Life) -> Exchanges:
    if not isinstance(life, FullLife):
        return NO_EXCHANGES
    columns = {name: column for column, name in enumerate(life.securities)}
    told = [
        Exchange(
            day=day_of(life, event.day), ratio=float(event.ratio), cash=float(event.cash), ends=event.ends,
            successor=columns.get(event.child, -1), column=columns[event.parent],
        )
        for event in life.events
    ]  # fmt: skip
    made = exchanges_of(told, len(columns))
    made.group[columns["AFTER"]] = made.group[columns["BEFORE"]]
    return replace(made, successor=np.where(made.successor >= 0, made.group[made.successor], -1))


def life_book(life: Life) -> Book:
    """What a brokerage's answers give of a life: holdings at its end, and rows, through the table of effects."""
    columns = {name: column for column, name in enumerate(life.securities)}
    last = {
        (account.number, name): units for account in life.accounts for name, units in account.truth[-1].units.items()
    }
    moved = {(row.account, row.security) for row in life.rows if row.security in columns}
    ended = life.ended if isinstance(life, FullLife) else {}
    keys = sorted(last.keys() | moved | ended.keys())
    place = {key: position for position, key in enumerate(keys)}
    held = [
        Held(
            units=float(last.get(key, 0)),
            column=columns[key[1]],
            multiplier=float(life.securities[key[1]].multiplier),
            may_short=life.securities[key[1]].kind in ("option", "mini"),
            is_cash=life.securities[key[1]].kind == "sweep",
            last_units=float(ended[key][0]) if key in ended else NAN,
            removed_day=day_of(life, ended[key][1]) if key in ended else NO_DAY,
            account=key[0],
        )
        for key in keys
    ]
    rows = [row for row in life.rows if not any(row is one for one in life.cancelled)]
    moves = [life_move(life, row, place.get((row.account, row.security), -1)) for row in rows]
    cash = np.array([float(account.cash) for account in life.accounts])
    return Book(Accounts(cash, np.zeros(cash.size, np.bool_)), positions_of(held), movements_of(moves))


def row_deltas(row: Row) -> Deltas:
    """The table's answer to one row as the brokerage sent it."""
    repaired = normalise(
        type=row.type,
        subtype=row.subtype,
        quantity=row.quantity,
        price=row.price,
        amount=row.amount,
        fees=row.fees,
        is_cash=row.is_cash,
    )
    return deltas(
        type=row.type,
        subtype=row.subtype,
        quantity=repaired.quantity,
        amount=repaired.amount,
        fees=row.fees,
        is_cash=row.is_cash,
    )


def life_move(life: Life, row: Row, position: int) -> Move:
    change, effect = row_deltas(row), effect_of(row.type, row.subtype)
    return Move(
        day=(row.day - life.start).days,
        position=position,
        units=float(change.units),
        cash=float(change.cash),
        flow=float(change.flow),
        income=float(change.income),
        fee=float(change.fee),
        cost=NAN if change.cost is None else float(change.cost),
        price=float(row.price) if row.price > 0 and change.units else NAN,
        in_kind=change.in_kind,
        split=bool(change.units) and effect.corporate_action in ("split", "stock_dividend"),
        dividend=bool(change.units) and effect.corporate_action == "stock_dividend",
        short=bool(change.units) and effect.short,
        exchange=bool(change.units) and effect.corporate_action in ("spin_off", "merger"),
        account=row.account,
    )


def day_of(life: Life, day: date) -> int:
    return (day - life.start).days


def decimals(figures: list[Decimal]) -> Floats:
    return np.array([float(figure) for figure in figures])


def _floats(values: list[float]) -> Floats:
    return np.array(values, np.float64)


def _ints(values: list[int]) -> Ints:
    return np.array(values, np.int64)


def _bools(values: list[bool]) -> Bools:
    return np.array(values, np.bool_)
