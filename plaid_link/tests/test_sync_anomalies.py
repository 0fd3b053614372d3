"""Every oddity of Plaid's data, over HTTP: what becomes of it, and that operator and user can see it.

Each case is an answer of Plaid's, the row that is stored, and the findings; every finding has to be on the run in the
admin and on the user's connections page.
"""

from typing import Any

import pytest
from django.utils import timezone

from investments.models import Account, Holding, Security, Transaction
from plaid_link.models import Item, SyncRun
from plaid_link.sync import sync_item, whole_window
from plaid_link.tests.anomalies import HAPPENED, HELD, Findings, Happened, Held
from plaid_link.tests.scripted import (
    HOLDINGS,
    TRANSACTIONS,
    Body,
    ScriptedPlaid,
    account,
    holding,
    holdings_answer,
    paged,
    security,
    transaction,
)
from tests.pages import signed_in, words_of


def sync(item: Item) -> SyncRun:
    start, end = whole_window()
    sync_item(item=Item.objects.get(pk=item.pk), trigger="user", start=start, end=end)
    return SyncRun.objects.first()


def found(run: SyncRun) -> Findings:
    return {(finding["kind"], finding.get("field", "")) for finding in run.findings}


def assert_all_can_be_seen(run: SyncRun, user_model: Any) -> None:
    """Operators read every finding on the run, its user on the connection's card, without ids there."""
    staff = user_model.objects.filter(email="boss@example.com").first()
    staff = staff or user_model.objects.create_superuser(email="boss@example.com", password="correct horse battery")
    admin = words_of(signed_in(staff).get(f"/admin/plaid_link/syncrun/{run.pk}/change/"))
    card = words_of(signed_in(run.owner).get("/connections/"))
    for finding in run.findings:
        assert finding["message"][:40] in admin
        assert finding["message"] in card


def tell(
    plaid: ScriptedPlaid,
    *holdings: Body,
    rows: tuple[Body, ...] = (),
    securities: tuple[Body, ...] = (),
    accounts: tuple[Body, ...] = (),
) -> None:
    listed = {"securities": list(securities) or [security()], "accounts": list(accounts) or [account()]}
    plaid.answers[HOLDINGS] = holdings_answer(*holdings, **listed)
    plaid.answers[TRANSACTIONS] = paged(list(rows), **listed)


@pytest.mark.parametrize("case", HELD, ids=lambda case: case.name)
def test_a_holding(item: Item, scripted: ScriptedPlaid, django_user_model: Any, case: Held) -> None:
    told = case.told if isinstance(case.told, tuple) else (case.told,)
    tell(scripted, *told, securities=case.securities, accounts=case.accounts)
    run = sync(item)
    rows = list(Holding.objects.held())
    assert len(rows) == (case.stored is not None)
    for name, value in (case.stored or {}).items():
        assert getattr(rows[0], name) == value
    assert found(run) == case.findings
    assert_all_can_be_seen(run, django_user_model)
    assert sync(item).holdings == 0


@pytest.mark.parametrize("case", HAPPENED, ids=lambda case: case.name)
def test_a_transaction(item: Item, scripted: ScriptedPlaid, django_user_model: Any, case: Happened) -> None:
    tell(scripted, holding(), rows=(case.told,), securities=(security(), *case.securities))
    run = sync(item)
    rows = list(Transaction.objects.current())
    assert len(rows) == (case.stored is not None)
    for name, value in (case.stored or {}).items():
        assert getattr(rows[0], name) == value
    assert found(run) == case.findings
    assert_all_can_be_seen(run, django_user_model)
    assert case.repair in " ".join(rows[0].repairs if rows else [])
    if case.repair:
        assert case.repair in words_of(signed_in(run.owner).get("/transactions/"))
    assert sync(item).transactions == 0


