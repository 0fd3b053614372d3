"""Linear recurrences x[k] = m[k] x[k-1] + a[k] over many short sequences laid end to end, without a loop over k."""

import numpy as np

from history.core.book import Floats, Ints


def affine_scan(multiplier: Floats, addends: Floats, rank: Ints) -> tuple[Floats, Floats]:
    """(M, A) with x[k] = M[k] x[start] + A[k], where each sequence starts at rank 0.

    `multiplier` (T,), `addends` (T,) or (n, T) for n recurrences of one multiplier, `rank` (T,) the place of each
    element in its own sequence. Composition by doubling (Hillis and Steele 1986): log2 of the longest sequence passes;
    sequences never mix, so a large one costs a small one no digits.
    """
    product, total = multiplier.copy(), addends.copy()
    longest = int(rank.max(initial=0)) + 1
    shift = 1
    while shift < longest:
        inside = rank[shift:] >= shift
        step = np.where(inside, product[shift:], 0.0)
        total[..., shift:] += step * total[..., :-shift]
        product[shift:] = np.where(inside, step * product[:-shift], product[shift:])
        shift *= 2
    return product, total
