"""Where the return of a period came from: by security, class, sector, industry, account, institution, currency, trade.

Contributions of all parts add up to the time-weighted return of the period, the same that the performance page shows.
Interest, fees that no security bore and the currency of cash are `Cash`; what snapshots or quotes say otherwise than
the books, and closed accounts, are `Not explained`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from history.allocation import DIMENSIONS, label_of
from history.analytics.currencies import held_by_account
from history.analytics.lines import AccountLines, account_lines
from history.analytics.position_gains import Positions, read_positions
from history.core.attribution import METHOD, Days, contributions, days_of, trade_contributions
from history.core.book import Floats
from history.core.returns import daily_returns, linked
from history.core.versions import named
from history.series import Period
from history.valuation import account_worths, market_today
from investments.kinds import security_label
from investments.models import Account

TRADE: Final = "trade"
BY: Final = (*DIMENSIONS, TRADE)
NOT_EXPLAINED: Final = "Not explained"
HELD: Final = "Held, income and cash"
CENT: Final = 0.005
OF_ACCOUNTS: Final = ("account", "institution")


@dataclass(frozen=True, slots=True)
class Contribution:
    """`contribution` to the return as a fraction, `gain` in the base currency; `weight` is the mean share of value and
    `return_` the part's own, None where it has none. A trade has its `day` and `units` (split-adjusted).
    """

    label: str
    contribution: float
    gain: float
    weight: float | None = None
    return_: float | None = None
    key: str = ""
    day: date | None = None
    units: float | None = None
    security_id: int | None = None


@dataclass(frozen=True, slots=True)
class Attribution:
    """Greatest contribution first; their sum is `total`, the return from `first` to `last`."""

    by: str
    currency: str
    first: date
    last: date
    total: float
    parts: tuple[Contribution, ...]
    method: str = METHOD

    @property
    def version(self) -> str:
        return named("trade_contribution" if self.by == TRADE else "contribution")


@dataclass(frozen=True, slots=True)
class Gains:
    """Gains of positions (P, D), of cash and of what is left of each account (A, D), over the days of `lines`."""

    lines: AccountLines
    days: Days
    positions: Positions
    of_positions: Floats
    of_cash: Floats
    rest: Floats
    accounts: tuple[Account, ...]


def read_gains(
    *, account_ids: Sequence[int], period: Period, base_currency: str, today: date | None = None
) -> Gains | None:
    """The Gains of a period; None where there is no day. Seventeen queries at most in one currency."""
    lines = account_lines(account_ids=account_ids, period=period, base_currency=base_currency)
    if lines is None:
        return None
    today = max(today or market_today(), lines.last)
    positions = read_positions(
        account_ids=lines.account_ids,
        worths=account_worths(account_ids=lines.account_ids, base_currency=base_currency),
        first=lines.first,
        today=today,
        base_currency=base_currency,
    )
    return gains_of(lines, positions)


def gains_of(lines: AccountLines, positions: Positions) -> Gains:
    """The Gains of lines and positions that begin on the same day."""
    return _gains(lines, positions, tuple(positions.every_account[pk] for pk in lines.account_ids))


def _gains(lines: AccountLines, positions: Positions, accounts: tuple[Account, ...]) -> Gains:
    count = len(lines.line.days)
    value, flow = np.nan_to_num(lines.value), np.nan_to_num(lines.net_flow)
    of_accounts = np.diff(value, axis=1, prepend=value[:, :1]) - flow
    of_accounts[:, 0] = 0.0
    # An account that enters, or whose days lag, has no gain there, and so have none of its positions.
    both = lines.present.copy()
    both[:, 1:] &= lines.present[:, :-1]
    both[:, 0] = False
    place = {pk: at for at, pk in enumerate(lines.account_ids)}
    rows = [place.get(account.pk, -1) for account in positions.accounts]
    of_positions = _during(positions.gains.gain[:, :count], both, rows)
    cash_rows = [place.get(account.pk, -1) for account in positions.cash_accounts]
    of_cash = np.zeros_like(value)
    for row, gained in zip(cash_rows, _during(positions.gains.cash[:, :count], both, cash_rows), strict=True):
        if row >= 0:
            of_cash[row] = gained
    explained = of_cash.copy()
    for row, gained in zip(rows, of_positions, strict=True):
        if row >= 0:
            explained[row] += gained
    days = days_of(lines.line.value, lines.line.net_flow)
    return Gains(lines, days, positions, of_positions, of_cash, of_accounts - explained, accounts)


def _during(gains: Floats, both: np.typing.NDArray[np.bool_], rows: Sequence[int]) -> Floats:
    """Gains on the days on which their account is there, before and after; of accounts without a day none."""
    if not rows:
        return np.zeros((0, both.shape[1]))
    there = np.vstack([both, np.zeros((1, both.shape[1]), np.bool_)])[rows]
    return np.asarray(np.where(there, np.nan_to_num(gains), 0.0), np.float64)


def attribution(gains: Gains, *, by: str, currency: str) -> Attribution:
    """The Attribution by one of BY. Raises KeyError for another."""
    parts = _by_trade(gains) if by == TRADE else _by_label(gains, by)
    line = gains.lines.line
    return Attribution(
        by=by,
        currency=currency,
        first=line.days[0],
        last=line.days[-1],
        total=linked(gains.days.returns),
        parts=tuple(sorted(parts, key=lambda part: (-part.contribution, part.label, part.day or date.min))),
    )


def _by_label(gains: Gains, by: str) -> list[Contribution]:
    sums = by_day(gains, by)
    return [part for label, (gained, value) in sums.items() if (part := _contribution(gains, label, gained, value))]


def by_day(gains: Gains, by: str) -> dict[tuple[str, str], list[Floats]]:
    """Gain and value (D,) of each (label, key). Every gain has a label; parts of one label are summed day by day, so
    that they have a return of their own.
    """
    count = len(gains.lines.line.days)
    sums: dict[tuple[str, str], list[Floats]] = {}

    def add(label: tuple[str, str], gained: Floats, value: Floats) -> None:
        found = sums.setdefault(label, [np.zeros(count), np.zeros(count)])
        found[0] += gained
        found[1] += value

    positions = gains.positions
    for at, (security, account) in enumerate(zip(positions.securities, positions.accounts, strict=True)):
        add(label_of(by, security, account), gains.of_positions[at], np.nan_to_num(positions.gains.value[at, :count]))
    total = np.nan_to_num(gains.lines.value)
    held = held_by_account(gains.lines, positions)
    for at, account in enumerate(gains.accounts):
        add(label_of(by, None, account), gains.of_cash[at], total[at] - held[at])
        rest = label_of(by, None, account) if by in OF_ACCOUNTS else (NOT_EXPLAINED, "")
        add(rest, gains.rest[at], np.zeros(count))
    return sums


def _contribution(gains: Gains, label: tuple[str, str], gained: Floats, value: Floats) -> Contribution | None:
    total = float(gained.sum())
    if not gained.any() and np.abs(value).max(initial=0.0) < CENT:
        return None
    if label[0] == NOT_EXPLAINED and np.abs(gained).max(initial=0.0) < CENT:
        # Kept where it can be seen; below a cent it is rounding, which the largest part would not show either.
        return Contribution(label[0], float(contributions(gained[None, :], gains.days)[0]), total) if total else None
    whole = np.nan_to_num(gains.lines.line.value)
    shares = value[whole > 0] / whole[whole > 0]
    moved = daily_returns(value, np.diff(value, prepend=0.0) - gained)
    return Contribution(
        label=label[0],
        contribution=float(contributions(gained[None, :], gains.days)[0]),
        gain=total,
        weight=float(shares.mean()) if shares.size else None,
        return_=linked(moved) if label[0] != NOT_EXPLAINED and value.any() else None,
        key=label[1],
    )


def _by_trade(gains: Gains) -> list[Contribution]:
    """Each purchase and sale of the period; all else that the portfolio gained is one part beside them."""
    count = len(gains.lines.line.days)
    positions, trades = gains.positions, gains.positions.gains.trades
    place = {pk: at for at, pk in enumerate(gains.lines.account_ids)}
    rows = np.array([place.get(account.pk, -1) for account in positions.accounts], np.int64)
    chosen = np.flatnonzero((trades.day > 0) & (trades.day < count) & np.isfinite(trades.at_once))
    chosen = chosen[[bool(rows[at] >= 0) for at in trades.position[chosen]]] if chosen.size else chosen
    moves = _moves(positions.gains.unit[:, :count])
    position, day = trades.position[chosen], trades.day[chosen]
    units, at_once = trades.units[chosen], trades.at_once[chosen]
    each = trade_contributions(moves=moves, position=position, day=day, units=units, at_once=at_once, days=gains.days)
    since = np.cumsum(moves, axis=1)
    money = units * (since[position, -1] - since[position, day]) + at_once
    found = [
        Contribution(
            label=security_label(positions.securities[at]),
            contribution=float(share),
            gain=float(made),
            day=gains.lines.line.days[when],
            units=float(moved),
            key=str(positions.accounts[at].pk),
            security_id=positions.securities[at].pk,
        )
        for at, when, moved, share, made in zip(
            position.tolist(), day.tolist(), units.tolist(), each.tolist(), money.tolist(), strict=True
        )
    ]
    everything = gains.of_positions.sum() + gains.of_cash.sum() + gains.rest.sum()
    rest = Contribution(HELD, linked(gains.days.returns) - float(each.sum()), float(everything - money.sum()))
    return [*found, rest]


def _moves(unit: Floats) -> Floats:
    """(P, D) what a unit gained by day, nothing where it had no price at either end."""
    known = ~np.isnan(unit) & (unit != 0)
    moves = np.zeros_like(unit)
    both = known[:, 1:] & known[:, :-1]
    moves[:, 1:] = np.where(both, np.nan_to_num(unit[:, 1:]) - np.nan_to_num(unit[:, :-1]), 0.0)
    return moves
