"""Accounts that come back under other ids: they go on, or the user is asked; never is one counted twice."""

from collections.abc import Callable
from typing import Any

import pytest

from investments.models import Account, Holding, Transaction
from plaid_link import link, runs, tasks
from plaid_link.models import Item, UnplacedAccount
from plaid_link.sync import sync_item, whole_window
from plaid_link.tests.scripted import (
    HOLDINGS,
    TRANSACTIONS,
    Body,
    ScriptedPlaid,
    account,
    holding,
    holdings_answer,
    paged,
    transaction,
)
from portfolio_site.models import Job
from tests.fixtures import WebClient
from tests.pages import signed_in, words_of

STATUS = "/api/portfolio/connection-status"
PAGE = "/connections/"


class Logins:
    """What Plaid lists under each login: the accounts, each with ten shares and their purchase under its own id."""

    def __init__(self, plaid: ScriptedPlaid, owner: Any) -> None:
        self.plaid, self.owner, self.accounts = plaid, owner, dict[str, list[Body]]()
        plaid.answers["/item/public_token/exchange"] = self._exchanged
        plaid.answers["/item/get"] = {"item": {"institution_id": "ins_1"}}
        plaid.answers["/institutions/get_by_id"] = {"institution": {"institution_id": "ins_1", "name": "Platypus"}}
        plaid.answers["/accounts/get"] = lambda body: {"accounts": self._of(body)}
        plaid.answers["/item/remove"] = {"request_id": "m8MDnv9okwxFNBV"}
        plaid.answers[HOLDINGS] = self._holdings
        plaid.answers[TRANSACTIONS] = self._transactions

    def link(self, name: str, *accounts: Body, read: bool = True) -> Item:
        """A login of that name, linked and, unless told otherwise, read."""
        self.accounts[name] = list(accounts)
        linked = link.exchange_public_token(user_id=self.owner.pk, public_token=name)
        if read:
            tasks.run_sync_job(str(linked.job.pk))
        return linked.item

    def lists(self, name: str, *accounts: Body) -> None:
        self.accounts[name] = list(accounts)

    def _exchanged(self, body: Body) -> Body:
        name = body["public_token"]
        return {"access_token": f"access-sandbox-{name}", "item_id": f"item-{name}"}

    def _of(self, body: Body) -> list[Body]:
        return self.accounts[body["access_token"].removeprefix("access-sandbox-")]

    def _holdings(self, body: Body) -> Body:
        accounts = self._of(body)
        return holdings_answer(*(holding(account_id=one["account_id"]) for one in accounts), accounts=accounts)

    def _transactions(self, body: Body) -> Body:
        accounts = self._of(body)
        rows = [transaction(f"t-{one['account_id']}", account_id=one["account_id"]) for one in accounts]
        return paged(rows, accounts=accounts)(body)


@pytest.fixture
def logins(scripted: ScriptedPlaid, owner: Any) -> Logins:
    return Logins(scripted, owner)


def sync(item: Item) -> None:
    start, end = whole_window()
    sync_item(item=Item.objects.get(pk=item.pk), trigger="user", start=start, end=end)


def counted() -> tuple[int, int, int]:
    """What the user's figures are made of: open accounts, holdings, transactions."""
    return (
        Account.objects.open().count(),
        Holding.objects.held().count(),
        Transaction.objects.current().count(),
    )


def answer(question: UnplacedAccount, same_as: Account | None) -> None:
    job = link.place_account(unplaced=question, same_as=same_as)
    tasks.run_sync_job(str(job.pk))


NO_MASK: dict[str, Any] = {"mask": None}
# Of the first link and of the second: what may be the same, and nobody can tell.
UNCLEAR = {
    "neither tells a mask": ([account("old", **NO_MASK)], [account("new", **NO_MASK)]),
    "the second tells none": ([account("old")], [account("new", **NO_MASK)]),
    "the first told none": ([account("old", **NO_MASK)], [account("new")]),
    "the subtype is another": ([account("old")], [account("new", subtype="ira")]),
    "two look alike": ([account("old"), account("older")], [account("new")]),
}


