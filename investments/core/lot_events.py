"""Ledger rows as what they do to lots.

Three things are told twice or by halves, and are put together here: what a company does comes as a corporate action,
as rows of the brokerage, or as both; a transfer between two accounts of one owner comes as a row in each; a merger that
no provider tells of comes as the row of what went and the row of what came.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from .effects import Cost, Effect, Flow, effect_of
from .lot import WIDE, ZERO, Pick
from .positions import (
    Arrival,
    Delisting,
    Departure,
    Event,
    Growth,
    InLieu,
    Merger,
    ReturnOfCapital,
    SpinOff,
    Split,
    Trade,
)

TRANSFER_DAYS: Final = timedelta(days=10)  # shares are under way between two brokerages for about a week
BOOKING_DAYS: Final = timedelta(days=5)  # a brokerage books what a company did within a week of its ex-date
IN_LIEU_DAYS: Final = timedelta(days=45)  # fractions are sold together, and paid out weeks later


class Row(NamedTuple):
    """A current row of the ledger, signs repaired: `quantity` > 0 adds units, `amount` > 0 takes cash out.

    `amount` is in the security's currency, None where it was paid in another and no rate is known.
    `order`: its place in the order of record; a correction keeps the place of what it corrects.
    """

    id: int
    order: int
    account: int
    security: int
    day: date
    type: str
    subtype: str
    quantity: Decimal
    amount: Decimal | None
    executed_at: datetime | None = None
    picks: tuple[Pick, ...] = ()


class Placed(NamedTuple):
    """An event of an account, and where it stands among all of a day: companies act first, then transfers, then trades.

    Of two trades of one day the time stamps decide where both have one, else the order of record.
    """

    account: int
    event: Event
    rank: int
    order: int
    executed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Transfer:
    """The two rows of one transfer; it leaves no later than it arrives."""

    number: int
    leaves: date


@dataclass(slots=True)
class _Told:
    """What rows must not tell again, and how rows belong together, by row id.

    `joined`: what rows come to together, by one of them; None for the others.
    """

    transfers: Mapping[int, _Transfer]
    joined: dict[int, Event | None] = field(default_factory=dict)


def placed_events(
    *, rows: Iterable[Row], actions: Sequence[Event], identity: Mapping[int, int] | None = None
) -> list[Placed]:
    """Everything that happens to an owner's lots, in order. `identity`: securities that are one, by one of their ids.

    An action goes to every account that has rows of the security; of other accounts the caller adds it.
    """
    ordered = sorted(rows, key=lambda row: (row.day, row.order, row.id))
    same = identity or {}
    told = _Told(_transfers(ordered, same))
    acted: dict[int, list[Event]] = defaultdict(list)
    for action in actions:
        for security in _concerned(action):
            acted[security].append(action)
    _pair_mergers(ordered, acted, told)
    _join_splits(ordered, acted, told)
    placed = [one for row in ordered if (one := _placed(row, acted, told)) is not None]
    return _by_time(placed)


def place_actions(*, account: int, actions: Iterable[Event]) -> list[Placed]:
    """Corporate actions as they fall on one account."""
    return [Placed(account, action, 0, place) for place, action in enumerate(actions)]


def in_order(placed: Iterable[Placed]) -> list[Placed]:
    """By day, then as `Placed` says; stable, so that what was put in order by time stays so."""
    return sorted(placed, key=lambda one: (one.event.day, one.rank))


def _concerned(action: Event) -> list[int]:
    if isinstance(action, SpinOff):
        return [action.security, action.child]
    if isinstance(action, Merger) and action.successor is not None:
        return [action.security, action.successor]
    return [action.security]


def _by_time(placed: list[Placed]) -> list[Placed]:
    """Runs of one day whose events all have a time stamp are put in its order; others stay in the order of record."""
    placed.sort(key=_recorded)
    if not any(one.executed_at for one in placed):
        return placed
    days: dict[tuple[date, int, int], list[Placed]] = defaultdict(list)
    for one in placed:
        days[one.event.day, one.rank, one.account].append(one)
    result: list[Placed] = []
    for run in days.values():
        if len(run) > 1 and all(one.executed_at for one in run):
            run.sort(key=lambda one: (one.executed_at, one.order))
        result += run
    return in_order(result)


def _recorded(one: Placed) -> tuple[date, int, int, int]:
    _, event, rank, order, _ = one
    return event.day, rank, order, event.id


def _placed(row: Row, acted: Mapping[int, Sequence[Event]], told: _Told) -> Placed | None:
    event = told.joined[row.id] if row.id in told.joined else _event(row, acted.get(row.security, ()), told)
    if event is None:
        return None
    rank = 1 if isinstance(event, Departure) else 2 if isinstance(event, Arrival) else 3
    return Placed(row.account, event, rank, row.order, row.executed_at)


def _event(row: Row, acted: Sequence[Event], told: _Told) -> Event | None:
    effect = effect_of(row.type, row.subtype or None)
    if not row.quantity:
        return _cash(row, -row.amount, effect, acted) if row.amount and row.amount < 0 else None
    if effect.corporate_action:
        return _booked(row, effect.corporate_action, acted)
    if _is_transfer(effect):
        return _moved(row, told.transfers.get(row.id))
    return Trade(row.id, row.day, row.security, row.quantity, _amount(row, effect), row.picks)


def _cash(row: Row, received: Decimal, effect: Effect, acted: Sequence[Event]) -> Event | None:
    """Cash that came for a security without units: capital returned, or what a split's fraction was sold for."""
    if effect.cost is Cost.RETURNED:
        return ReturnOfCapital(row.id, row.day, row.security, received)
    if not is_plain_cash(effect):
        return None
    after_split = any(isinstance(action, Split) and follows(row.day, action) for action in acted)
    return InLieu(row.id, row.day, row.security, received) if after_split else None


