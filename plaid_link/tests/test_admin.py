"""What operators can do about connections: it asks first, works on many rows, and leaves a line about who did it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from plaid_link import tasks
from plaid_link.models import Item, SyncRun
from plaid_link.sync import sync_item
from plaid_link.tests.scripted import HOLDINGS, TRANSACTIONS, ScriptedPlaid, holding, holdings_answer

Queued = list[tuple[str, tuple[Any, ...]]]


@pytest.fixture
def operator(client: Client, django_user_model: Any, db: None) -> Client:
    person = django_user_model.objects.create_superuser(email="operator@example.com", password="correct horse")
    client.force_login(person)
    return client


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> Queued:
    """What was handed to the queue: task and arguments."""
    sent: Queued = []
    monkeypatch.setattr("plaid_link.admin.send_on_commit", lambda task, *args: sent.append((task.name, args)))
    return sent


@pytest.fixture
def run(item: Item, scripted: ScriptedPlaid) -> SyncRun:
    today = timezone.now().date()
    sync_item(item=item, trigger="link", start=today.replace(day=1), end=today)
    return SyncRun.objects.get()


def press(operator: Client, row: Any, action: str, **more: Any) -> Any:
    url = reverse(f"admin:plaid_link_{row._meta.model_name}_changelist")
    return operator.post(url, {"action": action, "_selected_action": [row.pk], **more}, follow=True)


def told(item: Item) -> Callable[[], tuple[str, ...]]:
    """How the item stands, as a value to compare."""

    def now() -> tuple[str, ...]:
        item.refresh_from_db()
        return item.status, item.error_code

    return now


@pytest.mark.parametrize("action", ["sync_now", "ask_for_sign_in", "disconnect"])
def test_an_action_on_items_asks_first(operator: Client, run: SyncRun, queued: Queued, action: str) -> None:
    stands = told(run.item)
    before = stands()
    page = press(operator, run.item, action).content.decode()
    assert str(run.item) in page
    assert 'name="confirmed"' in page
    assert (stands(), queued, LogEntry.objects.count()) == (before, [], 0)


@pytest.mark.parametrize(
    ("action", "tasks_sent", "status"),
    [
        ("sync_now", ["plaid_link.sync_item"], ("ok", "")),
        ("ask_for_sign_in", [], ("needs_repair", "ITEM_LOGIN_REQUIRED")),
        ("disconnect", ["plaid_link.remove_item"], ("disconnected", "")),
    ],
)
def test_once_confirmed_it_is_done_and_logged(
    operator: Client, run: SyncRun, queued: Queued, action: str, tasks_sent: list[str], status: tuple[str, str]
) -> None:
    stands = told(run.item)
    press(operator, run.item, action, confirmed="yes")
    assert [name for name, _ in queued] == tasks_sent
    assert stands() == status
    (entry,) = LogEntry.objects.all()
    assert (entry.user.email, entry.object_id) == ("operator@example.com", str(run.item.pk))


def test_what_is_marked_for_re_auth_is_told_to_its_user_and_cleared_by_a_good_sync(
    operator: Client, run: SyncRun, queued: Queued
) -> None:
    stands = told(run.item)
    press(operator, run.item, "ask_for_sign_in", confirmed="yes")
    assert "Sign in" in Item.objects.get().error_message
    tasks.sync_item(run.item.pk)
    assert stands() == ("ok", "")


def test_a_disconnected_item_is_left_alone(operator: Client, run: SyncRun, queued: Queued) -> None:
    Item.objects.update(status=Item.Status.DISCONNECTED)
    for action in ("sync_now", "ask_for_sign_in", "disconnect"):
        press(operator, run.item, action, confirmed="yes")
    assert queued == []
    assert Item.objects.get().status == "disconnected"


def test_the_days_of_a_run_are_read_again(
    operator: Client, run: SyncRun, queued: Queued, scripted: ScriptedPlaid
) -> None:
    press(operator, run, "read_again", confirmed="yes")
    assert queued == [("plaid_link.read_again", (run.pk,))]
    scripted.answers[HOLDINGS] = holdings_answer(holding(quantity=11))
    scripted.asked.clear()
    tasks.read_again(run.pk)
    (asked,) = scripted.asked_of(TRANSACTIONS)
    assert (asked["start_date"], asked["end_date"]) == (run.start_date.isoformat(), run.end_date.isoformat())
    newest = SyncRun.objects.all()[0]
    assert (newest.trigger, newest.holdings, newest.transactions) == ("operator", 1, 0)


def test_a_run_of_what_is_disconnected_or_gone_is_not_read_again(run: SyncRun, scripted: ScriptedPlaid) -> None:
    Item.objects.update(status=Item.Status.DISCONNECTED)
    scripted.asked.clear()
    tasks.read_again(run.pk)
    tasks.read_again(run.pk + 1)
    assert scripted.asked == []
