import itertools
import json
import threading
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from investments.models import Account, Holding, Security, Transaction
from plaid_link import runs
from plaid_link.models import Item, SyncRun
from plaid_link.snapshots import Upserts
from plaid_link.sources.base import SourceError
from plaid_link.sync import sync_item, whole_window, window_due
from plaid_link.tests.scripted import (
    HOLDINGS,
    TRANSACTIONS,
    Body,
    Raw,
    ScriptedPlaid,
    account,
    error,
    holding,
    holdings_answer,
    paged,
    security,
    transaction,
    transactions_answer,
)
from plaid_link.tokens import seal_token

NOTHING = Upserts(0, 0, 0)
# Statements: savepoint, tenant, renewal and release of each page; what is written is written by thousands.
A_PAGE, FOUR_PAGES = 4, 1


def sync(item: Item, days: int = 730, report: Any = None) -> Upserts:
    item.refresh_from_db()
    today = timezone.now().date()
    return sync_item(item=item, trigger="user", start=today - timedelta(days=days), end=today, report=report)


def statements_for(like: Item, plaid: ScriptedPlaid, *, pages: int) -> int:
    """Of the first sync of a new item with so many full pages of transactions."""
    name = f"of-{pages}-pages"
    sealed = seal_token("access-sandbox-secret", item_id=name)
    item = Item.objects.create(
        owner=like.owner, institution=like.institution, item_id=name, access_token_encrypted=sealed
    )
    accounts = [account(name, mask=str(pages))]
    rows = [transaction(f"{name}-{number}", account_id=name) for number in range(500 * pages)]
    plaid.answers[HOLDINGS] = holdings_answer(holding(account_id=name), accounts=accounts)
    plaid.answers[TRANSACTIONS] = paged(rows, accounts=accounts)
    with CaptureQueriesContext(connection) as queries:
        assert sync(item).investment_transactions == len(rows)
    return len(queries)


def refused(item: Item) -> SourceError:
    with pytest.raises(SourceError) as caught:
        sync(item)
    return caught.value


def findings() -> list[tuple[str, str]]:
    return [(found["kind"], found.get("field", "")) for found in SyncRun.objects.first().findings]


