"""Accounts' days summed into one line, exactly: an account that starts, lags or closes is no gain and no loss.

Money is whole ten-thousandths (int64) as long as everything is in one currency; where rates come in, exact decimals of
the same unit (object arrays).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from history.core.book import Bools, Floats, Ints
from history.core.versions import named, version

UNKNOWN: Final = -(2**63)  # a cost basis nobody knows
MOST: Final = 9.2e18  # what an int64 holds
UNIT: Final = 10_000  # money comes in ten-thousandths, as it is stored
SUMMED: Final = ("value", "cash", "cost_basis", "net_flow", "income", "fees")

Money = NDArray[Any]
Rates = Sequence[Decimal | None]


@dataclass(frozen=True, slots=True)
class Grid:
    """(A, D) account days, `present` where there is one. `cost_basis` is UNKNOWN where it is."""

    present: Bools
    value: Ints
    cash: Ints
    cost_basis: Ints
    net_flow: Ints
    income: Ints
    fees: Ints
    quality: Floats
    snapshot_type: Ints


@dataclass(frozen=True, slots=True)
class Totals:
    """A line of `days` (those of 0..D-1 that any account has). Money that is not known is None, and money an object."""

    days: Ints
    value: Money
    cash: Money
    cost_basis: Money
    net_flow: Money
    income: Money
    fees: Money
    gain: Money
    twrr: Floats
    quality: Floats
    snapshot_type: Ints


class TooMuch(OverflowError):
    """More money than can be summed exactly."""


def grid_of(*, place: Ints, day: Ints, shape: tuple[int, int], columns: Mapping[str, Ints | Floats]) -> Grid:
    """Rows at (place, day) as a Grid; raises TooMuch where sums of them could not be exact."""
    for name in SUMMED:
        if np.abs(np.where(columns[name] == UNKNOWN, 0, columns[name]).astype(float)).sum() > MOST:
            raise TooMuch(name)
    present = np.zeros(shape, np.bool_)
    present[place, day] = True
    grids: dict[str, Any] = {}
    for name, column in columns.items():
        grids[name] = np.zeros(shape, column.dtype)
        grids[name][place, day] = column
    return Grid(present=present, **grids)


def totals_of(*, grid: Grid, currency: Sequence[str], is_open: Bools, rates: Mapping[str, Rates]) -> Totals:
    """`currency` and `is_open` are by account; `rates` (D) to the base currency of every currency that is another."""
    _bridge(grid, is_open)
    days = np.flatnonzero(grid.present.any(axis=0))
    parts = [
        _converted(_part(grid, [at for at, its in enumerate(currency) if its == one], days), rates.get(one), days)
        for one in sorted(set(currency))
    ]
    money = {name: _sum([part[name] for part in parts], strict=name in ("value", "cost_basis")) for name in SUMMED}
    return Totals(
        days=days,
        **money,
        gain=_gain(money["value"], money["net_flow"]),
        twrr=_twrr(money["value"], money["net_flow"]),
        quality=_quality(parts),
        snapshot_type=np.where(grid.present, grid.snapshot_type, np.iinfo(grid.snapshot_type.dtype).max)[:, days].min(
            axis=0
        ),
    )


def _bridge(grid: Grid, is_open: Bools) -> None:
    """What begins after the first day comes in as a flow; what lags is carried on, what was closed leaves as a flow."""
    days = grid.present.shape[1]
    first = grid.present.argmax(axis=1)
    last = days - 1 - grid.present[:, ::-1].argmax(axis=1)
    late = np.flatnonzero(first > grid.present.any(axis=0).argmax())
    grid.net_flow[late, first[late]] = grid.value[late, first[late]]
    for account in np.flatnonzero(last < days - 1).tolist():
        end = last[account]
        after = slice(end + 1, days if is_open[account] else end + 2)
        grid.present[account, after] = True
        grid.quality[account, after] = grid.quality[account, end]
        grid.snapshot_type[account, after] = grid.snapshot_type[account, end]
        if is_open[account]:
            for column in (grid.value, grid.cash, grid.cost_basis):
                column[account, after] = column[account, end]
        else:
            grid.net_flow[account, after] = -grid.value[account, end]


Part = dict[str, Any]


def _part(grid: Grid, accounts: list[int], days: Ints) -> Part:
    """The accounts of one currency, summed. `here`: days on which any of them is."""
    rows = np.ix_(np.array(accounts, np.int64), days)
    present, value, basis = grid.present[rows], grid.value[rows], grid.cost_basis[rows]
    known = present & (basis != UNKNOWN)
    gross = np.abs(value).astype(np.float64)
    return {
        **{name: getattr(grid, name)[rows].sum(axis=0) for name in SUMMED if name != "cost_basis"},
        "cost_basis": np.where(known, basis, 0).sum(axis=0),
        "basis_known": known.any(axis=0) & ~(present & ~known & (value != 0)).any(axis=0),
        "here": present.any(axis=0),
        "unrated": np.zeros(days.size, np.bool_),
        "gross": gross.sum(axis=0),
        "trusted": (gross * grid.quality[rows]).sum(axis=0),
        "quality": (grid.quality[rows] * present).sum(axis=0) / np.maximum(present.sum(axis=0), 1),
    }


def _converted(part: Part, rates: Rates | None, days: Ints) -> Part:
    """Money as (amounts, known, here) in the base currency."""
    here, basis_known = part["here"], part["basis_known"]
    if rates is None:
        money = {name: (part[name], basis_known if name == "cost_basis" else here, here) for name in SUMMED}
        return {**part, **money}
    chosen = [rates[day] for day in days.tolist()]
    rated = np.array([rate is not None for rate in chosen], np.bool_)
    factor = np.array([rate or Decimal(0) for rate in chosen], object)
    known = here & rated
    return {
        name: (part[name].astype(object) * factor, known & basis_known if name == "cost_basis" else known, here)
        for name in SUMMED
    } | {
        "here": here,
        "unrated": here & ~rated,
        "gross": part["gross"] * factor.astype(np.float64),
        "trusted": part["trusted"] * factor.astype(np.float64),
        "quality": part["quality"],
    }


def _sum(columns: Sequence[tuple[Money, Bools, Bools]], *, strict: bool) -> Money:
    """`strict`: unknown as soon as one part that is there is; else when all are."""
    amounts: Money = np.sum([np.where(known, amount, 0) for amount, known, _here in columns], axis=0)
    missing = np.any([here & ~known for _amount, known, here in columns], axis=0)
    unknown = missing if strict else ~np.any([known for _amount, known, _here in columns], axis=0)
    if unknown.any():
        amounts = amounts.astype(object)
        amounts[unknown] = None
    return amounts


def _unknown(column: Money) -> Bools:
    if column.dtype != object:
        return np.zeros(column.shape, np.bool_)
    return np.array([amount is None for amount in column.tolist()], np.bool_)


def _known(column: Money) -> Money:
    """Nothing where it is unknown."""
    return np.where(_unknown(column), 0, column) if column.dtype == object else column


def _gain(value: Money, flow: Money) -> Money:
    """Value less the first value less flows since; unknown where either value is."""
    since, unknown = _known(flow).copy(), _unknown(value)
    since[:1] = 0
    unknown |= unknown[:1].any()
    gain: Money = _known(value) - _known(value)[:1] - np.cumsum(since)
    if unknown.any():
        gain = gain.astype(object)
        gain[unknown] = None
    return gain


def _twrr(value: Money, flow: Money) -> Floats:
    """The time-weighted index, 1 on the first day; unmoved over unknown days."""
    index: Floats = version(named("twrr")).run(in_units(value), in_units(_known(flow)))
    return index


def in_units(amounts: Money) -> Floats:
    """Ten-thousandths as a number of whole units, NaN where they are unknown."""
    known = np.asarray(_known(amounts), np.float64) / UNIT
    return np.asarray(np.where(_unknown(amounts), np.nan, known), np.float64)


def by_account(*, grid: Grid, currency: Sequence[str], rates: Mapping[str, Rates]) -> tuple[Floats, Floats]:
    """(A, D) value and net flow of each account in the base currency, NaN without a rate.

    The grid is as `totals_of` leaves it: what begins, lags or is closed is bridged.
    """
    factor = np.ones(grid.value.shape)
    for at, its in enumerate(currency):
        if its in rates:
            factor[at] = [np.nan if rate is None else float(rate) for rate in rates[its]]
    return grid.value / UNIT * factor, grid.net_flow / UNIT * factor


def _quality(parts: Sequence[Part]) -> Floats:
    """Weighed by value; where nothing is worth anything, the mean; none where a part cannot be converted."""
    gross = np.sum([part["gross"] for part in parts], axis=0)
    trusted = np.sum([part["trusted"] for part in parts], axis=0)
    here = np.array([part["here"] for part in parts])
    mean = np.sum([part["quality"] for part in parts], axis=0, where=here) / np.maximum(here.sum(axis=0), 1)
    quality = np.where(gross > 0, trusted / np.where(gross > 0, gross, 1.0), mean)
    return np.asarray(np.where(np.any([part["unrated"] for part in parts], axis=0), 0.0, quality), np.float64)