@pytest.mark.parametrize(("first", "second"), UNCLEAR.values(), ids=UNCLEAR)
class TestWhatMayBeTheSame:
    def test_is_asked_for_and_counted_once_meanwhile(
        self, logins: Logins, first: list[Body], second: list[Body]
    ) -> None:
        old = logins.link("first", *first)
        before = counted()
        new = logins.link("second", *second)
        sync(new)
        sync(old)
        assert counted() == before
        (question,) = UnplacedAccount.objects.waiting()
        assert (question.item, question.candidates) == (new, [row.pk for row in Account.objects.order_by("pk")])
        assert Item.objects.get(pk=old.pk).status == "ok"

    def test_goes_on_when_it_is(self, logins: Logins, first: list[Body], second: list[Body]) -> None:
        old = logins.link("first", *first)
        before, chosen = counted(), Account.objects.order_by("pk")[0]
        new = logins.link("second", *second)
        answer(UnplacedAccount.objects.get(), chosen)
        assert counted() == before
        chosen.refresh_from_db()
        assert (chosen.external_id, chosen.linked_account.item, chosen.sync_state) == ("new", new, "ok")
        tasks.sync_stale_items()
        if len(first) == 1:
            assert not Item.objects.filter(pk=old.pk).exists()
            assert len(logins.plaid.asked_of("/item/remove")) == 1
        else:
            sync(old)
        assert counted() == before
        assert not UnplacedAccount.objects.waiting().exists()

    def test_is_counted_beside_it_when_it_is_not(self, logins: Logins, first: list[Body], second: list[Body]) -> None:
        old = logins.link("first", *first)
        before = counted()
        new = logins.link("second", *second)
        answer(UnplacedAccount.objects.get(), None)
        for item in (old, new):
            sync(item)
        assert counted() == tuple(count + 1 for count in before)
        assert not UnplacedAccount.objects.exists()


class TestOneAccountUnderTwoLogins:
    """A joint account, say: the login linked last feeds it."""

    @pytest.fixture
    def two(self, logins: Logins) -> tuple[Item, Item]:
        first = logins.link("first", account("joint-1"), account("own-1", mask="1111"))
        return first, logins.link("second", account("joint-2"), account("own-2", mask="2222"))

    def test_is_counted_once_whichever_is_read(self, two: tuple[Item, Item]) -> None:
        for item in (*two, *two):
            sync(item)
            assert counted() == (3, 3, 3)
        fed = {row.external_id: row.linked_account.item for row in Account.objects.all()}
        assert fed == {"joint-2": two[1], "own-1": two[0], "own-2": two[1]}
        assert not UnplacedAccount.objects.waiting().exists()

    def test_goes_on_under_the_other_when_its_own_is_let_go(self, two: tuple[Item, Item]) -> None:
        joint = Account.objects.get(external_id="joint-2")
        link.remove_item(item=two[1])
        sync(two[0])
        joint.refresh_from_db()
        assert (joint.external_id, joint.linked_account.item, joint.sync_state) == ("joint-1", two[0], "ok")
        assert counted() == (3, 3, 3)
        assert not UnplacedAccount.objects.exists()

    def test_that_comes_later_is_asked_for(self, logins: Logins) -> None:
        first = logins.link("first", account("joint-1"))
        second = logins.link("second", account("own-2", mask="2222"))
        logins.lists("second", account("own-2", mask="2222"), account("joint-2"))
        for item in (second, first, second):
            sync(item)
        assert counted() == (2, 2, 2)
        assert [row.external_id for row in UnplacedAccount.objects.waiting()] == ["joint-2"]


def test_ids_that_change_within_a_connection_double_nothing(logins: Logins) -> None:
    item = logins.link("first", account("before"), account("ira", mask="1111", subtype="ira"))
    logins.lists("first", account("after"), account("ira-after", mask="1111", subtype="ira"))
    pks = sorted(Account.objects.values_list("pk", flat=True))
    sync(item)
    assert counted() == (2, 2, 2)
    assert sorted(Account.objects.values_list("pk", flat=True)) == pks
    assert {row.external_id for row in Account.objects.all()} == {"after", "ira-after"}


def test_what_is_to_be_erased_is_not_gone_on_with(logins: Logins) -> None:
    old = logins.link("first", account("old"))
    link.disconnect(item=old, erase=True)
    logins.link("second", account("new"))
    tasks.sync_stale_items()
    assert [row.external_id for row in Account.objects.all()] == ["new"]
    assert counted() == (1, 1, 1)


def test_a_connection_that_waits_for_an_answer_is_not_let_go(logins: Logins) -> None:
    logins.link("first", account("old", **NO_MASK))
    waiting = logins.link("second", account("new"))
    logins.link("third", account("another", mask="7777", subtype="hsa"))
    assert Item.objects.get(pk=waiting.pk).status == "ok"


