"""Where values stand in a sorted list, for many values of few: by a table where they lie close together."""

from typing import Final

import numpy as np

from history.core.book import Bools, Ints

SPARSE: Final = 8  # a table may have so many entries for each value that is looked up


def distinct(values: Ints) -> Ints:
    """The values without repetition, sorted."""
    if not values.size:
        return values
    least, most = int(values.min()), int(values.max())
    if not _close(least, most, values.size):
        return np.unique(values)
    there = np.zeros(most - least + 1, np.bool_)
    there[values - least] = True
    found: Ints = np.flatnonzero(there) + least
    return found


def places(known: Ints, values: Ints) -> tuple[Ints, Bools]:
    """Each value's index in `known`, which is sorted without repetition, and whether it is there; else any index."""
    if not known.size or not values.size:
        return np.zeros(values.size, np.int64), np.zeros(values.size, np.bool_)
    if not _close(int(known[0]), int(known[-1]), values.size):
        place = np.minimum(np.searchsorted(known, values), known.size - 1)
        return place, known[place] == values
    table = np.full(known[-1] - known[0] + 1, -1)
    table[known - known[0]] = np.arange(known.size)
    place = table[np.clip(values, known[0], known[-1]) - known[0]]
    return place, known[place] == values


def _close(least: int, most: int, count: int) -> bool:
    return most - least < SPARSE * count
