from collections.abc import Iterator
from typing import Any

import pytest

from plaid_link.sandbox.testing import plaid_process, plaid_server
from plaid_link.tests.scripted import (
    HOLDINGS,
    TRANSACTIONS,
    ScriptedPlaid,
    holding,
    holdings_answer,
    paged,
    transaction,
)

__all__ = ["plaid_process", "plaid_server", "scripted"]


@pytest.fixture
def scripted(settings: Any) -> Iterator[ScriptedPlaid]:
    """One account with ten Apple shares and their purchase; tests change what they are about."""
    plaid = ScriptedPlaid()
    plaid.answers[HOLDINGS] = holdings_answer(holding())
    plaid.answers[TRANSACTIONS] = paged([transaction()])
    settings.PLAID_HOST = plaid.url
    yield plaid
    plaid.stop()
