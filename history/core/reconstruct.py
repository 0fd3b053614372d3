"""Daily figures from holdings now, transactions and prices, for many accounts at once.

A transaction dated d counts at the end of d, what a company does at the start of its ex-date. In and out: see `book`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any, Final

import numpy as np

from history.core import anomalies, quality, sums
from history.core.basis import Basis, basis_levels
from history.core.book import Anomaly, Book, Bools, Floats, History, Ints, Movements, Positions, take
from history.core.exchanges import exchanged
from history.core.fractions import fractions_paid
from history.core.market import Market
from history.core.prices import Prices, price_positions
from history.core.purses import beside_own_cash, of_accounts
from history.core.timeline import Timeline, build_timeline, is_short

POSITIONS_AT_ONCE: Final = 256  # x 731 days x 8 bytes: the working arrays stay near the processor


@dataclass(frozen=True, slots=True)
class _Worth:
    """Values of positions (P, D), their sizes whatever the sign; and per account (A, D) cash and the sum of sizes."""

    values: Floats
    sizes: Floats
    held: Floats  # sum of sizes
    cash: Floats  # with the positions that count as cash
    gross: Floats  # sizes of all others, and of cash


def reconstruct(*, book: Book, market: Market) -> History:
    """The History of every account of the book over the days of the market.

    Raises ValueError when there is no account, or positions are not sorted by account.
    """
    if not book.accounts.cash.size:
        raise ValueError("a book needs an account")
    if np.any(np.diff(book.positions.account) < 0):
        raise ValueError("positions must be sorted by account")
    book = exchanged(book=fractions_paid(book=book, market=market), market=market)
    parts = [_reconstruct(piece, market, origin) for piece, origin in _pieces(book)]
    found = tuple(anomaly for part in parts for anomaly in part.anomalies)
    names = [field.name for field in fields(History) if field.name != "anomalies"]
    joined: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]).T for name in names}
    return History(anomalies=found, **joined)


def _reconstruct(book: Book, market: Market, origin: tuple[int, int]) -> History:
    """One piece, its arrays still (A, D); `origin` is where its accounts and positions begin in the whole book."""
    accounts, positions, movements = book.accounts, book.positions, book.movements
    shape = accounts.cash.size, market.days
    timeline = build_timeline(positions=positions, movements=movements, market=market)
    prices = price_positions(positions=positions, movements=movements, market=market, timeline=timeline)
    basis = basis_levels(positions=positions, movements=_at_own_cost(movements, positions, market), timeline=timeline)
    net_flow = sums.flows(movements, positions, prices.price, accounts=shape[0])
    uninvested = sums.cash_walked_back(accounts, movements, days=market.days)
    if book.purses.held.size:
        uninvested += beside_own_cash(book.purses, accounts=shape[0], days=market.days)
    worth = _worth(book, timeline, prices, uninvested)
    count = sums.securities_held(timeline, positions, shape=shape)
    unconverted = _without_rate(market, positions.column[prices.rows])
    shares, found = _trust(book, timeline, prices, worth, count, unconverted)
    cost_basis, coverage = _cost_basis(book, timeline, basis, worth, market)
    found += list(anomalies.basis_anomalies(excess=basis.excess, account=positions.account))
    return History(
        value=sums.by_account(worth.values, positions.account, shape[0]) + uninvested,
        cash=worth.cash,
        cost_basis=cost_basis,
        basis_coverage=coverage,
        net_flow=net_flow,
        income=sums.by_day(movements.income, movements.account, movements.day, shape=shape),
        fees=sums.by_day(movements.fee, movements.account, movements.day, shape=shape),
        securities_count=count,
        quality=shares[0],
        imputed=shares[1],
        anomalies=tuple(_moved(anomaly, origin) for anomaly in found),
    )


def _worth(book: Book, timeline: Timeline, prices: Prices, uninvested: Floats) -> _Worth:
    """Values overwrite the prices: the largest arrays are made once."""
    positions, accounts = book.positions, book.accounts.cash.size
    exposure = timeline.level * positions.multiplier[timeline.position]
    values = np.multiply(prices.price, timeline.spread(exposure), out=prices.price)
    sizes = np.abs(values) if (timeline.level < 0).any() else values
    held = sums.by_account(sizes, positions.account, accounts)
    funds = np.flatnonzero(positions.is_cash)
    if not funds.size:
        return _Worth(values, sizes, held, uninvested, held + np.abs(uninvested))
    cash = uninvested + sums.by_account(values[funds], positions.account[funds], accounts)
    others = held - sums.by_account(sizes[funds], positions.account[funds], accounts)
    return _Worth(values, sizes, held, cash, others + np.abs(cash))


def _trust(
    book: Book, timeline: Timeline, prices: Prices, worth: _Worth, count: Ints, unconverted: Bools
) -> tuple[tuple[Floats, Floats], list[Anomaly]]:
    """((quality, imputed share), anomalies): what is in doubt, what is unexplained, what has no price or rate."""
    positions, accounts = book.positions, book.accounts
    shorted = is_short(timeline, positions, book.movements)
    negative = anomalies.negative_units(timeline=timeline, shorted=shorted)
    overdrawn = quality.overdrawn(cash=worth.cash, margin=accounts.margin)
    missing = _held_without_price(timeline, prices)

    def summed(rows: Ints, weights: Floats | Bools) -> Floats:
        return sums.by_account(weights, positions.account[rows], accounts.cash.size)

    below = np.unique(timeline.position[negative])
    sizes = worth.sizes[prices.rows]
    sizes[positions.is_cash[prices.rows]] = 0.0
    trusted = quality.quality_of(
        doubtful=summed(prices.rows, sizes * prices.doubtful),
        unexplained=overdrawn - summed(below, np.minimum(worth.values[below], 0.0)),
        gross=worth.gross,
        unpriced=quality.share_of(part=summed(prices.rows, missing), whole=count),
    )
    imputed = quality.share_of(part=summed(prices.rows, sizes * prices.imputed), whole=worth.gross)
    found = [
        *anomalies.negative_unit_anomalies(timeline=timeline, negative=negative, account=positions.account),
        *anomalies.unpriced_anomalies(
            missing=missing,
            unconverted=unconverted,
            rows=prices.rows,
            timeline=timeline,
            account=positions.account,
        ),
        *anomalies.cash_anomalies(overdrawn=overdrawn),
    ]
    return (trusted, imputed), found


def _without_rate(market: Market, column: Ints) -> Bools:
    """(R, D) days on which nobody knows an exchange rate of the columns."""
    return np.zeros((column.size, market.days), np.bool_) if market.fx is None else np.isnan(market.fx[column])


def _held_without_price(timeline: Timeline, prices: Prices) -> Bools:
    if not prices.missing.any():
        return prices.missing
    held: Bools = timeline.spread(timeline.level)[prices.rows] != 0
    return prices.missing & held


def _at_own_cost(movements: Movements, positions: Positions, market: Market) -> Movements:
    """Costs in the currency of what was bought, as the brokerage states its basis."""
    if market.fx is None:
        return movements
    moved = np.flatnonzero((movements.position >= 0) & (movements.day >= 0) & (movements.day < market.days))
    cost = movements.cost.copy()
    cost[moved] /= market.fx[positions.column[movements.position[moved]], movements.day[moved]]
    return replace(movements, cost=cost)


def _cost_basis(book: Book, timeline: Timeline, basis: Basis, worth: _Worth, market: Market) -> tuple[Floats, Floats]:
    """(A, D) basis of the positions where it is known, and the share of their value it covers; NaN where none is.

    It is converted at each day's rate, as the value is.
    """
    account, total = book.positions.account, book.accounts.cash.size
    unknown, stated = np.isnan(basis.level), ~np.isnan(basis.stated)
    daily = timeline.spread(np.where(unknown, 0.0, basis.level))
    daily[stated, -1] = basis.stated[stated]
    if market.fx is not None:
        daily *= np.nan_to_num(market.fx[book.positions.column])
    known = sums.by_account(daily, account, total)
    if not unknown.any():
        return known, np.ones_like(known)
    dark = worth.sizes * timeline.spread(unknown)
    dark[stated, -1] = 0.0
    coverage = 1.0 - quality.share_of(part=sums.by_account(dark, account, total), whole=worth.held)
    return np.where(coverage > 0, known, np.nan), coverage


def _moved(anomaly: Anomaly, origin: tuple[int, int]) -> Anomaly:
    """The anomaly with the indices of the whole book."""
    position = anomaly.position if anomaly.position < 0 else anomaly.position + origin[1]
    return replace(anomaly, account=anomaly.account + origin[0], position=position)


def _pieces(book: Book) -> Iterator[tuple[Book, tuple[int, int]]]:
    """The book cut between accounts into pieces of about POSITIONS_AT_ONCE, each counting from 0."""
    accounts, movements = np.arange(book.accounts.cash.size + 1), book.movements
    if np.any(np.diff(movements.account) < 0):
        movements = take(movements, np.argsort(movements.account, kind="stable"))
    position_of = np.searchsorted(book.positions.account, accounts)
    movement_of = np.searchsorted(movements.account, accounts)
    cuts = np.flatnonzero(np.diff(position_of[:-1] // POSITIONS_AT_ONCE, prepend=-1))
    for first, last in pairwise([*cuts.tolist(), accounts[-1]]):
        origin = first, int(position_of[first])
        held = take(book.positions, slice(position_of[first], position_of[last]))
        moved = take(movements, slice(movement_of[first], movement_of[last]))
        purses = of_accounts(book.purses, first, last) if book.purses.held.size else book.purses
        yield _counted_from(origin, Book(take(book.accounts, slice(first, last)), held, moved, purses)), origin


def _counted_from(origin: tuple[int, int], book: Book) -> Book:
    account, position = origin
    moved = book.movements.position
    return Book(
        book.accounts,
        replace(book.positions, account=book.positions.account - account),
        replace(
            book.movements,
            account=book.movements.account - account,
            position=np.where(moved < 0, moved, moved - position),
        ),
        book.purses,
    )
