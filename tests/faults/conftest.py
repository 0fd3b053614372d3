import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.fixtures import canary, deployment, dice, site  # noqa: F401
from tests.faults.product import Product
from tests.faults.product import product as running_product


@pytest.fixture
def product(transactional_db: Any) -> Iterator[Product]:
    """A short path, because it holds a socket; gone with the test."""
    folder = Path(tempfile.mkdtemp(prefix="longview-"))
    folder.chmod(0o755)
    with running_product(folder) as running:
        yield running
    shutil.rmtree(folder)
