"""Rows 2, 4 and 8 to 10 for syncs and webhooks: a worker killed or replaced, Redis stopped, wiped or frozen."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from plaid_link import runs
from tests.faults.deployment import Deployment
from tests.faults.people import ANSWERS, PAGES, Person, newcomer
from tests.faults.posting import HOLDINGS, Answer, events, post, send, signed, webhook

pytestmark = [pytest.mark.fault, pytest.mark.slow]

HOLDINGS_PATH = "/investments/holdings/get"
TRANSACTIONS_PATH = "/investments/transactions/get"
AN_HOUR = 3600
BURST = 100
# Far below what a publisher waits for a broker that does not answer, far above a busy machine's answer.
AT_ONCE = 2.0


@pytest.fixture(scope="module")
def twin(deployment: Deployment) -> Person:
    """Somebody with the same accounts, whom nothing happens to."""
    return newcomer(deployment, "twin").link()


def linking(site: Deployment) -> tuple[Person, str]:
    """Somebody whose first sync has read the holdings, and waits for the transactions; with the job of it."""
    person = newcomer(site)
    site.plaid.fail(TRANSACTIONS_PATH, kind="delay", seconds=4)
    asked = site.plaid.requests(TRANSACTIONS_PATH)
    job = person.ask_to_link()["job_id"]
    site.until(lambda: site.plaid.requests(TRANSACTIONS_PATH) == asked + 1, "the sync to ask for transactions")
    assert person.count("holdings") == 0
    return person, job


def burst(site: Deployment, person: Person, count: int = BURST) -> list[Answer]:
    """Webhooks that differ, four at a time."""
    bodies = [webhook(person.item_id, *HOLDINGS, number=number) for number in range(count)]
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda body: post(site, body, signed(site, body)), bodies))


@pytest.mark.slow
def test_02_a_worker_killed_in_mid_sync_is_made_up_for_within_two_minutes(site: Deployment, twin: Person) -> None:
    """In real time: the message comes back after its visibility timeout, the lease of the run ends after 90 seconds."""
    person, job = linking(site)
    killed = time.monotonic()
    site.kill("worker")
    site.start_again("worker")
    person.client.wait_for_job(job, seconds=120)
    assert time.monotonic() - killed < 120
    person.wait_for_history()
    assert person.syncs() == ["failed", "succeeded"]
    assert person.books() == twin.books()


@pytest.mark.slow
def test_02_what_a_killed_worker_had_claimed_of_a_webhook_is_taken_over(site: Deployment) -> None:
    person = newcomer(site).link()
    before = person.books()
    site.pass_time(AN_HOUR)
    site.plaid.fail(TRANSACTIONS_PATH, kind="delay", seconds=4)
    asked = site.plaid.requests(TRANSACTIONS_PATH)
    assert send(site, webhook(person.item_id, *HOLDINGS)) == [200]
    site.until(lambda: site.plaid.requests(TRANSACTIONS_PATH) == asked + 1, "the sync to be under way")
    site.kill("worker")
    assert events(site, person.item_id) == ["processing"]
    site.start_again("worker")
    site.pass_time(runs.LEASE.total_seconds() + 1)
    site.until(lambda: events(site, person.item_id) == ["done"], "the webhook to be taken over")
    assert person.syncs() == ["succeeded", "failed", "succeeded"]
    assert person.books() == before


@pytest.mark.slow
def test_04_a_deployment_in_mid_sync_lets_it_finish(site: Deployment, twin: Person) -> None:
    """SIGTERM: the worker takes nothing new and ends what it has begun."""
    person, job = linking(site)
    assert site.terminate("worker") == 0
    assert person.syncs() == ["succeeded"]
    site.start_again("worker")
    person.client.wait_for_job(job)
    person.wait_for_history()
    assert person.books() == twin.books()


@pytest.mark.slow
def test_08_redis_is_down_in_a_burst_of_webhooks(site: Deployment) -> None:
    """Each is answered at once and is a row; once Redis is back they are handled, by nobody's hand."""
    person = newcomer(site).link()
    before = person.books()
    site.pass_time(AN_HOUR)
    assert send(site, webhook(person.item_id, *HOLDINGS, number=-1)) == [200], "the key is known"
    site.until(lambda: events(site, person.item_id) == ["done"], "the first")
    site.stop_engine("redis")
    answers = burst(site, person)
    assert {answer.status for answer in answers} == {200}
    assert sorted(answer.seconds for answer in answers)[BURST * 9 // 10] < AT_ONCE
    assert len(events(site, person.item_id)) == BURST + 1
    site.start_again("redis")
    site.pass_time(60)
    site.until(lambda: Counter(events(site, person.item_id)) == {"done": BURST + 1}, "all to be handled")
    assert person.books() == before


def test_09_redis_is_wiped(site: Deployment, twin: Person) -> None:
    """A first sync, a webhook and a click are queued, and the queue is gone."""
    person = newcomer(site).link()
    before = person.books()
    site.pass_time(AN_HOUR)
    with site.frozen("worker"):
        new = newcomer(site)
        job = new.ask_to_link()["job_id"]
        assert person.press("refresh").status_code == 200
        assert send(site, webhook(person.item_id, *HOLDINGS)) == [200]
        site.redis.flushall()
    site.pass_time(3 * 60)
    new.client.wait_for_job(job)
    new.wait_for_history()
    site.until(lambda: events(site, person.item_id) == ["done"], "the webhook to be handled")
    site.until(lambda: person.item()["next_try_at"] is None, "the click to be made good")
    assert person.books() == before
    assert new.books() == twin.books()


def test_10_redis_is_frozen(site: Deployment) -> None:
    """Pages, API and webhooks answer as ever."""
    person = newcomer(site).link()
    site.pass_time(AN_HOUR)
    assert send(site, webhook(person.item_id, *HOLDINGS, number=-1)) == [200], "the key is known"
    site.until(lambda: events(site, person.item_id) == ["done"], "the first")
    site.pass_time(AN_HOUR)
    before = person.books()
    worth = person.client.get("/api/portfolio/value")["total"]
    with site.frozen("redis"):
        assert {answer.status for answer in burst(site, person, count=20)} == {200}
        assert person.client.get("/api/portfolio/value")["total"] == worth
        for path in (*ANSWERS, *PAGES):
            assert person.client.http.get(f"{person.client.web}{path}").status_code == 200
    site.until(lambda: Counter(events(site, person.item_id)) == {"done": 21}, "all to be handled")
    assert person.books() == before


def test_webhooks_signed_with_a_key_that_rotates(site: Deployment) -> None:
    """By the local server itself, which delivers them."""
    person = newcomer(site).link(webhook=f"{site.addresses.web}/api/webhooks/plaid")
    fire = {"item_id": person.item_id, "webhook_type": "HOLDINGS", "webhook_code": "DEFAULT_UPDATE"}
    for number in range(3):
        site.plaid.control("webhook", **fire, number=number)
        site.plaid.wait_for(lambda seen: all(delivery["delivered"] for delivery in seen["webhooks"]))
        site.plaid.control("keys/rotate")
    stored = "SELECT count(*) FROM plaid_link_webhookevent WHERE item_external_id = %(i)s AND payload ? 'number'"
    assert site.value(stored, i=person.item_id) == 3
