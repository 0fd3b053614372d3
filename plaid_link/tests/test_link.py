from typing import Any

import pytest
from django.db import OperationalError, connection

from investments.models import Account, Holding, Transaction
from plaid_link import jobs, link, tasks
from plaid_link.models import Item, UnplacedAccount
from plaid_link.sources.base import SourceError
from plaid_link.tests.scripted import (
    HOLDINGS,
    TRANSACTIONS,
    ScriptedPlaid,
    account,
    error,
    holding,
    holdings_answer,
    paged,
    transaction,
)
from portfolio_site.models import Job

REMOVE = "/item/remove"


@pytest.fixture
def linkable(scripted: ScriptedPlaid) -> ScriptedPlaid:
    number = iter(range(1, 100))
    scripted.answers["/item/public_token/exchange"] = lambda request: {
        "access_token": f"access-sandbox-secret-{(n := next(number))}",
        "item_id": f"item-{n}",
    }
    scripted.answers["/item/get"] = {"item": {"institution_id": "ins_1"}}
    scripted.answers["/institutions/get_by_id"] = {"institution": {"institution_id": "ins_1", "name": "First Platypus"}}
    scripted.answers["/accounts/get"] = {"accounts": [account(), account("checking", type="depository")]}
    scripted.answers[REMOVE] = {"request_id": "m8MDnv9okwxFNBV"}
    return scripted


def exchange(owner: Any) -> link.Linked:
    return link.exchange_public_token(user_id=owner.pk, public_token="public-sandbox-1")


def run(job: Job) -> Job:
    tasks.run_sync_job(str(job.pk))
    return Job.objects.get(pk=job.pk)


def answer_under(plaid: ScriptedPlaid, suffix: str) -> None:
    """The same login as a new link tells it: every id is another."""
    accounts = [account(f"acc{suffix}")]
    plaid.answers["/accounts/get"] = {"accounts": accounts}
    plaid.answers[HOLDINGS] = holdings_answer(holding(account_id=f"acc{suffix}"), accounts=accounts)
    plaid.answers[TRANSACTIONS] = paged([transaction(f"t{suffix}", account_id=f"acc{suffix}")], accounts=accounts)


class TestExchange:
    def test_accounts_are_stored_before_it_answers(self, owner: Any, linkable: ScriptedPlaid) -> None:
        linked = exchange(owner)
        row = Account.objects.get()
        assert (row.owner, row.name, row.sync_state) == (owner, "Brokerage", "syncing")
        assert row.linked_account.item == linked.item
        assert (linked.item.institution.name, linked.item.status) == ("First Platypus", "linking")
        assert (linked.job.kind, linked.job.state) == ("link", "queued")

    def test_the_job_reads_two_years_and_says_what_came(self, owner: Any, linkable: ScriptedPlaid) -> None:
        job = run(exchange(owner).job)
        assert (job.state, job.progress) == ("succeeded", 1.0)
        assert (job.result["accounts"], job.result["holdings"], job.result["transactions"]) == (1, 1, 1)
        assert job.result["account_ids"] == [Account.objects.get().pk]
        asked = linkable.asked_of(TRANSACTIONS)[0]
        assert asked["start_date"] < "2024-12-01"

    def test_the_token_is_nowhere_in_plain(self, owner: Any, linkable: ScriptedPlaid) -> None:
        run(exchange(owner).job)
        with connection.cursor() as cursor:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            for (table,) in cursor.fetchall():
                cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', ["%access-sandbox%"])
                assert cursor.fetchone() == (0,), table
                cursor.execute(
                    f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', [f"%{b'access-sandbox'.hex()}%"]
                )
                assert cursor.fetchone() == (0,), table

    def test_an_answer_without_an_item_is_refused(self, owner: Any, linkable: ScriptedPlaid) -> None:
        linkable.answers["/item/public_token/exchange"] = {"access_token": "", "item_id": "item-1"}
        with pytest.raises(link.ExchangeIncomplete, match="Failed to exchange public token"):
            exchange(owner)
        assert not Item.objects.exists()

    @pytest.mark.parametrize("path", ["/item/get", "/institutions/get_by_id", "/accounts/get"])
    def test_when_it_fails_half_way_plaid_forgets_the_item(
        self, owner: Any, linkable: ScriptedPlaid, path: str
    ) -> None:
        linkable.answers[path] = error("INTERNAL_SERVER_ERROR", status=500)
        with pytest.raises(SourceError):
            exchange(owner)
        assert len(linkable.asked_of(REMOVE)) == 1
        assert [Item.objects.count(), Job.objects.count()] == [0, 0]

    def test_a_login_without_investments_says_so(self, owner: Any, linkable: ScriptedPlaid) -> None:
        linkable.answers["/accounts/get"] = {"accounts": [account(type="depository")]}
        with pytest.raises(SourceError, match="No investment account"):
            exchange(owner)


