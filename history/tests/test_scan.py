"""The scan against the recurrence written as a loop."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from history.core.scan import affine_scan

terms = st.tuples(st.floats(-2, 2), st.floats(-1000, 1000))


@given(st.lists(st.lists(terms, min_size=1, max_size=40), min_size=1, max_size=6))
def test_the_scan_is_the_recurrence(sequences: list[list[tuple[float, float]]]) -> None:
    flat = np.array([term for sequence in sequences for term in sequence])
    rank = np.concatenate([np.arange(len(sequence)) for sequence in sequences])
    product, total = affine_scan(flat[:, 0], flat[:, 1], rank)
    opening = 3.0
    expected = []
    for sequence in sequences:
        level = opening
        for multiplier, addend in sequence:
            level = multiplier * level + addend
            expected.append(level)
    np.testing.assert_allclose(product * opening + total, expected, rtol=1e-9, atol=1e-6)


def test_a_large_sequence_costs_a_small_neighbour_no_digits() -> None:
    addends = np.array([1e15, 1e15, -1e15, 1e-9, 2e-9])
    rank = np.array([0, 1, 2, 0, 1])
    assert affine_scan(np.ones(5), addends, rank)[1].tolist()[3:] == [1e-9, 1e-9 + 2e-9]
