from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from investments import ledger
from investments.entries import InstitutionEntry
from plaid_link.models import Item
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
from plaid_link.tokens import seal_token

__all__ = ["item", "plaid_process", "plaid_server", "scripted"]


@pytest.fixture
def scripted(settings: Any) -> Iterator[ScriptedPlaid]:
    """One account with ten Apple shares and their purchase; tests change what they are about."""
    plaid = ScriptedPlaid()
    plaid.answers[HOLDINGS] = holdings_answer(holding())
    plaid.answers[TRANSACTIONS] = paged([transaction()])
    settings.PLAID_HOST = plaid.url
    yield plaid
    plaid.stop()


@pytest.fixture
def item(owner: Any) -> Item:
    """A linked item whose first sync has not run."""
    institution = ledger.upsert_institution(entry=InstitutionEntry("ins_1", "First Platypus"))
    return Item.objects.create(
        owner=owner,
        institution=institution,
        item_id="item-1",
        access_token_encrypted=seal_token("access-sandbox-secret", item_id="item-1"),
        next_try_at=timezone.now(),
    )
