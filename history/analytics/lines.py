"""The accounts' days as floats over calendar days: what the figures of performance are computed from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from history.core.book import Bools, Floats
from history.core.performance import Line
from history.core.totals import by_account, in_units
from history.series import Period, summed
from portfolio_site.lib.sessions import sessions


@dataclass(frozen=True, slots=True)
class AccountLines:
    """`line` is the total of the accounts (A, by id); `value`, `net_flow` (A, D) theirs, in the base currency, NaN
    without a rate. `present` (A, D): where an account has a row of its own.
    """

    line: Line
    account_ids: tuple[int, ...]
    value: Floats
    net_flow: Floats
    present: Bools
    missing_rates: tuple[str, ...]

    @property
    def first(self) -> date:
        return self.line.days[0]

    @property
    def last(self) -> date:
        return self.line.days[-1]

    def since(self, start: date) -> "AccountLines":
        """The days from `start` on; at least the last one."""
        cut = min(max((start - self.first).days, 0), len(self.line.days) - 1)
        return AccountLines(
            _cut(self.line, cut), self.account_ids, self.value[:, cut:], self.net_flow[:, cut:],
            self.present[:, cut:], self.missing_rates,
        )  # fmt: skip


def _cut(line: Line, start: int) -> Line:
    return Line(
        days=line.days[start:],
        value=line.value[start:],
        net_flow=line.net_flow[start:],
        fees=line.fees[start:],
        is_session=line.is_session[start:],
        currency=None if line.currency is None else line.currency[start:],
    )


def account_lines(*, account_ids: Sequence[int], period: Period, base_currency: str) -> AccountLines | None:
    """The lines over every calendar day from the first that any account has; None where there is none.

    Two queries, one more where accounts are in foreign currencies. A day on which nobody has a row repeats the one
    before.
    """
    found = summed(account_ids=account_ids, period=period, base_currency=base_currency)
    if found is None:
        return None
    value, net_flow = by_account(grid=found.grid, currency=found.currencies, rates=found.rates)
    days = _days(found.first, value.shape[1])
    line = Line(
        days=days,
        value=_every_day(in_units(found.line.value), found.line.days, len(days)),
        net_flow=_on_days(np.nan_to_num(in_units(found.line.net_flow)), found.line.days, len(days)),
        fees=_on_days(np.nan_to_num(in_units(found.line.fees)), found.line.days, len(days)),
        is_session=_sessions(days),
    )
    return AccountLines(line, found.account_ids, value, net_flow, found.present, tuple(sorted(found.missing_rates)))


def _days(first: np.datetime64, count: int) -> list[date]:
    start: date = first.astype("M8[D]").item()
    return [start + timedelta(days=number) for number in range(count)]


def _every_day(values: Floats, days: NDArray[Any], count: int) -> Floats:
    place = np.maximum(np.searchsorted(days, np.arange(count), side="right") - 1, 0)
    return np.asarray(values[place], np.float64)


def _on_days(values: Floats, days: NDArray[Any], count: int) -> Floats:
    spread = np.zeros(count)
    spread[days] = values
    return spread


def _sessions(days: Sequence[date]) -> Bools:
    trading = set(sessions(days[0], days[-1]))
    return np.array([day in trading for day in days], np.bool_)
