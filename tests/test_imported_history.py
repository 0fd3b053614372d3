"""An imported account has a history like any other."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from history.models import AccountDay
from history.reconstruction.rebuild import rebuild_accounts
from plaid_link.models import ImportBatch
from plaid_link.tests.imports.conftest import send, store
from plaid_link.tests.imports.sample import COLUMNS, HEADER

__all__ = ["send", "store"]


@pytest.mark.django_db
def test_the_account_has_a_history(store: Callable[..., ImportBatch], settings: Any) -> None:
    settings.MARKET_DATA_PROVIDERS = ["stored"]
    day = timezone.now().date() - timedelta(days=30)
    rows = (HEADER, f"{day},Deposit,,,,1000", f"{day},Buy,ZZQX,10,60,-600")
    batch = store("", data="\n".join(rows).encode(), columns=COLUMNS)
    rebuild_accounts(account_ids=[batch.account_id])
    days = dict(AccountDay.objects.filter(account_id=batch.account_id).values_list("day", "value"))
    assert days[day - timedelta(days=1)] == 0
    assert days[day] == days[max(days)] == 1000
