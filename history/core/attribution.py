"""Where a return came from: contributions of parts, and Brinson's effects against a benchmark.

Days are linked by the method of GRAP (Synthese des modeles d'attribution de performance, Paris 1997), for a portfolio
alone the same as Frongello's (Linking Single Period Attribution Results, Journal of Performance Measurement 6, 2002):
an effect of a day is carried on what the portfolio had become before and what the benchmark made after. Linked effects
add up to the linked return exactly, for any sign, a return of nothing and a loss of everything included.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from history.core.book import Floats, Ints
from history.core.returns import invested

METHOD: Final = "GRAP"


@dataclass(frozen=True, slots=True)
class Days:
    """A portfolio by day: `capital` (D,) that gains are measured against, 0 where nothing was invested."""

    capital: Floats
    returns: Floats

    @property
    def carried(self) -> Floats:
        """(D,) the linked contribution of one unit of money gained on each day."""
        something = self.capital > 0
        return np.asarray(
            np.where(something, carry(self.returns) / np.where(something, self.capital, 1.0), 0.0), np.float64
        )


@dataclass(frozen=True, slots=True)
class Effects:
    """Brinson's effects by segment, or by day and segment; they add up to the difference of the returns."""

    allocation: Floats
    selection: Floats
    interaction: Floats


def days_of(value: Floats, net_flow: Floats) -> Days:
    """The Days of a portfolio's values and flows (D,), by the conventions of `returns`.

    A day that lost more than there was counts as a loss of all of it, which its parts share.
    """
    start = invested(value, net_flow)
    gain = np.where(start > 0, value - start, 0.0)
    capital = np.maximum(start, -gain)
    return Days(capital, np.where(start > 0, gain / np.where(start > 0, capital, 1.0), 0.0))


def carry(returns: Floats, benchmark: Floats | None = None) -> Floats:
    """(D,) what an effect of each day counts for in the whole: (1 + r) of the days before, (1 + b) of those after."""
    before = np.concatenate(([1.0], np.cumprod(1.0 + returns)[:-1])) if returns.size else np.empty(0)
    if benchmark is None:
        return np.asarray(before, np.float64)
    after = np.concatenate((np.cumprod((1.0 + benchmark)[::-1])[::-1][1:], [1.0])) if benchmark.size else np.empty(0)
    return np.asarray(before * after, np.float64)


def contributions(gains: Floats, days: Days) -> Floats:
    """(N,) linked contributions of parts with these gains (N, D); those of all parts add up to the linked return."""
    return np.asarray(gains @ days.carried, np.float64)


def grouped(amounts: Floats, labels: Sequence[str]) -> dict[str, float]:
    """Amounts (N,) summed by label, in the order in which labels come."""
    found: dict[str, float] = {}
    for label, amount in zip(labels, amounts.tolist(), strict=True):
        found[label] = found.get(label, 0.0) + amount
    return found


def trade_contributions(
    *, moves: Floats, position: Ints, day: Ints, units: Floats, at_once: Floats, days: Days
) -> Floats:
    """(T,) linked contributions of trades: what they made on their day, and on each day after it by what they moved.

    `moves` (P, D): what one unit of a position gained on each day; `units` (T,) came (or went) on `day`, with a gain
    `at_once` (close of the day less price and fees). A sale contributes what its units no longer lose or gain.
    """
    since = np.cumsum(moves * days.carried, axis=1)
    after = since[position, -1] - since[position, day]
    return np.asarray(units * after + at_once * days.carried[day], np.float64)


def brinson(*, weight: Floats, benchmark_weight: Floats, returns: Floats, benchmark_returns: Floats) -> Effects:
    """Allocation, selection and interaction of one period by segment (..., N); weights are those at its start.

    Allocation is measured against the benchmark's own return. Source: G. Brinson and N. Fachler, Measuring Non-U.S.
    Equity Portfolio Performance, Journal of Portfolio Management 11 (1985); selection and interaction as G. Brinson,
    L. R. Hood and G. Beebower, Determinants of Portfolio Performance, Financial Analysts Journal 42 (1986).
    """
    over = weight - benchmark_weight
    total = (benchmark_weight * benchmark_returns).sum(axis=-1, keepdims=True)
    apart = returns - benchmark_returns
    return Effects(over * (benchmark_returns - total), benchmark_weight * apart, over * apart)


def segments_of(
    *, gained: Floats, value: Floats, capital: Floats, benchmark_weight: Floats, benchmark_returns: Floats
) -> tuple[Floats, tuple[Floats, Floats]]:
    """Weights and returns of segments by day for `brinson`: weight (D, N), and (own, benchmark's) returns (D, N).

    `gained`, `value` (D, N) of each segment, `capital` (D,) of all. A segment that we do not hold returns what the
    benchmark's does, so that it is no selection; one that the benchmark has not (NaN) what ours does, so that it is all
    allocation. Where nothing is invested, nothing counts.
    """
    counted = capital > 0
    start = value - gained
    weight = np.where(counted[:, None], start / np.where(counted, capital, 1.0)[:, None], 0.0)
    held = counted[:, None] & (start != 0)
    returns = np.where(held, gained / np.where(held, start, 1.0), np.nan_to_num(benchmark_returns))
    theirs = np.where(np.isnan(benchmark_returns), returns, benchmark_returns)
    nothing = np.zeros_like(weight)
    own, other = np.where(counted[:, None], returns, nothing), np.where(counted[:, None], theirs, nothing)
    return np.asarray(weight, np.float64), (np.asarray(own, np.float64), np.asarray(other, np.float64))


def linked_effects(effects: Effects, *, returns: Floats, benchmark: Floats) -> Effects:
    """Effects by day and segment (D, N) as those of the whole (N,): they add up to the linked excess return."""
    factor = carry(returns, benchmark)
    return Effects(factor @ effects.allocation, factor @ effects.selection, factor @ effects.interaction)
