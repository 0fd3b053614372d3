"""Where values stand in a list: by table and by search alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.core import places as module
from history.core.places import distinct, places

values = st.lists(st.one_of(st.integers(-5, 20), st.integers(-(10**12), 10**12)), max_size=30)


@given(values, values)
@pytest.mark.parametrize("sparse", [0, 8, 10**9])
def test_every_value_is_found_where_it_is(sparse: int, known: list[int], wanted: list[int]) -> None:
    if sparse > 8:  # a table as wide as that for small numbers only
        known, wanted = [value % 1000 for value in known], [value % 3000 for value in wanted]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SPARSE", sparse)
        ordered = distinct(np.array(known, np.int64))
        place, found = places(ordered, np.array(wanted, np.int64))
    assert ordered.tolist() == sorted(set(known))
    assert found.tolist() == [value in known for value in wanted]
    assert ordered[place[found]].tolist() == [value for value in wanted if value in known]