def test_a_sync_under_way_is_followed_by_one_that_reads_it(logins: Logins) -> None:
    logins.link("first", account("old", **NO_MASK))
    item = logins.link("second", account("new"), read=False)
    start, end = whole_window()
    run = runs.claim(item=item, trigger="link", start=start, end=end)
    link.place_account(unplaced=UnplacedAccount.objects.get(), same_as=None)
    run.refresh_from_db()
    assert run.rerun_wanted


class TestAnswering:
    @pytest.fixture
    def question(self, logins: Logins) -> UnplacedAccount:
        logins.link("first", account("old", **NO_MASK, name="Old one"))
        logins.link("second", account("new", name="New one"))
        return UnplacedAccount.objects.get()

    def url(self, question: UnplacedAccount) -> str:
        return f"/api/portfolio/unplaced-accounts/{question.pk}"

    def test_the_api_tells_the_question_and_takes_the_answer(
        self, question: UnplacedAccount, owner: Any, api: Callable[..., WebClient]
    ) -> None:
        first, second = api(owner).get(STATUS).json()["items"]
        assert (first["questions"], second["message"][:26]) == ([], "It lists an account that y")
        (asked,) = second["questions"]
        assert (asked["id"], asked["name"], asked["mask"]) == (question.pk, "New one", "4821")
        assert [one["name"] for one in asked["candidates"]] == ["Old one"]
        chosen = {"same_as": asked["candidates"][0]["id"]}
        answered = api(owner).post(self.url(question), chosen, format="json")
        assert answered.status_code == 202
        assert str(Job.objects.latest("created_at").pk) == answered.json()["job_id"]
        assert not UnplacedAccount.objects.waiting().exists()
        assert api(owner).post(self.url(question), chosen, format="json").status_code == 404

    def test_null_is_a_new_account(self, question: UnplacedAccount, owner: Any, api: Callable[..., WebClient]) -> None:
        assert api(owner).post(self.url(question), {"same_as": None}, format="json").status_code == 202
        assert {row.name for row in Account.objects.all()} == {"Old one", "New one"}

    @pytest.mark.parametrize("body", [{}, {"same_as": 999_999}, {"same_as": "x"}, {"same_as": "not offered"}])
    def test_what_was_not_offered_is_400(
        self, question: UnplacedAccount, owner: Any, api: Callable[..., WebClient], body: Any, logins: Logins
    ) -> None:
        logins.link("third", account("apart", mask="9", subtype="hsa"))
        if body.get("same_as") == "not offered":
            body = {"same_as": Account.objects.get(external_id="apart").pk}
        answered = api(owner).post(self.url(question), body, format="json")
        assert (answered.status_code, set(answered.json()["errors"])) == (400, {"same_as"})
        assert UnplacedAccount.objects.waiting().count() == 1

    def test_anothers_question_is_not_found_nor_their_account(
        self, question: UnplacedAccount, other: Any, api: Callable[..., WebClient]
    ) -> None:
        chosen = {"same_as": question.candidates[0]}
        assert api(other).post(self.url(question), chosen, format="json").status_code == 404
        assert signed_in(other).post(f"{PAGE}accounts/{question.pk}/place/", chosen).status_code == 404
        assert UnplacedAccount.objects.waiting().count() == 1

    def test_the_page_asks_on_the_card_and_everywhere_says_that_it_does(
        self, question: UnplacedAccount, owner: Any
    ) -> None:
        words = words_of(signed_in(owner).get(PAGE))
        assert "Waits for your answer" in words
        assert "It lists New one ··4821" in words
        assert "say which one it is" in words_of(signed_in(owner).get("/holdings/")).lower()

    @pytest.mark.parametrize("choice", ["candidate", "new"])
    def test_the_page_takes_the_answer(self, question: UnplacedAccount, owner: Any, choice: str) -> None:
        same_as = question.candidates[0] if choice == "candidate" else "new"
        url = f"{PAGE}accounts/{question.pk}/place/"
        words = words_of(signed_in(owner).post(url, {"same_as": same_as}, follow=True))
        assert ("goes on as Old one" if choice == "candidate" else "is a new account") in words
        assert Account.objects.count() == (1 if choice == "candidate" else 2)

    @pytest.mark.parametrize("same_as", ["", "999999", "-1", "²"])
    def test_the_page_takes_no_other(self, question: UnplacedAccount, owner: Any, same_as: str) -> None:
        url = f"{PAGE}accounts/{question.pk}/place/"
        words = words_of(signed_in(owner).post(url, {"same_as": same_as}, follow=True))
        assert "Choose one of the accounts" in words
        assert UnplacedAccount.objects.waiting().count() == 1