def is_plain_cash(effect: Effect) -> bool:
    """Neither income nor a cost, nor money from outside or not yet there: what is paid for units is."""
    return not (effect.income or effect.fee or effect.unsettled or effect.flow is not Flow.NONE)


def follows(day: date, split: Split) -> bool:
    """Whether the fraction that a split leaves may be paid out on the day."""
    return is_near(day, split.day)


def is_near(day: date, ex_date: date) -> bool:
    """Whether cash of the day may be for what a company did on its ex-date."""
    return ex_date - BOOKING_DAYS <= day <= ex_date + IN_LIEU_DAYS


def _amount(row: Row, effect: Effect) -> Decimal | None:
    """Paid for what came, received for what went; what expires or is exercised ends at nothing."""
    if effect.cost is Cost.UNKNOWN or effect.cost is Cost.NOTHING:
        return ZERO if row.quantity < 0 or effect.cost is Cost.NOTHING else None
    if row.amount is None:
        return None
    if effect.flow is Flow.IN_KIND:
        return abs(row.amount) or None
    if not (row.amount or effect.known):
        return None
    return row.amount if row.quantity > 0 else -row.amount


def _booked(row: Row, kind: str, acted: Sequence[Event]) -> Event | None:
    """A company's act as the brokerage books it; None where a corporate action tells of it already."""
    near = _near(row, acted)
    if kind in ("split", "stock_dividend"):
        known = any(isinstance(action, Split) for action in near)
        return None if known else Growth(row.id, row.day, row.security, row.quantity)
    if kind == "merger" and any(ends_for_cash(action) for action in near):
        return None if row.amount == 0 else Trade(row.id, row.day, row.security, row.quantity, _absolute(row.amount))
    wanted = SpinOff if kind == "spin_off" else Merger
    if any(isinstance(action, wanted) for action in near):
        return None
    if row.quantity > 0:
        return Trade(row.id, row.day, row.security, row.quantity, None)
    if row.amount != 0:
        return Trade(row.id, row.day, row.security, row.quantity, _absolute(row.amount))
    return Departure(row.id, row.day, row.security, -row.quantity)