class TestIds:
    def test_that_differ_by_case_are_different(self, item: Item, scripted: ScriptedPlaid) -> None:
        described = security("aApL"), security("AaPl", ticker_symbol="MSFT")
        tell(
            scripted,
            holding("aApL"),
            holding("AaPl", quantity=3, institution_value=562.5),
            rows=(transaction("tX", security_id="aApL"), transaction("Tx", security_id="AaPl", quantity=3, amount=450)),
            securities=described,
        )
        sync(item)
        assert {row.security.external_id: row.quantity for row in Holding.objects.held()} == {"aApL": 10, "AaPl": 3}
        assert {row.external_id: row.quantity for row in Transaction.objects.current()} == {"tX": 10, "Tx": 3}

    def test_that_come_on_two_pages_count_once(self, item: Item, scripted: ScriptedPlaid) -> None:
        rows = [transaction(f"t{number}") for number in range(500)]
        tell(scripted, holding(), rows=(*rows, rows[0], rows[499]))
        assert sync(item).transactions == 500

    def test_that_come_twice_with_different_content_are_left_out(
        self, item: Item, scripted: ScriptedPlaid, django_user_model: Any
    ) -> None:
        tell(scripted, holding(), rows=(*[transaction(f"t{n}") for n in range(500)], transaction("t0", amount=1510)))
        run = sync(item)
        assert run.transactions == 500
        assert Transaction.objects.current().get(external_id="t0").amount == 1510


class TestSecuritiesThatChangeTheirId:
    LISTED = {"market_identifier_code": "XNAS"}

    def test_go_on_with_holdings_and_history(self, item: Item, scripted: ScriptedPlaid, django_user_model: Any) -> None:
        tell(scripted, holding(), rows=(transaction("t1"),), securities=(security(**self.LISTED),))
        sync(item)
        before = list(Account.objects.values("ledger_version"))
        described = (security("renamed", **self.LISTED),)
        tell(scripted, holding("renamed"), rows=(transaction("t1", security_id="renamed"),), securities=described)
        run = sync(item)
        assert [row.security.external_id for row in Holding.objects.held()] == ["aapl"]
        assert [row.security.external_id for row in Transaction.objects.current()] == ["aapl"]
        assert (run.holdings, run.transactions) == (0, 0)
        assert list(Account.objects.values("ledger_version")) == before
        assert found(run) == {("repaired", "security_id")}
        assert_all_can_be_seen(run, django_user_model)
        assert Security.objects.get(external_id="renamed").same_as.external_id == "aapl"

    def test_take_old_rows_and_new_ones_together(self, item: Item, scripted: ScriptedPlaid) -> None:
        tell(scripted, holding(), rows=(transaction("t1"),), securities=(security(cusip="037833100"),))
        sync(item)
        described = security(cusip="037833100"), security("renamed", cusip="037833100")
        rows = transaction("t1"), transaction("t2", security_id="renamed", quantity=5, amount=750)
        tell(scripted, holding("renamed", quantity=15, institution_value=2812.5), rows=rows, securities=described)
        sync(item)
        (row,) = Holding.objects.held()
        assert (row.security.external_id, row.quantity) == ("aapl", 15)
        assert {row.security.external_id for row in Transaction.objects.current()} == {"aapl"}

    def test_with_the_ticker_alone_stay_apart(self, item: Item, scripted: ScriptedPlaid) -> None:
        tell(scripted, holding())
        sync(item)
        tell(scripted, holding("other"), securities=(security("other"),))
        sync(item)
        assert [row.security.external_id for row in Holding.objects.held()] == ["other"]


