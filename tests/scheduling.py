"""Which tests share a worker, and which come first, when pytest-xdist runs them in several processes."""

import gc
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

FAULTS = "tests/faults/"
# What takes a worker longest comes first, or the other workers would wait for it at the end.
LONGEST = (FAULTS, "tests/browser/", "tests/test_browser_", "tests/test_tenancy_urls")


class ByRunningProduct(LoadFileScheduling):
    """A file is tested by one worker, and so are all faults, whose running product is then started once."""

    def _split_scope(self, nodeid: str) -> str:
        return FAULTS if nodeid.startswith(FAULTS) else str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByRunningProduct:
    return ByRunningProduct(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After pytest-django, which puts tests that commit last."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What is there by now stays: thousands of tests and all modules need not be looked through for garbage again."""
    gc.collect()
    gc.freeze()
