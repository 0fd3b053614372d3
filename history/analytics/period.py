"""A period of some accounts in figures: performance, value at risk, scores and correlations, in a few queries."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import numpy as np

from history.allocation import Pieces, pieces
from history.analytics.currencies import currency_part
from history.analytics.lines import AccountLines, account_lines
from history.analytics.position_gains import Positions, price_returns, read_positions
from history.analytics.value_at_risk import ValueAtRiskNow, value_at_risk_now
from history.core import risk
from history.core.book import Floats
from history.core.performance import Assumptions, Beside, Figure, Performance, performance
from history.core.scores import Score, diversification_score, risk_score
from history.core.versions import named
from history.market.benchmarks import benchmark_index
from history.series import Period
from history.valuation import AccountWorth, account_worths, market_today, total_worth
from investments.kinds import CASH, security_label

BEFORE: Final = timedelta(days=400)  # 252 sessions and holidays: what VaR looks at, however short the period
CORRELATED: Final = 10
NEUTRAL: Final = Assumptions()


@dataclass(frozen=True, slots=True)
class Correlation:
    """The greatest holdings with one another, by session price returns in the base currency; NaN where unknown."""

    labels: tuple[str, ...]
    matrix: Floats
    version: str

    @property
    def average(self) -> float | None:
        return risk.average_correlation(self.matrix)


@dataclass(frozen=True, slots=True)
class Scores:
    risk: Score | None
    diversification: Score | None
    effective_holdings: float | None


@dataclass(frozen=True, slots=True)
class Analytics:
    """`lines` are the days of the period; `benchmark` is over the same, None unless asked for and known."""

    currency: str
    lines: AccountLines
    performance: Performance
    benchmark: Beside | None
    assumed: Assumptions
    value_at_risk: ValueAtRiskNow
    correlation: Correlation
    scores: Scores
    positions: Positions

    @property
    def figures(self) -> dict[str, Figure]:
        return {**self.performance.figures, **self.value_at_risk.figures}


def analytics(
    *,
    account_ids: Sequence[int],
    period: Period,
    base_currency: str,
    benchmark: str = "",
    assumed: Assumptions = NEUTRAL,
    twrr: str = "",
    now: datetime | None = None,
) -> Analytics | None:
    """All figures of the period; None where no account has a day in it.

    Raises UnknownBenchmark, and UnknownVersion for a `twrr` that does not exist. Twenty-one queries at most while all
    accounts share a currency, and eight more for each further one.
    """
    longer = Period(min(period.start, period.end - BEFORE), period.end)
    lines = account_lines(account_ids=account_ids, period=longer, base_currency=base_currency)
    if lines is None or lines.last < period.start:
        return None
    chosen = lines.since(period.start)
    beside = _beside(benchmark, chosen, base_currency) if benchmark else None
    worths, positions = _held(account_ids, chosen, base_currency, now)
    line = replace(chosen.line, currency=currency_part(chosen, positions, base_currency))
    found = performance(line, beside=beside, assumed=assumed, twrr=twrr)
    sessions = found.session_returns if chosen.first == lines.first else performance(lines.line).session_returns
    told = value_at_risk_now(
        sessions=sessions, account_ids=account_ids, currency=base_currency, last=lines.last, now=now
    )
    correlation = correlations(positions, chosen)
    total = total_worth(worths, base_currency=base_currency).value
    rated = scores(found, pieces(worths=worths, now=now), correlation, total=total)
    return Analytics(base_currency, chosen, found, beside, assumed, told, correlation, rated, positions)


def _held(
    account_ids: Sequence[int], lines: AccountLines, currency: str, now: datetime | None
) -> tuple[list[AccountWorth], Positions]:
    """What the accounts are worth now, and the positions behind the lines."""
    worths = account_worths(account_ids=account_ids, base_currency=currency, now=now)
    today = max(market_today(now), lines.last)
    return worths, read_positions(
        account_ids=account_ids, worths=worths, first=lines.first, today=today, base_currency=currency
    )


def _beside(symbol: str, lines: AccountLines, currency: str) -> Beside:
    index = benchmark_index(symbol=symbol, start=lines.first, end=lines.last, base_currency=currency)
    return Beside(symbol.upper(), np.array([np.nan if value is None else value for value in index], np.float64))


def correlations(positions: Positions, lines: AccountLines, *, most: int = CORRELATED) -> Correlation:
    """Of the `most` greatest securities held at the end, cash left out; what two accounts hold counts once."""
    count = len(lines.line.days)
    last = np.nan_to_num(positions.gains.value[:, count - 1])
    worth: dict[int, float] = {}
    place: dict[int, int] = {}
    for at, security in enumerate(positions.securities):
        if last[at] and not security.is_cash_equivalent:
            worth[security.pk] = worth.get(security.pk, 0.0) + float(last[at])
            place.setdefault(security.pk, at)
    greatest = sorted(worth, key=lambda pk: (-abs(worth[pk]), pk))[:most]
    rows = [place[pk] for pk in greatest]
    returns = price_returns(positions.gains.unit[rows, :count], np.flatnonzero(lines.line.is_session))
    labels = tuple(security_label(positions.securities[row]) for row in rows)
    return Correlation(labels, _of_enough(returns), named("correlation"))


def _of_enough(returns: Floats) -> Floats:
    """NaN throughout for what has too few sessions: a correlation of a handful is chance."""
    few = (~np.isnan(returns)).sum(axis=0) < 30
    return risk.correlations(np.where(few, np.nan, returns))


def scores(found: Performance, held: Pieces, correlation: Correlation, *, total: Decimal) -> Scores:
    """Both scores as of now. Cash counts in weights; in the concentration of risk it is nobody's."""
    securities = held.weights("security", total)
    weights = np.array(list(securities.values()), np.float64)
    risky = np.array([weight for label, weight in securities.items() if label != CASH], np.float64)
    spread = diversification_score(
        weights=weights,
        classes=np.array(list(held.weights("class", total).values()), np.float64),
        sectors=np.array(list(held.weights("sector", total).values()), np.float64),
        average_correlation=correlation.average,
    )
    figures = found.figures
    danger = risk_score(volatility=figures["volatility"].value, depth=figures["max_drawdown"].value, weights=risky)
    holdings = next((part.figure for part in spread.parts if part.name == "holdings"), None) if spread else None
    return Scores(danger, spread, holdings)