def _absolute(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else abs(amount)


def _near(row: Row, acted: Sequence[Event]) -> list[Event]:
    return [action for action in acted if abs(action.day - row.day) <= BOOKING_DAYS]


def ends_for_cash(event: Event) -> bool:
    """Whether nothing is left of the security, and nothing but cash comes for it."""
    if isinstance(event, Merger):
        return event.successor is None or not event.ratio
    return isinstance(event, Delisting)


def _is_transfer(effect: Effect) -> bool:
    """In kind, and not told what it cost: an opening balance is."""
    return effect.flow is Flow.IN_KIND and effect.cost is Cost.UNKNOWN


def _moved(row: Row, transfer: _Transfer | None) -> Event:
    if row.quantity < 0:
        day = transfer.leaves if transfer else row.day
        return Departure(row.id, day, row.security, -row.quantity, transfer.number if transfer else None)
    if transfer:
        return Arrival(row.id, row.day, row.security, row.quantity, transfer.number)
    return Trade(row.id, row.day, row.security, row.quantity, None)


def _kinds(rows: Iterable[Row], wanted: Callable[[Effect], bool]) -> set[tuple[str, str]]:
    """The (type, subtype) among the rows whose effect is wanted: most ledgers have a handful of kinds."""
    told = {(row.type, row.subtype) for row in rows}
    return {kind for kind in told if wanted(effect_of(*kind))}


def _transfers(rows: Sequence[Row], same: Mapping[int, int]) -> dict[int, _Transfer]:
    """Rows in kind that belong together, by row id: as many units of a security out of one account and into another."""
    kinds = _kinds(rows, _is_transfer)
    arrivals: dict[tuple[int, Decimal], list[Row]] = defaultdict(list)
    departures: list[Row] = []
    for row in rows if kinds else ():
        if row.quantity and (row.type, row.subtype) in kinds:
            if row.quantity < 0:
                departures.append(row)
            else:
                arrivals[same.get(row.security, row.security), row.quantity].append(row)
    transfers: dict[int, _Transfer] = {}
    for row in departures:
        waiting = arrivals.get((same.get(row.security, row.security), -row.quantity), [])
        fitting = [other for other in waiting if other.account != row.account]
        nearest = min(fitting, key=lambda other: (abs(other.day - row.day), other.order), default=None)
        if nearest is not None and abs(nearest.day - row.day) <= TRANSFER_DAYS:
            waiting.remove(nearest)
            transfers[row.id] = transfers[nearest.id] = _Transfer(row.id, min(row.day, nearest.day))
    return transfers


def _pair_mergers(rows: Sequence[Row], acted: Mapping[int, Sequence[Event]], told: _Told) -> None:
    """What went, what came for it, and the cash that was paid beside it, as booked on one day in one account."""
    for booked in _booked_days(rows, ("merger",)).values():
        went = [row for row in booked if row.quantity < 0]
        came = [row for row in booked if row.quantity > 0]
        if len(went) != 1 or len(came) > 1 or any(row.security == went[0].security for row in came):
            continue
        if any(isinstance(action, Merger) for row in booked for action in _near(row, acted.get(row.security, ()))):
            continue
        cash = [row.amount for row in booked if not row.quantity and row.security == went[0].security]
        paid = None if None in cash else -sum((amount for amount in cash if amount is not None), ZERO)
        if came:
            told.joined |= {came[0].id: None, went[0].id: _merger(went[0], came[0], paid or ZERO)}
        elif cash and paid != 0:
            told.joined[went[0].id] = Trade(went[0].id, went[0].day, went[0].security, went[0].quantity, paid)


def _merger(went: Row, came: Row, paid: Decimal) -> Merger:
    """The amount of what came, where one is told, is its value: no cash moves with units."""
    units = -went.quantity
    ratio, cash, value = (WIDE.divide(each, units) for each in (came.quantity, paid, abs(came.amount or ZERO)))
    return Merger(went.id, went.day, went.security, came.security, ratio, cash, value)


def _join_splits(rows: Sequence[Row], acted: Mapping[int, Sequence[Event]], told: _Told) -> None:
    """The old units out and the new ones in, as many brokerages book a reverse split: the difference is what grew."""
    for booked in _booked_days(rows, ("split", "stock_dividend")).values():
        by_security: dict[int, list[Row]] = defaultdict(list)
        for row in booked:
            if row.quantity:
                by_security[row.security].append(row)
        for security, those in by_security.items():
            if len(those) < 2 or any(isinstance(one, Split) for one in _near(those[0], acted.get(security, ()))):
                continue
            grown = sum((row.quantity for row in those), ZERO)
            told.joined |= {row.id: None for row in those}
            told.joined[those[0].id] = Growth(those[0].id, those[0].day, security, grown)


def _booked_days(rows: Sequence[Row], actions: Sequence[str]) -> dict[tuple[int, date], list[Row]]:
    """The rows that book such a corporate action, by account and day."""
    kinds = _kinds(rows, lambda effect: effect.corporate_action in actions)
    days: dict[tuple[int, date], list[Row]] = defaultdict(list)
    for row in rows if kinds else ():
        if (row.type, row.subtype) in kinds:
            days[row.account, row.day].append(row)
    return days


def as_of(event: Event, day: date) -> Event:
    """The same event on another day."""
    return replace(event, day=day)
