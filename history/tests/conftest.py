"""What tests need that commit, because other processes have to see their rows."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection


@pytest.fixture
def committed(transactional_db: Any) -> Iterator[None]:
    """Rows are committed, and gone afterwards; the partitioned tables are made by SQL, so nobody else empties them."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE history_price, history_accountday")
