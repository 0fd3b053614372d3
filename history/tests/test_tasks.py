"""Who is queued where: whoever has just linked comes first, what failed before comes alone and last."""

import base64
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import orjson
import pytest
import redis
from django.conf import settings
from django.utils import timezone

from history.claims import QUEUED_FOR
from history.models import AccountHistory
from history.reconstruction.rebuild import rebuild_accounts
from history.tasks import WAITED_FOR, enqueue_behind, enqueue_rates, enqueue_rebuild, rebuild
from history.tests.ledgers import book, state_of
from portfolio_site.lib.embedded.redis import database_of, with_database

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 20)
QUEUES = ("high", "default", "low")


@pytest.fixture
def queued() -> Iterator[Any]:
    """`queued()` reads the account ids of every message from Redis, by queue."""
    # The broker has the database after the cache; its own URL is spelt for Celery where Redis is on a socket.
    broker = redis.Redis.from_url(with_database(settings.REDIS_URL, database_of(settings.REDIS_URL) + 1))
    broker.delete(*QUEUES)

    def read() -> dict[str, list[list[int]]]:
        messages = {queue: [orjson.loads(raw) for raw in broker.lrange(queue, 0, -1)] for queue in QUEUES}
        return {queue: [_account_ids(message) for message in found] for queue, found in messages.items() if found}

    yield read
    broker.delete(*QUEUES)


def _account_ids(message: Any) -> list[int]:
    (account_ids,), _options, _embedded = orjson.loads(base64.b64decode(message["body"]))
    return list(account_ids)


def test_a_change_of_a_few_accounts_goes_first_and_one_of_many_last(queued: Any) -> None:
    assert enqueue_rebuild([7])
    assert enqueue_rebuild(list(range(WAITED_FOR + 1)))
    assert queued() == {"high": [[7]], "low": [list(range(WAITED_FOR + 1))]}


def test_the_sweep_sends_new_accounts_first_and_suspects_alone(owner: Any, queued: Any) -> None:
    new = [book(owner, f"New {number}", on=DAY).pk for number in range(2)]
    known, *suspects = (book(owner, name, on=DAY) for name in ("Known", "Suspect 1", "Suspect 2"))
    rebuild_accounts(account_ids=[known.pk])
    AccountHistory.objects.filter(pk=known.pk).update(processed_version=0)
    for account in suspects:
        AccountHistory.objects.create(account=account, owner=owner, attempts=1, tried_version=account.ledger_version)
    assert enqueue_behind() == 5
    found = queued()
    assert (found["high"], found["default"]) == ([new], [[known.pk]])
    assert sorted(found["low"]) == [[account.pk] for account in suspects]


def test_what_is_queued_is_not_queued_again_until_the_message_is_taken_for_lost(owner: Any, queued: Any) -> None:
    account = book(owner, on=DAY)
    assert (enqueue_behind(), enqueue_behind()) == (1, 0)
    AccountHistory.objects.update(queued_at=timezone.now() - QUEUED_FOR - timedelta(seconds=1))
    assert enqueue_behind() == 1
    assert queued() == {"high": [[account.pk], [account.pk]]}


def test_the_task_rebuilds_and_a_second_copy_does_no_harm(owner: Any) -> None:
    account = book(owner, on=DAY)
    for _copy in range(2):
        rebuild([account.pk])
    assert state_of(account).state == AccountHistory.State.READY


@pytest.mark.parametrize(
    ("currency", "fields", "asked"),
    [("CHF", None, [enqueue_rates]), ("CHF", ["last_login"], []), ("USD", None, [])],
)
def test_a_new_base_currency_asks_for_its_rates(
    owner: Any, django_capture_on_commit_callbacks: Any, currency: str, fields: list[str] | None, asked: list[Any]
) -> None:
    owner.base_currency = currency
    with django_capture_on_commit_callbacks() as callbacks:
        owner.save(update_fields=fields)
    assert callbacks == asked
