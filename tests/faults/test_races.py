"""Rows 29 and 30: a disconnect in the middle of a sync, and many who want the same sync at the same time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.deployment import Deployment
from tests.faults.fixtures import settle
from tests.faults.people import BOOKS, Person, newcomer
from tests.faults.posting import HOLDINGS, events, send, webhook

pytestmark = [pytest.mark.fault, pytest.mark.slow]

HOLDINGS_PATH = "/investments/holdings/get"
AN_HOUR = 3600
CLICKS = 10
# Sessions that wait until another has done with an item.
WAITING_FOR_ITEM = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%%"plaid_link_item"%%'
"""
NEWS = {"kind": "number", "form": "123456"}


def synced_to(site: Deployment, person: Person) -> Callable[[], bool]:
    """Start a sync with news, and give a function that tells whether it has read the holdings."""
    site.pass_time(AN_HOUR)
    asked = site.plaid.requests(HOLDINGS_PATH)
    site.plaid.fail(HOLDINGS_PATH, item_id=person.item_id, kind="delay", seconds=4)
    site.plaid.fail(HOLDINGS_PATH, item_id=person.item_id, **NEWS)
    assert person.press("refresh").status_code == 200
    return lambda: site.plaid.requests(HOLDINGS_PATH) == asked + 1


def has_news(site: Deployment, person: Person) -> bool:
    told = "SELECT count(*) FROM investments_holding WHERE owner_id = %(o)s AND quantity = 123456"
    return bool(site.value(told, o=person.owner_id))


@pytest.mark.parametrize("data", [pytest.param("keep", marks=pytest.mark.slow), "erase"])
def test_29_what_was_read_before_a_disconnect_is_not_written_after_it(site: Deployment, data: str) -> None:
    """Between its two questions to Plaid the sync is held at its sign of life, until the tombstone stands."""
    person = newcomer(site).link("user_cash")
    before = person.books("holdings", "transactions", "days")
    has_read = synced_to(site, person)
    site.until(has_read, "the holdings to be asked for")
    logged = len(site.log("worker"))
    with site.writing_blocked("plaid_link_syncrun") as waiting:
        site.until(waiting, "the sync to show that it is alive")
        assert person.press("disconnect", data=data).status_code == 200
        assert person.item()["status"] == "disconnected"
    site.until(lambda: "sync failed" in site.log("worker")[logged:], "the sync to give up")
    settle(site)
    if data == "erase":
        assert person.item() == {}
        assert {table: person.count(table) for table in BOOKS} == dict.fromkeys(BOOKS, 0)
    else:
        assert person.item()["status"] == "disconnected"
        assert person.books("holdings", "transactions", "days") == before


@pytest.mark.slow
@pytest.mark.parametrize("data", ["keep", "erase"])
def test_29_a_disconnect_waits_for_what_is_being_written(site: Deployment, data: str) -> None:
    """The whole answer is there, and then the tombstone; or nothing is there any more."""
    person = newcomer(site).link("user_cash")
    has_read = synced_to(site, person)
    site.until(has_read, "the holdings to be asked for")
    with ThreadPoolExecutor(1) as pool:
        with site.writing_blocked("investments_holding") as waiting:
            site.until(waiting, "the sync to write")
            click = pool.submit(person.press, "disconnect", data=data)
            site.until(lambda: bool(site.value(WAITING_FOR_ITEM)), "the disconnect to wait for it")
            assert person.item()["status"] == "ok"
        assert click.result().status_code == 200
    settle(site)
    if data == "erase":
        assert person.item() == {}
        assert {table: person.count(table) for table in BOOKS} == dict.fromkeys(BOOKS, 0)
    else:
        assert person.item()["status"] == "disconnected"
        assert person.syncs()[-1] == "succeeded"
        assert has_news(site, person)


@pytest.mark.parametrize("trouble", [False, True], ids=["all is well", "in trouble"])
def test_30_twenty_clicks_a_webhook_and_the_sweep_ask_plaid_once(site: Deployment, trouble: bool) -> None:
    """Ten at the button and ten at the API; all of them, and the workers, are held until all have come."""
    person = newcomer(site).link("user_cash")
    site.pass_time(AN_HOUR)
    if trouble:
        # Then the button is not slowed down, and each click is a task.
        site.plaid.fail(HOLDINGS_PATH, kind="garbage", item_id=person.item_id)
        assert person.refresh().status_code == 500
    asked, syncs = site.plaid.requests(HOLDINGS_PATH), len(person.syncs())
    with ThreadPoolExecutor(CLICKS) as pool:
        with site.writing_blocked("plaid_link_syncrun"):
            assert send(site, webhook(person.item_id, *HOLDINGS)) == [200]
            site.until(lambda: held(site) == 1, "a worker to be held by the webhook")
            site.execute("UPDATE plaid_link_item SET next_try_at = now() WHERE item_id = %(i)s", i=person.item_id)
            site.until(lambda: held(site) == 2, "a worker to be held by the sweep")
            clicks = [pool.submit(person.refresh) for _ in range(CLICKS)]
            site.until(lambda: held(site) == 2 + CLICKS, "the API to be held by clicks")
            buttons = [person.press("refresh").status_code for _ in range(CLICKS)]
        answers = [click.result().status_code for click in clicks]
    assert buttons + answers == [200] * 2 * CLICKS
    site.until(lambda: events(site, person.item_id) == ["done"], "the webhook to be closed")
    site.until(site.is_idle, "the queues to be empty")
    assert person.syncs()[syncs:] == ["succeeded"]
    assert site.plaid.requests(HOLDINGS_PATH) - asked == 1


def held(site: Deployment) -> int:
    """How many wait to begin a sync."""
    return len(site.blocked_backends("plaid_link_syncrun"))
