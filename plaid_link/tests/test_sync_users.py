"""Every user of the local Plaid server, linked and synced through the real client; and Plaid's own custom user."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings as project

from investments.models import Account, Holding, Transaction
from plaid_link import link
from plaid_link.models import Item, SyncRun
from plaid_link.sandbox.testing import PlaidServer
from plaid_link.snapshots import Upserts
from plaid_link.sources.plaid.repairs import PER_UNIT_BASIS
from plaid_link.sync import sync_item, whole_window

USERS = ["user_good", "user_401k", "user_trader", "user_crypto", "user_cash", "user_complete", "user_family"]
CUSTOM_USER = project.REFERENCE_DATA / "plaid" / "custom-users" / "brokerage_custom_user.json"
HOLDINGS, TRANSACTIONS = "/investments/holdings/get", "/investments/transactions/get"


@pytest.fixture
def plaid(plaid_server: PlaidServer, settings: Any) -> PlaidServer:
    settings.PLAID_HOST = plaid_server.url
    return plaid_server


def linked(owner: Any, plaid: PlaidServer, *args: Any, **how: Any) -> Item:
    return link.exchange_public_token(user_id=owner.pk, public_token=plaid.public_token(*args, **how)).item


def sync(item: Item) -> Upserts:
    start, end = whole_window()
    return sync_item(item=Item.objects.get(pk=item.pk), trigger="user", start=start, end=end)


def findings() -> set[tuple[str, str]]:
    return {(found["kind"], found.get("field", "")) for found in SyncRun.objects.first().findings}


def lost() -> set[tuple[str, str]]:
    """What was told and did not get into the ledger."""
    return {(kind, field) for kind, field in findings() if kind not in ("repaired", "missing")}


@pytest.mark.parametrize("username", USERS)
def test_a_life_is_stored_whole_and_the_same_again_changes_nothing(
    owner: Any, plaid: PlaidServer, username: str
) -> None:
    item = linked(owner, plaid, username)
    upserts = sync(item)
    assert lost() == set()
    assert upserts.holdings == Holding.objects.held().count() > 0
    assert upserts.investment_transactions == Transaction.objects.current().count() > 0
    versions = list(Account.objects.order_by("pk").values_list("ledger_version", flat=True))
    assert sync(item) == Upserts(0, 0, 0)
    assert list(Account.objects.order_by("pk").values_list("ledger_version", flat=True)) == versions


@pytest.mark.parametrize("username", USERS)
def test_what_is_stored_adds_up_to_what_the_institution_says(owner: Any, plaid: PlaidServer, username: str) -> None:
    sync(linked(owner, plaid, username))
    for account in Account.objects.prefetch_related("holdings__security"):
        holdings = account.holdings.all()
        value = sum((row.institution_value for row in holdings), account.uninvested_cash)
        assert abs(value - account.balance_current) < Decimal("0.01") * (len(holdings) + 1)
        for row in holdings:
            assert abs(row.quantity * row.institution_price * row.security.multiplier - row.institution_value) < 1


def test_a_login_that_asks_to_sign_in_again_says_so(owner: Any, plaid: PlaidServer) -> None:
    item = linked(owner, plaid, "user_errors")
    with pytest.raises(Exception, match="Sign in to this institution again"):
        sync(item)
    assert Item.objects.get().status == "needs_repair"


def test_a_bank_without_investments_is_told_to_the_user(owner: Any, plaid: PlaidServer) -> None:
    with pytest.raises(Exception, match="No investment account"):
        linked(owner, plaid, "user_bank")
    assert not Item.objects.exists()


@pytest.mark.parametrize("form", ["html", "truncated", "nan", "huge", "empty"])
@pytest.mark.parametrize("path", [HOLDINGS, TRANSACTIONS])
def test_garbage_from_the_provider_keeps_the_last_good_answer(
    owner: Any, plaid: PlaidServer, path: str, form: str
) -> None:
    item = linked(owner, plaid)
    sync(item)
    before = list(Holding.objects.order_by("pk").values())
    plaid.fail(path, kind="garbage", form=form)
    with pytest.raises(Exception, match="could not be read"):
        sync(item)
    assert list(Holding.objects.order_by("pk").values()) == before
    assert sync(item) == Upserts(0, 0, 0)


def test_a_list_that_shifts_between_pages_is_neither_cut_nor_doubled(owner: Any, plaid: PlaidServer) -> None:
    item = linked(owner, plaid, "user_trader")
    plaid.fail(TRANSACTIONS, kind="shift")
    sync(item)
    assert ("repaired", "total_investment_transactions") in findings()
    assert lost() == set()
    ids = Transaction.objects.current().values_list("external_id", flat=True)
    assert len(ids) == len(set(ids))
    assert sync(item).investment_transactions <= 1


def test_empty_holdings_are_not_believed_at_once(owner: Any, plaid: PlaidServer) -> None:
    item = linked(owner, plaid)
    sync(item)
    held = Holding.objects.held().count()
    plaid.fail(HOLDINGS, kind="empty_holdings")
    sync(item)
    assert Holding.objects.held().count() == held
    assert lost() == {("held_back", "holdings")}
    assert sync(item) == Upserts(0, 0, 0)


@pytest.mark.skipif(not CUSTOM_USER.exists(), reason=f"Plaid's custom user is not at {CUSTOM_USER}")
def test_plaids_own_custom_user_arrives_as_its_json_says(owner: Any, plaid: PlaidServer) -> None:
    custom = json.loads(CUSTOM_USER.read_text(), parse_float=Decimal)
    item = linked(owner, plaid, custom=json.loads(CUSTOM_USER.read_text()))
    sync(item)
    (told,) = custom["override_accounts"]
    assert lost() == set()
    assert Account.objects.get().name == told["meta"]["name"]
    stored = {row.security.ticker_symbol: row for row in Holding.objects.select_related("security")}
    for row in told["holdings"]:
        holding = stored[row["security"]["ticker_symbol"]]
        assert holding.quantity == Decimal(row["quantity"])
        assert holding.institution_price == Decimal(row["institution_price"])
        if PER_UNIT_BASIS in holding.source_metadata.get("repairs", []):
            units = holding.quantity * holding.security.multiplier
            assert holding.cost_basis == Decimal(row["cost_basis"]) * units
    assert stored["AAPL"].cost_basis is None
    assert stored["GOOGL"].cost_basis == Decimal("2228.23") * 8
    assert Transaction.objects.current().count() == len(told["investment_transactions"])
    assert sync(item) == Upserts(0, 0, 0)
