"""What the walk back could not explain, one record per trouble with its first day and worst size."""

from collections.abc import Iterator

import numpy as np

from history.core.book import HALF_CENT, Anomaly, AnomalyKind, Bools, Floats, Ints
from history.core.timeline import Timeline


def negative_units(*, timeline: Timeline, shorted: Bools) -> Bools:
    """(N,) events that end a day below zero units in a position nobody sold short."""
    return (timeline.level < 0) & (timeline.runs > 0) & ~shorted[timeline.position]


def negative_unit_anomalies(*, timeline: Timeline, negative: Bools, account: Ints) -> Iterator[Anomaly]:
    """`account` (P,) is each position's; `negative` as from `negative_units`."""
    for position in np.unique(timeline.position[negative]).tolist():
        events = np.flatnonzero(negative & (timeline.position == position))
        day, size = int(timeline.day[events[0]]), float(timeline.level[events].min())
        yield Anomaly(int(account[position]), day, position, AnomalyKind.NEGATIVE_UNITS, size)


def unpriced_anomalies(
    *, missing: Bools, unconverted: Bools, rows: Ints, timeline: Timeline, account: Ints
) -> Iterator[Anomaly]:
    """`missing` (R, D): days the positions `rows` count as nothing, for want of a rate where `unconverted`."""
    for place in np.flatnonzero(missing.any(axis=1)).tolist():
        position, day = int(rows[place]), int(np.argmax(missing[place]))
        events = np.flatnonzero((timeline.position == position) & (timeline.day <= day))
        size = float(timeline.level[events[-1]])
        kind = AnomalyKind.UNCONVERTED if unconverted[place, day] else AnomalyKind.UNPRICED
        yield Anomaly(int(account[position]), day, position, kind, size)


def basis_anomalies(*, excess: Floats, account: Ints) -> Iterator[Anomaly]:
    """`excess` (P,): stated basis less the window's purchases, where that is impossible."""
    for position in np.flatnonzero(np.abs(excess) > HALF_CENT).tolist():
        size = float(excess[position])
        yield Anomaly(int(account[position]), 0, position, AnomalyKind.BASIS, size)


def cash_anomalies(*, overdrawn: Floats) -> Iterator[Anomaly]:
    """Accounts whose cash goes below zero without margin; `overdrawn` (A, D) >= 0."""
    for account in np.flatnonzero(overdrawn.any(axis=1)).tolist():
        day, size = int(np.argmax(overdrawn[account] > 0)), -float(overdrawn[account].max())
        yield Anomaly(account, day, -1, AnomalyKind.NEGATIVE_CASH, size)
