"""What a browser has to load, compressed: at most 450 KB for the first visit of the overview, 60 KB afterwards."""

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

from tests.fixtures import Portfolio
from tests.pages import signed_in, write_history

ADDRESS = re.compile(r'(?:href|src)="/static/([^"]+)"')
IMPORT = re.compile(r'(?:from|import) "\./([\w-]+\.js)"')


@pytest.fixture
def page(portfolio: Portfolio) -> bytes:
    if not (settings.NODE_MODULES / "echarts").is_dir():
        pytest.skip("the pages' assets are not installed (make setup)")
    write_history(portfolio, days=731)
    return bytes(signed_in(portfolio.owner).get("/", {"period": "2Y"}).content)


def compressed(content: bytes) -> int:
    return len(gzip.compress(content, 6))


def with_imports(names: set[str]) -> set[str]:
    """The files, and the modules that they import, and so on."""
    found: set[str] = set()
    while waiting := names - found:
        name = waiting.pop()
        found.add(name)
        if name.startswith("js/"):
            names |= {f"js/{module}" for module in IMPORT.findall(path_of(name).read_text())}
    return found


def path_of(name: str) -> Path:
    path: Any = finders.find(name)
    assert path, f"{name} is nowhere"
    return Path(path)


def test_the_first_visit(page: bytes) -> None:
    names = with_imports(set(ADDRESS.findall(page.decode())))
    assert {"css/tokens.css", "js/chart.js", "js/ticks.js", "vendor/echarts/echarts.min.js"} <= names
    weights = {name: compressed(path_of(name).read_bytes()) for name in names}
    assert compressed(page) + sum(weights.values()) < 450 * 1024, weights


def test_every_visit_after_it(page: bytes) -> None:
    assert compressed(page) < 60 * 1024