class TestLinkingAgain:
    def test_doubles_nothing(self, owner: Any, linkable: ScriptedPlaid) -> None:
        run(exchange(owner).job)
        first = Account.objects.get()
        answer_under(linkable, "-again")
        linked = exchange(owner)
        run(linked.job)
        row = Account.objects.get()
        assert (row.pk, row.external_id, row.linked_account.item) == (first.pk, "acc-again", linked.item)
        assert Holding.objects.held().count() == 1
        assert [row.external_id for row in Transaction.objects.current()] == ["t-again"]

    def test_lets_the_old_item_go(self, owner: Any, linkable: ScriptedPlaid) -> None:
        run(exchange(owner).job)
        answer_under(linkable, "-again")
        linked = exchange(owner)
        assert [item.item_id for item in Item.objects.all()] == [linked.item.item_id]
        assert [body["access_token"] for body in linkable.asked_of(REMOVE)] == ["access-sandbox-secret-1"]

    def test_another_login_at_the_institution_is_its_own(self, owner: Any, linkable: ScriptedPlaid) -> None:
        run(exchange(owner).job)
        linkable.answers["/accounts/get"] = {"accounts": [account("acc-spouse", mask="9999")]}
        exchange(owner)
        assert Account.objects.count() == Item.objects.count() == 2

    def test_accounts_that_cannot_be_told_apart_are_not_merged(self, owner: Any, linkable: ScriptedPlaid) -> None:
        linkable.answers["/accounts/get"] = {"accounts": [account("one"), account("two")]}
        exchange(owner)
        linkable.answers["/accounts/get"] = {"accounts": [account("three")]}
        exchange(owner)
        assert Account.objects.count() == 2
        assert [row.external_id for row in UnplacedAccount.objects.waiting()] == ["three"]

    def test_another_owners_account_is_never_taken(self, owner: Any, other: Any, linkable: ScriptedPlaid) -> None:
        exchange(owner)
        answer_under(linkable, "-other")
        exchange(other)
        assert [row.owner for row in Account.objects.order_by("pk")] == [owner, other]


