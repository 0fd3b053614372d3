"""The price of each position on each day: the market's close, else the transactions' own, else the brokerage's."""

from dataclasses import dataclass

import numpy as np

from history.core.book import NO_DAY, Bools, Floats, Ints, Movements, Positions
from history.core.market import FRESH_DAYS, Market, Splits
from history.core.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Prices:
    """`price` (P, D) in the account's currency, 0 where there is none.

    The (R, D) masks cover only the positions in `rows`, all others being real every day: `doubtful` is not a real close
    (stale or imputed), `imputed` is not a market price at all, `missing` is no price of any kind.
    """

    price: Floats
    rows: Ints
    doubtful: Bools
    imputed: Bools
    missing: Bools


def price_positions(*, positions: Positions, movements: Movements, market: Market, timeline: Timeline) -> Prices:
    """Raw prices, carried forward and never backward; only positions short of real closes cost more than a copy."""
    column = positions.column
    price = market.close[column]
    overruled = _broker_is_fresher(positions, market)
    imputable = overruled | ~market.starts_priced[column]
    rows = np.flatnonzero(imputable | market.has_stale[column])
    doubtful = market.stale[column[rows]]
    imputed, missing = np.zeros_like(doubtful), np.zeros_like(doubtful)
    within = np.flatnonzero(imputable[rows])
    if within.size:
        imputation = _impute(rows[within], overruled, positions, movements, market, timeline)
        price[rows[within]], doubtful[within], imputed[within], missing[within] = imputation
    return Prices(price, rows, doubtful, imputed, missing)


def _broker_is_fresher(positions: Positions, market: Market) -> Bools:
    known = ~np.isnan(positions.broker_price) & (positions.broker_day > NO_DAY)
    return known & (_as_of(positions, market) >= market.last_close[positions.column])


def _as_of(positions: Positions, market: Market) -> Ints:
    return np.minimum(positions.broker_day, market.days - 1)


def _impute(
    rows: Ints, overruled: Bools, positions: Positions, movements: Movements, market: Market, timeline: Timeline
) -> tuple[Floats, Bools, Bools, Bools]:
    """Price, doubtful, imputed and missing of `rows`, each (R, D)."""
    column = positions.column[rows]
    growth = market.growth[market.growth_row[column]]
    rate = 1.0 if market.fx is None else market.fx[column]
    as_of = _as_of(positions, market)[rows]
    broker = _broker_prices(positions.broker_price[rows], as_of, growth) * rate
    own = _own_prices(rows, movements, market, positions, timeline) / growth * rate
    close = market.close[column]
    imputed = np.isnan(close)
    price = np.where(imputed, np.where(np.isnan(own), broker, own), close)
    doubtful = market.stale[column] | imputed
    since = np.arange(market.days) - as_of[:, None]
    after = overruled[rows][:, None] & (since >= 0)
    price = np.where(after, broker, price)
    doubtful = np.where(after, since > FRESH_DAYS, doubtful)
    missing = np.isnan(price)
    return np.where(missing, 0.0, price), doubtful, imputed & ~after, missing


def _broker_prices(price: Floats, as_of: Ints, growth: Floats) -> Floats:
    """The brokerage's price at its day, split-adjusted to every other day, in the security's currency."""
    at_day = np.where(as_of < 0, 1.0, growth[np.arange(price.size), np.maximum(as_of, 0)])
    return (price * at_day)[:, None] / growth


def _own_prices(rows: Ints, movements: Movements, market: Market, positions: Positions, timeline: Timeline) -> Floats:
    """The last transaction's price at or before each day, per share of the opening, NaN before the first of all."""
    chosen = np.flatnonzero(np.isin(timeline.position, rows))
    row, position = timeline.row[chosen], timeline.position[chosen]
    growth_row = market.growth_row[positions.column[position]]
    booked = np.flatnonzero(row >= 0)
    price = np.full(row.size, np.nan)
    price[booked] = movements.price[row[booked]] * market.growth[growth_row, timeline.day[chosen]][booked]
    price[timeline.rank[chosen] == 0] = _opening_prices(rows, movements, market, positions)
    first = np.searchsorted(position, position)  # positions are sorted, so this is each one's opening event
    last = np.maximum.accumulate(np.where(np.isnan(price), first, np.arange(chosen.size)))
    return np.repeat(price[last], timeline.runs[chosen]).reshape(rows.size, -1)


def _opening_prices(rows: Ints, movements: Movements, market: Market, positions: Positions) -> Floats:
    """(R,) the last transaction's price before the window, per share of its opening, NaN without one.

    A shorter window would otherwise know less of the same day than a longer one.
    """
    price = np.full(rows.size, np.nan)
    before = np.flatnonzero((movements.day < 0) & ~np.isnan(movements.price) & np.isin(movements.position, rows))
    if not before.size:
        return price
    before = before[np.lexsort((movements.day[before], movements.position[before]))]
    last = before[np.append(np.diff(movements.position[before]) != 0, True)]
    column, day = positions.column[movements.position[last]], movements.day[last]
    place = np.searchsorted(rows, movements.position[last])
    price[place] = movements.price[last] / _grown_before(market.splits, column, day)
    return price


def _grown_before(splits: Splits, column: Ints, day: Ints) -> Floats:
    """What a share of the end of `day` has become when the window opens: splits between the two, neither included."""
    grown = np.ones(column.size)
    earlier = np.flatnonzero(splits.day < 0)
    for split in earlier[np.isin(splits.column[earlier], column)].tolist():
        grown[(column == splits.column[split]) & (day < splits.day[split])] *= splits.ratio[split]
    return grown