class TestAnswer:
    def test_is_stored_whole(self, item: Item, scripted: ScriptedPlaid) -> None:
        assert sync(item) == Upserts(securities=1, holdings=1, investment_transactions=1)
        account = Account.objects.get()
        assert (account.owner, account.mask, account.sync_state) == (item.owner, "4821", "ok")
        assert account.linked_account.item == item
        assert Holding.objects.get().quantity == 10
        assert Transaction.objects.get().amount == 1500
        item.refresh_from_db()
        assert (item.status, item.error_code, item.next_try_at) == ("ok", "", None)
        assert item.last_synced_at == account.synced_at

    def test_the_same_again_changes_nothing(self, item: Item, scripted: ScriptedPlaid) -> None:
        sync(item)
        before = list(Account.objects.values("ledger_version", "uninvested_cash"))
        holdings = list(Holding.objects.values())
        assert sync(item) == NOTHING
        assert list(Account.objects.values("ledger_version", "uninvested_cash")) == before
        assert list(Holding.objects.values()) == holdings
        assert Transaction.objects.count() == 1

    def test_is_one_change_of_the_account(self, item: Item, scripted: ScriptedPlaid) -> None:
        sync(item)
        assert Account.objects.get().ledger_version == 1

    def test_every_digit_reaches_the_ledger(self, item: Item, scripted: ScriptedPlaid) -> None:
        digits = "12345678901.123456789012"
        body = json.dumps(holdings_answer(holding(quantity=0))).replace('"quantity": 0', f'"quantity": {digits}')
        scripted.answers[HOLDINGS] = Raw(body.encode())
        sync(item)
        assert Holding.objects.get().quantity == Decimal(digits)

    def test_costs_so_many_statements_a_page_however_many_there_are(self, item: Item, scripted: ScriptedPlaid) -> None:
        """Four pages: each renews the run, and together they are one lookup; all are written by one COPY."""
        of_none, *counts = [statements_for(item, scripted, pages=pages) for pages in (0, 4, 8, 12)]
        assert [more - fewer for fewer, more in itertools.pairwise(counts)] == [4 * A_PAGE + FOUR_PAGES] * 2
        assert of_none < counts[0] < of_none + 4 * A_PAGE + FOUR_PAGES + 3

    def test_what_plaid_lists_no_more_is_voided(self, item: Item, scripted: ScriptedPlaid) -> None:
        scripted.answers[TRANSACTIONS] = paged([transaction("t1"), transaction("t2")])
        sync(item)
        scripted.answers[TRANSACTIONS] = paged([transaction("t2")])
        assert sync(item).investment_transactions == 1
        assert [row.external_id for row in Transaction.objects.current()] == ["t2"]

    def test_what_is_outside_of_the_window_stays(self, item: Item, scripted: ScriptedPlaid) -> None:
        old = (timezone.now().date() - timedelta(days=200)).isoformat()
        scripted.answers[TRANSACTIONS] = paged([transaction("old", date=old), transaction("t2")])
        sync(item)
        scripted.answers[TRANSACTIONS] = paged([transaction("t2")])
        assert sync(item, days=30) == NOTHING

    def test_of_an_account_that_comes_later_all_the_past_is_read(self, item: Item, scripted: ScriptedPlaid) -> None:
        sync(item)
        old = (timezone.now().date() - timedelta(days=500)).isoformat()
        accounts = [account(), account("later", mask="1111", subtype="ira")]
        rows = [transaction("t1"), transaction("old", account_id="later", date=old)]

        def told(request: Body) -> Body:
            return transactions_answer(
                *(row for row in rows if row["date"] >= request["start_date"]), accounts=accounts
            )

        scripted.answers[HOLDINGS] = holdings_answer(holding(), holding(account_id="later"), accounts=accounts)
        scripted.answers[TRANSACTIONS] = told
        assert sync(item, days=30) == Upserts(securities=0, holdings=1, investment_transactions=1)
        assert Transaction.objects.current().get(external_id="old").account.external_id == "later"
        scripted.asked.clear()
        assert sync(item, days=30) == NOTHING
        assert len(scripted.asked_of(TRANSACTIONS)) == 1

    def test_an_account_with_cash_beside_its_holdings(self, item: Item, scripted: ScriptedPlaid) -> None:
        accounts = [account(balances={"available": 125, "current": 2000})]
        scripted.answers[HOLDINGS] = holdings_answer(holding(), accounts=accounts)
        scripted.answers[TRANSACTIONS] = paged([], accounts=accounts)
        sync(item)
        assert Account.objects.get().uninvested_cash == 125

    def test_repairs_are_there_to_be_seen(self, item: Item, scripted: ScriptedPlaid) -> None:
        contract = {
            "contract_type": "put",
            "expiration_date": "2027-01-15",
            "strike_price": 180,
            "underlying_security_ticker": "AAPL",
        }
        option = security("put", type="derivative", ticker_symbol="AAPL270115P00180000", option_contract=contract)
        told = holding("put", quantity=-300, institution_price=2.5, institution_value=-750, cost_basis=None)
        scripted.answers[HOLDINGS] = holdings_answer(told, securities=[option])
        sold = transaction(
            "t1", security_id="put", type="sell", subtype="sell short", quantity=300, price=3, amount=900
        )
        scripted.answers[TRANSACTIONS] = paged([sold], securities=[option])
        sync(item)
        row = Transaction.objects.get()
        assert Holding.objects.get().quantity == row.quantity == -3
        assert row.amount == -900
        assert len(row.repairs) == 3
        assert Holding.objects.get().source_metadata["repairs"]

    def test_an_option_is_not_recounted_when_only_its_expiry_is_listed(
        self, item: Item, scripted: ScriptedPlaid
    ) -> None:
        contract = {
            "contract_type": "call",
            "expiration_date": "2026-11-20",
            "strike_price": 180,
            "underlying_security_ticker": "AAPL",
        }
        option = security("call", type="derivative", option_contract=contract)
        bought = transaction("t1", security_id="call", quantity=200, price=3.5, amount=700, date="2026-08-03")
        expired = transaction(
            "t2", security_id="call", type="transfer", subtype="expire", quantity=-200, price=0, amount=0
        )
        scripted.answers[HOLDINGS] = holdings_answer()
        scripted.answers[TRANSACTIONS] = paged([bought, expired], securities=[option])
        sync(item)
        scripted.answers[TRANSACTIONS] = paged([expired], securities=[option])
        assert sync(item, days=30) == NOTHING
        assert Transaction.objects.current().get(external_id="t2").quantity == -2


