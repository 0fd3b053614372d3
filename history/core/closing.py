"""What accounts are worth at the end of one day, from what they hold: many at once, in whole ten-thousandths.

The rule of `history.valuation`, whose sums PostgreSQL makes in exact decimals. Whole ten-thousandths are exact in a
float64, and a product is rounded as a decimal would be, so the two agree to the last stored place.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from history.core.book import Bools, Floats, Ints
from history.core.market import FRESH_DAYS
from history.core.quality import quality_of, share_of

PLACES: Final = 10_000.0
# A decimal half is rounded away from zero; a product of floats may lie a few parts in 10^16 below it.
NUDGE: Final = 1 + 1e-15
QUALITY_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class UnitPrices:
    """U securities, each in one account's currency. Days count from the one that ends, 0; `never` is far before.

    `price` of a unit by the last close, in ten-thousandths, NaN without a close or a rate. `rate` converts the
    brokerage's figures, NaN unknown. `counts_as_cash`: currencies, which alone are `is_cash`, and money-market funds.
    """

    price: Floats
    day: Ints
    has_close: Bools
    rate: Floats
    multiplier: Floats
    is_cash: Bools
    counts_as_cash: Bools


@dataclass(frozen=True, slots=True)
class Held:
    """H holdings as the brokerage lists them: places of their account and unit price, and its own figures.

    `basis` is of the whole holding, NaN unknown; `broker_day` may be `never`; `unpriced`: the brokerage has no price.
    """

    account: Ints
    unit: Ints
    quantity: Floats
    basis: Floats
    broker_value: Floats
    broker_day: Ints
    unpriced: Bools


@dataclass(frozen=True, slots=True)
class Closing:
    """A accounts at the end of the day, money in ten-thousandths; `cost_basis` NaN where that of a holding is unknown.

    `unconverted` accounts have a holding in a currency without a rate: their figures say nothing.
    """

    value: Floats
    cash: Floats
    cost_basis: Floats
    securities_count: Ints
    quality: Floats
    unconverted: Bools


def ten_thousandths(amounts: Floats) -> Floats:
    """Whole ones of amounts in ten-thousandths, halves away from zero, as PostgreSQL rounds a numeric."""
    return np.copysign(np.floor(np.abs(amounts) * NUDGE + 0.5), amounts)


def close_day(*, uninvested: Floats, margin: Bools, held: Held, prices: UnitPrices) -> Closing:
    """The accounts (A,) with this cash, in whole ten-thousandths; `margin`: it may be below zero."""
    accounts = uninvested.size
    ours = ~_broker_wins(held.broker_day, held.unit, prices)
    value = _values(held, prices, ours)
    is_fund_or_cash, is_cash = prices.counts_as_cash[held.unit], prices.is_cash[held.unit]
    position = ~is_cash & (held.quantity != 0)

    def summed(amounts: Floats, chosen: Bools) -> Floats:
        rows = np.flatnonzero(chosen)
        return np.asarray(np.bincount(held.account[rows], weights=amounts[rows], minlength=accounts), np.float64)

    def counted(chosen: Bools) -> Ints:
        return np.bincount(held.account[chosen], minlength=accounts)

    worth = np.bincount(held.account, weights=value, minlength=accounts)
    in_cash = summed(value, is_fund_or_cash)
    cash = uninvested + in_cash
    positions = counted(position)
    unpriced = counted(position & held.unpriced & ~prices.has_close[held.unit])
    quality = quality_of(
        doubtful=summed(np.abs(value), _is_doubtful(held, prices, ours) & ~is_fund_or_cash),
        unexplained=np.where(margin, 0.0, np.maximum(-cash, 0.0)),
        gross=worth - in_cash - 2 * summed(value, ~is_fund_or_cash & (value < 0)) + np.abs(cash),
        unpriced=share_of(part=unpriced.astype(np.float64), whole=positions),
    )
    basis = np.sign(held.quantity) * np.abs(held.basis) * prices.rate[held.unit]
    unknown = np.isnan(basis)
    cost = ten_thousandths(summed(basis, ~is_cash & ~unknown) * PLACES)
    return Closing(
        value=uninvested + worth,
        cash=cash,
        cost_basis=np.where(counted(position & unknown & (value != 0)) > 0, np.nan, cost),
        securities_count=positions,
        quality=np.round(quality, QUALITY_DIGITS),
        unconverted=np.isnan(worth),
    )


def prices_in_kind(*, unit: Ints, own: Floats, broker: Floats, broker_day: Ints, prices: UnitPrices) -> Floats:
    """(K,) market prices, in the account's currency, of what came or went in kind; 0 where nobody has one.

    `own` is the transaction's price and `broker` the brokerage's, per share, NaN none.
    """
    per_share = prices.multiplier[unit] * prices.rate[unit]
    own, broker, close = own * per_share, broker * per_share, prices.price[unit] / PLACES
    fresh = (broker_day <= 0) & (~prices.has_close[unit] | (broker_day >= prices.day[unit]))
    price = np.where(fresh, broker, np.nan)
    for other in (close, own, broker):
        price = np.where(np.isnan(price), other, price)
    return np.nan_to_num(price)


def _broker_wins(broker_day: Ints, unit: Ints, prices: UnitPrices) -> Bools:
    """Where its price is as fresh as our close, or where we have none; never one of a later day."""
    return ~prices.has_close[unit] | ((broker_day >= prices.day[unit]) & (broker_day <= 0))


def _values(held: Held, prices: UnitPrices, ours: Bools) -> Floats:
    """NaN without a rate."""
    value = held.quantity * prices.price[held.unit]
    theirs = np.flatnonzero(~ours)
    value[theirs] = held.broker_value[theirs] * PLACES * prices.rate[held.unit[theirs]]
    return ten_thousandths(value)


def _is_doubtful(held: Held, prices: UnitPrices, ours: Bools) -> Bools:
    priced_on = np.where(ours, prices.day[held.unit], held.broker_day)
    return (priced_on > 0) | (priced_on < -FRESH_DAYS)