class TestRemoving:
    def test_keeps_what_was_known_and_drops_the_token(self, owner: Any, linkable: ScriptedPlaid) -> None:
        linked = exchange(owner)
        run(linked.job)
        link.remove_item(item=linked.item, erase=False)
        item = Item.objects.get()
        assert (item.status, bytes(item.access_token_encrypted)) == ("disconnected", b"")
        assert Account.objects.get().sync_state == "disconnected"
        assert Transaction.objects.count() == 1

    def test_erases_everything_when_asked_to(self, owner: Any, linkable: ScriptedPlaid) -> None:
        linked = exchange(owner)
        run(linked.job)
        tasks.remove_item(linked.item.pk, erase=True)
        assert not any(model.objects.exists() for model in (Item, Account, Holding, Transaction))

    def test_the_sweep_finishes_an_erase_that_the_queue_lost(self, owner: Any, linkable: ScriptedPlaid) -> None:
        linked = exchange(owner)
        run(linked.job)
        link.disconnect(item=linked.item, erase=True)
        assert Account.objects.get().sync_state == "disconnected"
        tasks.sync_stale_items()
        assert not any(model.objects.exists() for model in (Item, Account, Holding, Transaction))
        assert len(linkable.asked_of(REMOVE)) == 1

    def test_the_sweep_finishes_an_erase_whose_item_plaid_had_forgotten(
        self, owner: Any, linkable: ScriptedPlaid
    ) -> None:
        linked = exchange(owner)
        link.disconnect(item=linked.item, erase=True)
        Item.objects.update(access_token_encrypted=b"")
        tasks.sync_stale_items()
        assert not any(model.objects.exists() for model in (Item, Account))
        assert linkable.asked_of(REMOVE) == []

    def test_erases_although_plaid_cannot_be_told_and_the_item_goes_once_it_is(
        self, owner: Any, linkable: ScriptedPlaid
    ) -> None:
        linked = exchange(owner)
        linkable.answers[REMOVE] = error("INTERNAL_SERVER_ERROR", status=500)
        link.remove_item(item=linked.item, erase=True)
        assert [Account.objects.count(), Item.objects.count()] == [0, 1]
        linkable.answers[REMOVE] = {"request_id": "m8MDnv9okwxFNBV"}
        tasks.sync_stale_items()
        assert not Item.objects.exists()

    def test_one_that_cannot_be_erased_holds_up_no_other(
        self, owner: Any, other: Any, linkable: ScriptedPlaid, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stuck, free = exchange(owner).item, exchange(other).item
        for item in (stuck, free):
            link.disconnect(item=item, erase=True)
        erase = link.ledger.erase_accounts

        def failing(*, account_ids: list[int]) -> int:
            if Account.objects.filter(pk__in=account_ids, owner=owner).exists():
                raise OperationalError("canceling statement due to lock timeout")
            return erase(account_ids=account_ids)

        monkeypatch.setattr(link.ledger, "erase_accounts", failing)
        tasks.sync_stale_items()
        assert [account.owner for account in Account.objects.all()] == [owner]

    def test_keeping_is_not_erasing(self, owner: Any, linkable: ScriptedPlaid) -> None:
        link.disconnect(item=exchange(owner).item, erase=False)
        tasks.sync_stale_items()
        assert Account.objects.count() == 1

    def test_when_plaid_cannot_be_told_the_sweep_tells_it_later(self, owner: Any, linkable: ScriptedPlaid) -> None:
        linked = exchange(owner)
        linkable.answers[REMOVE] = error("INTERNAL_SERVER_ERROR", status=500)
        link.remove_item(item=linked.item, erase=False)
        assert Item.objects.get().access_token_encrypted
        linkable.answers[REMOVE] = {"request_id": "m8MDnv9okwxFNBV"}
        tasks.sync_stale_items()
        assert bytes(Item.objects.get().access_token_encrypted) == b""

    def test_a_token_that_no_key_opens_holds_up_nobody(
        self, owner: Any, linkable: ScriptedPlaid, settings: Any
    ) -> None:
        lost, known = exchange(owner).item, settings.ENCRYPTION_KEYS
        settings.ENCRYPTION_KEYS = f"other:{known.partition(':')[2]}"
        link.remove_item(item=lost, erase=False)
        tasks.sync_stale_items()
        lost.refresh_from_db()
        assert (lost.status, bytes(lost.access_token_encrypted) != b"") == ("disconnected", True)
        settings.ENCRYPTION_KEYS = known
        tasks.sync_stale_items()
        lost.refresh_from_db()
        assert bytes(lost.access_token_encrypted) == b""
        assert len(linkable.asked_of(REMOVE)) == 1

    def test_removing_twice_is_removing_once(self, owner: Any, linkable: ScriptedPlaid) -> None:
        linked = exchange(owner)
        link.remove_item(item=linked.item, erase=False)
        link.remove_item(item=Item.objects.get(), erase=False)
        assert len(linkable.asked_of(REMOVE)) == 1


class TestJobs:
    def test_a_failure_that_stays_closes_the_job_with_what_to_do(self, owner: Any, linkable: ScriptedPlaid) -> None:
        linked = exchange(owner)
        linkable.answers[HOLDINGS] = error("ITEM_LOGIN_REQUIRED")
        job = run(linked.job)
        assert (job.state, job.error) == ("failed", "Sign in to this institution again to go on.")

    def test_one_item_that_fails_does_not_stop_the_others(self, owner: Any, linkable: ScriptedPlaid) -> None:
        run(exchange(owner).job)
        linkable.answers["/accounts/get"] = {"accounts": [account("acc-2", mask="9999")]}
        second = exchange(owner).item
        Item.objects.filter(pk=second.pk).update(access_token_encrypted=b"broken:")
        job = run(jobs.queue_sync(user_id=owner.pk))
        assert job.state == "succeeded"
        assert [failed["item_id"] for failed in job.result["failed"]] == [second.item_id]

    def test_a_second_request_joins_the_job_under_way(self, owner: Any, linkable: ScriptedPlaid) -> None:
        exchange(owner)
        assert jobs.queue_sync(user_id=owner.pk) == jobs.queue_sync(user_id=owner.pk)

    def test_a_job_that_ran_is_not_run_again(self, owner: Any, linkable: ScriptedPlaid) -> None:
        job = run(exchange(owner).job)
        asked = len(linkable.asked)
        run(job)
        assert len(linkable.asked) == asked
