from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from investments.models import Account
from plaid_link.models import Item, LinkedAccount, SyncRun
from tests.fixtures import BROKERAGE_VALUE, IRA_VALUE, TODAY, Portfolio
from tests.pages import signed_in, words_of

URL = "/connections/"
# Two savepoints and two of the panel, session, user, tenant; scope's accounts, items, their accounts, holdings,
# questions; those kept by hand; two of the shell.
QUERIES = 15


def make_item(account: Account, item_id: str, **given: Any) -> Item:
    values: dict[str, Any] = {"status": Item.Status.OK, "access_token_encrypted": b"sealed", **given}
    item = Item.objects.create(owner=account.owner, institution=account.institution, item_id=item_id, **values)
    LinkedAccount.objects.create(owner=account.owner, item=item, account=account)
    return item


@pytest.fixture
def items(portfolio: Portfolio) -> list[Item]:
    return [make_item(portfolio.brokerage, "item-b"), make_item(portfolio.ira, "item-i")]


def test_nobody_is_sent_to_sign_in(client: Client, db: Any) -> None:
    answer = client.get(URL)
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/?next=/connections/")


def test_a_card_tells_accounts_counts_and_value(items: list[Item], portfolio: Portfolio) -> None:
    fidelity, vanguard = signed_in(portfolio.owner).get(URL).context["cards"]
    assert (fidelity.value, vanguard.value) == (BROKERAGE_VALUE, IRA_VALUE)
    assert [account.name for account in fidelity.accounts] == ["Brokerage"]
    assert (fidelity.holding_count, fidelity.transaction_count) == (4, 3)
    assert (vanguard.holding_count, vanguard.transaction_count) == (2, 2)


def test_when_reading_fails_the_last_cards_stand_and_say_so(items: list[Item], portfolio: Portfolio) -> None:
    client = signed_in(portfolio.owner)
    client.get(URL)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE plaid_link_syncrun RENAME TO syncrun_elsewhere")
    answer = client.get(URL)
    words = words_of(answer)
    assert "Your connections could not be read. Shown as it was at" in words
    assert f"Request {answer['X-Request-ID']} Try again" in words
    assert [card.value for card in answer.context["cards"]] == [BROKERAGE_VALUE, IRA_VALUE]
    cache.clear()
    words = words_of(client.get(URL))
    assert "Your connections could not be read. Request" in words
    assert "Nothing connected yet" not in words


@pytest.mark.parametrize(
    ("status", "state", "buttons"),
    [
        (Item.Status.LINKING, "First sync under way", {"Disconnect"}),
        (Item.Status.OK, "Up to date", {"Refresh", "Add accounts", "Disconnect"}),
        (Item.Status.NEEDS_REPAIR, "Needs you", {"Reconnect", "Disconnect"}),
        (Item.Status.INSTITUTION_TROUBLE, "The institution has trouble", {"Refresh", "Disconnect"}),
        (Item.Status.ERROR, "Sync failed", {"Refresh", "Disconnect"}),
        (Item.Status.DISCONNECTED, "Disconnected", set()),
    ],
)
def test_every_state_has_its_words_and_what_can_be_done(
    portfolio: Portfolio, status: Item.Status, state: str, buttons: set[str]
) -> None:
    make_item(portfolio.brokerage, "item-b", status=status, error_message="What to do now.")
    answer = signed_in(portfolio.owner).get(URL)
    page = answer.content.decode()
    card = page[page.index("<article") : page.index("</article>")]
    assert state in card
    assert "What to do now." in card
    names = ("Reconnect", "Refresh", "Add accounts", "Disconnect")
    offered = {name for name in names if f">{name}</button>" in card}
    assert offered == buttons


def test_what_needs_the_user_comes_first_and_is_on_every_page(items: list[Item], portfolio: Portfolio) -> None:
    Item.objects.filter(pk=items[1].pk).update(status=Item.Status.NEEDS_REPAIR, error_message="Sign in again.")
    client = signed_in(portfolio.owner)
    cards = client.get(URL).context["cards"]
    assert [card.institution.name for card in cards] == ["Vanguard", "Fidelity"]
    assert "Vanguard. Sign in again." in words_of(client.get("/holdings/"))


def test_trouble_that_passes_by_itself_asks_nobody(portfolio: Portfolio) -> None:
    soon = timezone.now() + timedelta(minutes=5)
    make_item(portfolio.brokerage, "item-b", status=Item.Status.ERROR, next_try_at=soon, error_message="Tried again.")
    assert "Repair" not in words_of(signed_in(portfolio.owner).get("/holdings/"))


def test_a_sync_under_way_is_shown_and_watched(items: list[Item], portfolio: Portfolio) -> None:
    SyncRun.objects.create(
        owner=portfolio.owner, item=items[0], trigger=SyncRun.Trigger.USER, start_date=TODAY, end_date=TODAY
    )
    answer = signed_in(portfolio.owner).get(URL)
    assert [card.is_syncing for card in answer.context["cards"]] == [True, False]
    assert 'hx-trigger="every 2s"' in answer.content.decode()


def test_refresh_makes_the_item_due(items: list[Item], portfolio: Portfolio) -> None:
    answer = signed_in(portfolio.owner).post(f"/connections/{items[0].pk}/refresh/", follow=True)
    assert "Refreshing Fidelity." in words_of(answer)
    items[0].refresh_from_db()
    assert items[0].next_try_at is not None
    assert items[0].next_try_at <= timezone.now()


def test_refresh_cools_down(items: list[Item], portfolio: Portfolio) -> None:
    Item.objects.filter(pk=items[0].pk).update(last_synced_at=timezone.now())
    answer = signed_in(portfolio.owner).post(f"/connections/{items[0].pk}/refresh/", follow=True)
    assert "less than a minute ago" in words_of(answer)
    items[0].refresh_from_db()
    assert items[0].next_try_at is None


@pytest.mark.parametrize("data", ["keep", "erase"])
def test_disconnecting_shows_at_once(items: list[Item], portfolio: Portfolio, data: str) -> None:
    answer = signed_in(portfolio.owner).post(f"/connections/{items[0].pk}/disconnect/", {"data": data}, follow=True)
    assert "Fidelity is disconnected." in words_of(answer)
    items[0].refresh_from_db()
    assert items[0].status == Item.Status.DISCONNECTED
    assert (items[0].erase_requested_at is not None) == (data == "erase")


@pytest.mark.parametrize("action", ["refresh", "disconnect"])
def test_a_connection_of_another_is_not_found(items: list[Item], other: Any, action: str) -> None:
    assert signed_in(other).post(f"/connections/{items[0].pk}/{action}/").status_code == 404
    items[0].refresh_from_db()
    assert (items[0].status, items[0].next_try_at) == (Item.Status.OK, None)


def test_scope(items: list[Item], portfolio: Portfolio, other: Any) -> None:
    cards = signed_in(portfolio.owner).get(URL, {"account": portfolio.ira.pk}).context["cards"]
    assert [card.institution.name for card in cards] == ["Vanguard"]
    assert signed_in(other).get(URL, {"account": portfolio.ira.pk}).status_code == 404


def test_nothing_connected_yet(owner: Any) -> None:
    assert "Nothing connected yet" in words_of(signed_in(owner).get(URL))


def test_queries(items: list[Item], portfolio: Portfolio, django_assert_num_queries: Any) -> None:
    client = signed_in(portfolio.owner)
    client.get(URL)
    with django_assert_num_queries(QUERIES):
        client.get(URL)
