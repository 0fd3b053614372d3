"""Rows 11 and 12: PostgreSQL loses a session in the middle of a write, and is stopped and started under load."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from tests.faults.deployment import Deployment
from tests.faults.fixtures import deployed, hatched, watched
from tests.faults.people import Person, newcomer
from tests.faults.posting import HOLDINGS, post, signed, webhook

# A whole deployment with a PostgreSQL of its own: the other tests' one is shared with pytest.
pytestmark = [pytest.mark.fault, pytest.mark.slow]

AN_HOUR = 3600


@pytest.fixture(scope="module")
def own() -> Iterator[Deployment]:
    with deployed("database", "") as deployment:
        yield deployment


@pytest.fixture(scope="module")
def bird(own: Deployment) -> Person:
    return hatched(own)


@pytest.fixture(scope="module")
def twin(own: Deployment, bird: Person) -> Person:
    """Somebody with the same accounts, whom nothing happens to."""
    return newcomer(own, "twin").link()


@pytest.fixture
def site(own: Deployment, bird: Person) -> Iterator[Deployment]:
    with watched(own, bird):
        yield own


def test_11_a_session_killed_in_a_bulk_write_leaves_nothing_half_done(site: Deployment, twin: Person) -> None:
    """kill -9 of a backend: PostgreSQL ends all sessions and recovers, and the sync is made good."""
    person = newcomer(site)
    with site.writing_blocked("investments_transaction") as waiting:
        job = person.ask_to_link()["job_id"]
        site.until(waiting, "the sync to write transactions, its holdings being written")
        (backend,) = site.blocked_backends("investments_transaction")
        os.kill(backend, signal.SIGKILL)
    site.until(site.accepts_connections, "PostgreSQL to recover")
    assert (person.count("holdings"), person.count("transactions")) in {(0, 0), _written(twin)}
    site.pass_time(AN_HOUR)
    person.client.wait_for_job(job)
    person.wait_for_history()
    assert person.books() == twin.books()


def _written(person: Person) -> tuple[int, int]:
    return person.count("holdings"), person.count("transactions")


def test_12_what_was_acknowledged_before_during_and_after_a_restart_is_stored(site: Deployment) -> None:
    person = newcomer(site).link()
    before = person.books()
    site.pass_time(AN_HOUR)
    answers: list[tuple[int, int]] = []
    over = threading.Event()

    def keep_sending() -> None:
        number = 0
        while not over.is_set():
            number += 1
            body = webhook(person.item_id, *HOLDINGS, number=number)
            try:
                answers.append((number, post(site, body, signed(site, body)).status))
            except httpx.HTTPError:
                answers.append((number, 0))

    def acknowledged() -> int:
        return sum(status == 200 for _, status in answers)

    sender = threading.Thread(target=keep_sending)
    sender.start()
    try:
        site.until(lambda: acknowledged() >= 20, "webhooks before it")
        site.stop_engine("postgres")
        site.until(lambda: answers[-1][1] != 200, "one that cannot be stored")
        assert answers[-1][1] >= 500
        site.start_again("postgres")
        known = acknowledged()
        site.until(lambda: acknowledged() >= known + 20, "webhooks after it")
    finally:
        over.set()
        sender.join()
    numbers = "SELECT (payload ->> 'number')::int AS number FROM plaid_link_webhookevent WHERE item_external_id = %(i)s"
    stored = Counter(row["number"] for row in site.rows(numbers, i=person.item_id))
    assert not [number for number, status in answers if status == 200 and stored[number] != 1]
    site.pass_time(60)
    unfinished = "SELECT count(*) FROM plaid_link_webhookevent WHERE status <> 'done' AND item_external_id = %(i)s"
    site.until(lambda: site.value(unfinished, i=person.item_id) == 0, "all of them to be handled")
    assert person.books() == before
