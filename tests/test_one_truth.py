"""One truth: whoever asks what a portfolio is worth gets the same cents, for every user of the local Plaid server.

Overview, value API, account breakdown, last point of history and the sum of what the institution says; in total and per
account, after the real link, sync and rebuild.
"""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from history.claims import behind
from history.models import AccountHistory
from history.rebuild import rebuild_accounts
from history.valuation import market_today
from investments.models import Account
from plaid_link import link
from plaid_link.sandbox.testing import PlaidServer, plaid_process, plaid_server
from plaid_link.sync import sync_item, whole_window
from portfolio_site.lib.money import displayed
from tests.pages import signed_in, words_of

__all__ = ["plaid_process", "plaid_server"]

USERS = ["user_good", "user_401k", "user_trader", "user_crypto", "user_cash", "user_complete", "user_family"]


def linked_and_rebuilt(owner: Any, plaid: PlaidServer, username: str) -> list[Account]:
    item = link.exchange_public_token(user_id=owner.pk, public_token=plaid.public_token(username)).item
    start, end = whole_window()
    sync_item(item=item, trigger="user", start=start, end=end)
    accounts = list(Account.objects.prefetch_related("holdings"))
    rebuilt = rebuild_accounts(account_ids=[account.pk for account in accounts])
    assert rebuilt.failed == ()
    assert behind(limit=9) == []
    return accounts


def told_by_the_institution(account: Account) -> Decimal:
    held = account.holdings.filter(removed_at=None)
    return sum((row.institution_value for row in held), account.uninvested_cash)


@pytest.mark.parametrize("username", USERS)
def test_everybody_tells_the_same_value(
    owner: Any, api: Any, plaid_server: PlaidServer, settings: Any, username: str
) -> None:
    settings.PLAID_HOST = plaid_server.url
    accounts = linked_and_rebuilt(owner, plaid_server, username)
    told = {account.pk: displayed(told_by_the_institution(account)) for account in accounts}
    total, caller = f"{displayed(sum(map(told_by_the_institution, accounts)))}", api(owner)

    assert caller.get("/api/portfolio/value").json()["total"] == total
    assert f"${Decimal(total):,.2f}" in words_of(signed_in(owner).get("/"))
    breakdown = caller.get("/api/portfolio/account-breakdown").json()
    assert breakdown["total_value"] == total
    assert {row["account_id"]: Decimal(row["portfolio_value"]) for row in breakdown["account_breakdown"]} == told
    history = caller.get("/api/portfolio/history", {"period": "2Y"}).json()
    assert (history["dates"][-1], history["value"][-1]) == (str(market_today()), total)
    for account_id, value in told.items():
        own = {"filter_account": account_id}
        assert caller.get("/api/portfolio/value", own).json()["total"] == str(value)
        assert caller.get("/api/portfolio/history", own).json()["value"][-1] == str(value)


@pytest.mark.parametrize("username", USERS)
def test_two_years_of_a_life_can_be_trusted(
    owner: Any, api: Any, plaid_server: PlaidServer, settings: Any, username: str
) -> None:
    """731 days each, nothing unexplained, no day that jumps but by a flow."""
    settings.PLAID_HOST = plaid_server.url
    accounts = linked_and_rebuilt(owner, plaid_server, username)
    history = api(owner).get("/api/portfolio/history", {"period": "2Y"}).json()
    assert len(history["dates"]) == 731
    unexplained = [str(a) for account in accounts for a in account.anomalies.exclude(kind="unmapped")]
    assert unexplained == []
    growth = [after / before for before, after in pairwise(history["twrr"])]
    assert min(growth) > 0.8
    assert max(growth) < 1.25
    assert {row.state for row in AccountHistory.objects.all()} == {"ready"}