class TestDoubt:
    def test_holdings_that_vanish_at_once_are_kept_until_a_second_look(
        self, item: Item, scripted: ScriptedPlaid
    ) -> None:
        accounts = [account(balances={"available": 1875, "current": 1875})]
        scripted.answers[HOLDINGS] = holdings_answer(holding(), accounts=accounts)
        scripted.answers[TRANSACTIONS] = paged([transaction()], accounts=accounts)
        sync(item)
        scripted.answers[HOLDINGS] = holdings_answer(accounts=accounts)
        assert sync(item).holdings == 0
        assert Holding.objects.held().count() == 1
        assert Account.objects.get().uninvested_cash == 0
        assert findings() == [("held_back", "holdings")]
        item.refresh_from_db()
        assert item.next_try_at is not None
        assert sync(item).holdings == 1
        assert not Holding.objects.held().exists()
        assert findings() == []

    def test_what_is_doubted_is_shown_as_old_and_says_so(self, item: Item, scripted: ScriptedPlaid) -> None:
        sync(item)
        before = Account.objects.get().synced_at
        scripted.answers[HOLDINGS] = holdings_answer()
        sync(item)
        item.refresh_from_db()
        assert Account.objects.get().synced_at == before
        assert "suddenly" in item.error_message
        scripted.answers[HOLDINGS] = holdings_answer(holding())
        sync(item)
        item.refresh_from_db()
        assert Account.objects.get().synced_at > before
        assert (item.error_message, item.next_try_at) == ("", None)

    def test_a_holding_that_cannot_be_read_stays_as_it_was(self, item: Item, scripted: ScriptedPlaid) -> None:
        """So does the cash beside it: the garbage may tell of it."""
        both = [security("aapl"), security("vti")]
        for available, quantity in ((500, 10), (4000, None)):
            accounts = [account(balances={"available": available, "current": 4250})]
            rows = holding(), holding("vti", quantity=quantity)
            scripted.answers[HOLDINGS] = holdings_answer(*rows, securities=both, accounts=accounts)
            scripted.answers[TRANSACTIONS] = paged([transaction()], accounts=accounts)
            sync(item)
            assert Holding.objects.held().count() == 2
            assert Account.objects.get().uninvested_cash == 500
        assert findings() == [("refused", "quantity")]

    def test_an_account_that_empties_beside_garbage_in_another_is_doubted(
        self, item: Item, scripted: ScriptedPlaid
    ) -> None:
        accounts = [account("acc"), account("ira", mask="1111")]
        scripted.answers[HOLDINGS] = holdings_answer(holding(), holding(account_id="ira"), accounts=accounts)
        scripted.answers[TRANSACTIONS] = paged([transaction()], accounts=accounts)
        sync(item)
        scripted.answers[HOLDINGS] = holdings_answer(holding(quantity=None), accounts=accounts)
        sync(item)
        assert Holding.objects.held().count() == 2
        assert ("held_back", "holdings") in findings()

    def test_a_doubt_that_proves_wrong_is_forgotten(self, item: Item, scripted: ScriptedPlaid) -> None:
        sync(item)
        scripted.answers[HOLDINGS] = holdings_answer()
        sync(item)
        scripted.answers[HOLDINGS] = holdings_answer(holding())
        sync(item)
        scripted.answers[HOLDINGS] = holdings_answer()
        assert sync(item).holdings == 0
        assert Holding.objects.held().count() == 1

    def test_a_single_account_that_empties_is_doubted_too(self, item: Item, scripted: ScriptedPlaid) -> None:
        accounts = [account("acc"), account("ira", mask="1111")]
        both = holding(), holding(account_id="ira")
        scripted.answers[HOLDINGS] = holdings_answer(*both, accounts=accounts)
        scripted.answers[TRANSACTIONS] = paged([transaction()], accounts=accounts)
        sync(item)
        scripted.answers[HOLDINGS] = holdings_answer(both[0], accounts=accounts)
        sync(item)
        assert Holding.objects.held().count() == 2

    def test_transactions_that_vanish_at_once_too(self, item: Item, scripted: ScriptedPlaid) -> None:
        sync(item)
        scripted.answers[TRANSACTIONS] = paged([])
        assert sync(item).investment_transactions == 0
        assert findings() == [("held_back", "transactions")]
        assert sync(item).investment_transactions == 1
        assert not Transaction.objects.current().exists()

    def test_a_row_that_cannot_be_read_voids_nothing(self, item: Item, scripted: ScriptedPlaid) -> None:
        sync(item)
        scripted.answers[TRANSACTIONS] = paged([transaction("t1", date="someday"), transaction("t2")])
        sync(item)
        assert {row.external_id for row in Transaction.objects.current()} == {"t1", "t2"}
        assert findings() == [("refused", "date")]


