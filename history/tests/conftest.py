"""What tests need that commit, because other processes have to see their rows."""

from typing import Any

import pytest


@pytest.fixture
def committed(transactional_db: Any) -> None:
    """Rows are committed, and gone afterwards."""
