"""Cost basis of every position after each event, at moving average cost.

Purchases add their amount (fees in it), sales take their share of the basis, splits leave it alone; a short carries
minus its proceeds. Each step is linear in what was there before, so the basis is a linear recurrence.

What came from before the window or by transfer has an unknown cost. We take it at one average cost per share, found
from the basis the brokerage states at the anchor. Where a position was closed since, or the brokerage states none,
nothing can tell: NaN. A position opened within the window is known without the anchor.
"""

from dataclasses import dataclass

import numpy as np

from history.core.book import Bools, Floats, Ints, Movements, Positions
from history.core.scan import affine_scan
from history.core.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Basis:
    """`level` (N,) after each event, NaN unknown; `stated` (P,) at the anchor; `excess` (P,) see AnomalyKind.BASIS."""

    level: Floats
    stated: Floats
    excess: Floats


@dataclass(frozen=True, slots=True)
class _Steps:
    """basis = keep x basis before + cost + unknown units x average cost of the unknown."""

    keep: Floats
    cost: Floats
    unknown: Floats


def basis_levels(*, positions: Positions, movements: Movements, timeline: Timeline) -> Basis:
    """The Basis after each event of the timeline."""
    steps = _steps(movements, timeline)
    known, unknown = affine_scan(steps.keep, np.stack((steps.cost, steps.unknown)), timeline.rank)[1]
    stated = np.where(positions.units == 0, 0.0, np.copysign(positions.basis, positions.units))
    with np.errstate(divide="ignore", invalid="ignore"):
        average = np.where(unknown[timeline.end] == 0, np.nan, (stated - known[timeline.end]) / unknown[timeline.end])
    excess = np.where(average < 0, stated - known[timeline.end], 0.0)
    average = np.maximum(average, 0.0)
    solved = known + unknown * np.where(_since_last_reset(steps, timeline), average[timeline.position], np.nan)
    return Basis(np.where(unknown == 0, known, solved), stated, excess)


def _steps(movements: Movements, timeline: Timeline) -> _Steps:
    before, after, delta = np.roll(timeline.level, 1), timeline.level, timeline.delta
    before[timeline.start] = 0.0
    split, cost = _costs(movements, timeline)
    opened = (before * after <= 0) & (after != 0)  # from nothing, or through zero to the other side
    closed = after == 0
    reduced = ~opened & ~closed & (np.abs(after) < np.abs(before)) & ~split
    share = _kept(movements, timeline.row)
    np.divide(after, before, out=share, where=reduced)
    remaining = np.ones_like(after)
    np.divide(after, delta, out=remaining, where=opened & (delta != 0))
    keep = np.where(opened | closed, 0.0, share)
    adds = ~closed & ~reduced
    unknown = (np.isnan(cost) | (split & opened)) & adds
    units = np.where(opened, after, delta) / timeline.growth
    return _Steps(keep, np.where(adds & ~unknown, cost * remaining, 0.0), np.where(unknown, units, 0.0))


def _kept(movements: Movements, row: Ints) -> Floats:
    """The share of basis that stays at each event whatever the units do: less than 1 at a spin-off."""
    kept = np.ones(row.size)
    kept[row >= 0] = movements.keep[row[row >= 0]]
    return kept


def _costs(movements: Movements, timeline: Timeline) -> tuple[Bools, Floats]:
    """(N,) whether the event is a split, and its cost: unknown for the opening."""
    booked = np.flatnonzero(timeline.row >= 0)
    row = timeline.row[booked]
    cost = np.where(timeline.rank == 0, np.nan, 0.0)
    cost[booked] = movements.cost[row]
    split = (timeline.row < 0) & (timeline.rank > 0)
    split[booked] = movements.split[row]
    return split, cost


def _since_last_reset(steps: _Steps, timeline: Timeline) -> Bools:
    """Events after the last point where nothing of the past remains: there the anchor's basis speaks for them."""
    place = np.arange(timeline.level.size)
    last: Ints = np.maximum.reduceat(np.where(steps.keep == 0, place, -1), timeline.start)
    return place >= last[timeline.position]