class TestFailure:
    @pytest.mark.parametrize(
        ("code", "status", "state"),
        [
            ("ITEM_LOGIN_REQUIRED", "needs_repair", "needs_repair"),
            ("INSTITUTION_DOWN", "institution_trouble", "institution_trouble"),
            ("USER_PERMISSION_REVOKED", "disconnected", "disconnected"),
            ("PRODUCT_NOT_READY", "ok", "ok"),
        ],
    )
    def test_is_written_on_the_item_and_its_accounts(
        self, item: Item, scripted: ScriptedPlaid, code: str, status: str, state: str
    ) -> None:
        sync(item)
        scripted.answers[HOLDINGS] = error(code)
        found = refused(item)
        item.refresh_from_db()
        assert (found.code, item.status, item.error_code) == (code, status, code)
        assert item.error_message == str(found)
        assert (item.next_try_at is None) == found.permanent
        assert Account.objects.get().sync_state == state
        assert SyncRun.objects.first().state == "failed"

    def test_in_the_middle_stores_nothing(self, item: Item, scripted: ScriptedPlaid) -> None:
        scripted.answers[TRANSACTIONS] = lambda request: (
            error("ITEM_LOGIN_REQUIRED")
            if request["options"]["offset"]
            else paged([transaction(f"t{number}") for number in range(501)])(request)
        )
        assert refused(item).code == "ITEM_LOGIN_REQUIRED"
        assert [model.objects.count() for model in (Account, Security, Holding, Transaction)] == [0, 0, 0, 0]

    def test_a_good_sync_clears_it(self, item: Item, scripted: ScriptedPlaid) -> None:
        scripted.answers[HOLDINGS] = error("ITEM_LOGIN_REQUIRED")
        refused(item)
        scripted.answers[HOLDINGS] = holdings_answer(holding())
        sync(item)
        item.refresh_from_db()
        assert (item.status, item.error_code, item.error_message) == ("ok", "", "")

    def test_garbage_keeps_what_was_known(self, item: Item, scripted: ScriptedPlaid) -> None:
        sync(item)
        scripted.answers[HOLDINGS] = Raw(b"<html>")
        assert refused(item).code == "UNREADABLE_ANSWER"
        assert Holding.objects.held().count() == 1

    def test_waits_longer_after_every_failure(self, item: Item, scripted: ScriptedPlaid) -> None:
        scripted.answers[HOLDINGS] = error("INSTITUTION_DOWN")
        waits = []
        for _ in range(8):
            refused(item)
            item.refresh_from_db()
            waits.append((item.next_try_at - timezone.now()).total_seconds())
        assert waits[-1] > 10 * waits[0]

    def test_a_revoked_token_is_dropped(self, item: Item, scripted: ScriptedPlaid) -> None:
        scripted.answers[HOLDINGS] = error("USER_PERMISSION_REVOKED")
        refused(item)
        item.refresh_from_db()
        assert bytes(item.access_token_encrypted) == b""

    def test_no_secret_is_left_anywhere(self, item: Item, scripted: ScriptedPlaid, caplog: Any) -> None:
        scripted.answers[HOLDINGS] = error("SOMETHING_NEW")
        refused(item)
        with connection.cursor() as cursor:
            for table in ("plaid_link_item", "plaid_link_syncrun"):
                cursor.execute(f"SELECT string_agg(t::text, ' ') FROM {table} t")
                stored = cursor.fetchone()[0]
                assert "secret" not in stored
                assert b"secret".hex() not in stored
        assert "secret" not in caplog.text