class TestAccountsThatPlaidStopsListing:
    def test_are_kept_until_a_second_look_and_then_closed_with_their_past(
        self, item: Item, scripted: ScriptedPlaid, django_user_model: Any
    ) -> None:
        both = account("acc"), account("ira", mask="1111", name="IRA")
        rows = transaction("t1"), transaction("t2", account_id="ira")
        tell(scripted, holding(), holding(account_id="ira"), rows=rows, accounts=both)
        sync(item)
        tell(scripted, holding(), rows=rows[:1])
        run = sync(item)
        assert found(run) == {("held_back", "account")}
        assert_all_can_be_seen(run, django_user_model)
        assert Account.objects.open().count() == Holding.objects.held().count() == 2
        assert Transaction.objects.current().count() == 2
        item.refresh_from_db()
        assert item.next_try_at is not None
        run = sync(item)
        assert found(run) == {("ignored", "account")}
        assert [row.external_id for row in Account.objects.open()] == ["acc"]
        assert [row.account.external_id for row in Holding.objects.held()] == ["acc"]
        assert Transaction.objects.current().count() == 2
        assert "No longer listed" in words_of(signed_in(item.owner).get("/connections/"))
        assert found(sync(item)) == set()

    def test_are_open_again_when_they_are_listed_again(self, item: Item, scripted: ScriptedPlaid) -> None:
        both = account("acc"), account("ira", mask="1111", name="IRA")
        tell(scripted, holding(), holding(account_id="ira"), accounts=both)
        sync(item)
        tell(scripted, holding())
        sync(item)
        sync(item)
        tell(scripted, holding(), holding(account_id="ira"), accounts=both)
        sync(item)
        assert Account.objects.open().count() == Holding.objects.held().count() == 2

    def test_that_cannot_be_read_are_not_gone(self, item: Item, scripted: ScriptedPlaid) -> None:
        tell(scripted, holding(), accounts=(account("acc"), account("ira")))
        sync(item)
        tell(scripted, holding(), accounts=(account("acc"), account("ira", mask=1111)))
        for _ in range(3):
            assert found(sync(item)) == {("refused", "mask")}
        assert Account.objects.open().count() == 2


class TestListsThatMove:
    def test_are_read_until_they_stand_still(self, item: Item, scripted: ScriptedPlaid, django_user_model: Any) -> None:
        rows = [transaction(f"t{number}") for number in range(501)]
        pages = iter([paged(rows), paged([transaction("new"), *rows])])
        current = {"page": next(pages)}

        def moving(request: Body) -> Body:
            answer = current["page"](request)
            current["page"] = next(pages, current["page"])
            return answer

        scripted.answers[TRANSACTIONS] = moving
        run = sync(item)
        assert run.transactions == 502
        assert found(run) == {("repaired", "total_investment_transactions")}
        assert_all_can_be_seen(run, django_user_model)


class TestCancels:
    def test_are_kept_with_what_they_take_back(self, item: Item, scripted: ScriptedPlaid) -> None:
        cancel = transaction("t2", type="cancel", subtype=None, amount=-1500, quantity=-10, cancel_transaction_id="t1")
        tell(scripted, holding(), rows=(transaction("t1"), cancel))
        assert found(sync(item)) == set()
        assert Transaction.objects.current().get(external_id="t2").cancels_external_id == "t1"


class TestRowsThatVanish:
    def test_are_voided_not_deleted_and_come_back(self, item: Item, scripted: ScriptedPlaid) -> None:
        tell(scripted, holding(), rows=(transaction("t1"), transaction("t2")))
        sync(item)
        tell(scripted, holding(), rows=(transaction("t2"),))
        assert sync(item).transactions == 1
        assert Transaction.objects.filter(external_id="t1").count() == 2
        assert not Transaction.objects.current().filter(external_id="t1").exists()
        tell(scripted, holding(), rows=(transaction("t1"), transaction("t2")))
        sync(item)
        assert Transaction.objects.current().get(external_id="t1").version == 3


def test_emptiness_is_told_to_operator_and_user(item: Item, scripted: ScriptedPlaid, django_user_model: Any) -> None:
    tell(scripted, holding(), rows=(transaction(),))
    sync(item)
    tell(scripted)
    run = sync(item)
    assert found(run) == {("held_back", "holdings"), ("held_back", "transactions")}
    assert_all_can_be_seen(run, django_user_model)
    item.refresh_from_db()
    assert item.next_try_at > timezone.now()