class TestOneAtATime:
    def claim(self, item: Item, days: int = 730) -> SyncRun:
        today = timezone.now().date()
        run = runs.claim(item=item, trigger="user", start=today - timedelta(days=days), end=today)
        assert run is not None
        return run

    def test_a_second_run_is_not_given_out(self, item: Item) -> None:
        self.claim(item)
        assert runs.claim(item=item, trigger="user", start=date(2026, 1, 1), end=date(2026, 2, 1)) is None

    def test_a_run_whose_worker_died_is_taken_over(self, item: Item, scripted: ScriptedPlaid) -> None:
        dead = self.claim(item)
        SyncRun.objects.update(alive_at=timezone.now() - runs.LEASE * 2)
        assert sync(item).holdings == 1
        dead.refresh_from_db()
        assert dead.state == "failed"

    def test_a_holder_that_lost_its_lease_writes_nothing(self, item: Item, scripted: ScriptedPlaid) -> None:
        run = self.claim(item)
        SyncRun.objects.update(state="failed")
        with pytest.raises(SourceError):
            runs.renew(run)
        with pytest.raises(SourceError):
            runs.hold(run)

    def test_nothing_is_written_after_a_disconnect(self, item: Item, scripted: ScriptedPlaid) -> None:
        def disconnect(message: str, progress: float) -> None:
            Item.objects.update(status="disconnected")

        with pytest.raises(SourceError, match="no longer exists"):
            sync(item, report=disconnect)
        assert not Account.objects.exists()
        assert Item.objects.get().status == "disconnected"

    def test_news_that_come_meanwhile_make_one_more_run(self, item: Item, scripted: ScriptedPlaid) -> None:
        news = iter([True])

        def announce(message: str, progress: float) -> None:
            if next(news, False):
                assert runs.ask_for_another(item=item)

        assert sync(item, report=announce) == Upserts(1, 1, 1)
        assert len(scripted.asked_of(HOLDINGS)) == 2
        assert not runs.ask_for_another(item=item)

    @pytest.mark.django_db(transaction=True)
    def test_twenty_at_once_ask_plaid_once(self, item: Item, scripted: ScriptedPlaid) -> None:
        scripted.answers[HOLDINGS] = Raw(json.dumps(holdings_answer(holding())).encode(), delay=0.5)
        answers: list[Upserts] = []

        def click() -> None:
            try:
                answers.append(sync(Item.objects.get()))
            finally:
                connection.close()

        clicks = [threading.Thread(target=click) for _ in range(20)]
        for thread in clicks:
            thread.start()
        for thread in clicks:
            thread.join()
        assert answers == [Upserts(1, 1, 1)] * 20
        assert len(scripted.asked_of(HOLDINGS)) == 1

    def test_whoever_asked_before_the_last_one_ended_has_its_answer(self, item: Item, scripted: ScriptedPlaid) -> None:
        """Two tasks for one click and one sweep, of which the second comes late."""
        asked_at = timezone.now()
        start, end = whole_window()
        assert sync(item) == Upserts(1, 1, 1)
        asked = {"item": item, "trigger": "sweep", "end": end, "asked_at": asked_at}
        assert sync_item(start=start, **asked) == Upserts(1, 1, 1)
        assert SyncRun.objects.count() == 1
        assert sync_item(start=start - timedelta(days=1), **asked) == NOTHING, "that asks for more"
        assert len(scripted.asked_of(HOLDINGS)) == 2

    def test_a_run_that_was_given_up_answers_nobody(self, item: Item, scripted: ScriptedPlaid) -> None:
        asked_at = timezone.now()
        self.claim(item)
        SyncRun.objects.update(alive_at=timezone.now() - runs.LEASE * 2)
        start, end = whole_window()
        assert sync_item(item=item, trigger="user", start=start, end=end, asked_at=asked_at).holdings == 1


def test_a_sync_that_nobody_asked_for_reads_all_until_one_succeeded(item: Item, scripted: ScriptedPlaid) -> None:
    assert window_due(item) == whole_window()
    sync(item)
    item.refresh_from_db()
    start, end = window_due(item)
    assert (end - start).days == 30
    item.last_synced_at -= timedelta(days=90)
    start, end = window_due(item)
    assert (end - start).days == 120
