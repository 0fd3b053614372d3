"""Replaying webhooks, from the admin and from the command line, and the figures an operator goes by."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.utils import timezone

from plaid_link.models import Item, SyncRun, WebhookEvent
from plaid_link.tests.webhooks.conftest import ITEM_ID, body_of
from plaid_link.tests.webhooks.stand_in import StandIn
from plaid_link.webhooks import refusals
from plaid_link.webhooks.handle import handle_waiting
from plaid_link.webhooks.metrics import webhook_metrics
from plaid_link.webhooks.receive import store
from plaid_link.webhooks.replay import replay
from tests.fixtures import WebClient

pytestmark = pytest.mark.django_db

CHANGE_LIST = "/admin/plaid_link/webhookevent/"


def event_of(status: str, *, item_id: str = ITEM_ID, **given: Any) -> WebhookEvent:
    store(body_of("HOLDINGS", "DEFAULT_UPDATE", item_id=item_id), headers_digest="signed")
    event = WebhookEvent.objects.latest("id")
    WebhookEvent.objects.filter(pk=event.pk).update(status=status, **given)
    event.refresh_from_db()
    return event


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("replay_webhooks", *arguments, stdout=out)
    return out.getvalue()


def copies() -> list[int | None]:
    """What waits now, by the event that it repeats."""
    return list(WebhookEvent.objects.filter(status="received").order_by("id").values_list("replay_of", flat=True))


@pytest.fixture
def operator(db: None, django_user_model: Any) -> WebClient:
    """An operator, under row security like everybody."""
    person = django_user_model.objects.create_superuser(email="operator@example.com", password="correct horse")
    client = WebClient()
    client.force_login(person)
    return client


def test_a_replay_is_a_new_event_with_the_same_payload(plaid: StandIn, item: Item) -> None:
    old = event_of("failed", error="INSTITUTION_DOWN", attempts=3)
    assert replay([old]) == 1
    handle_waiting(seconds=60)
    new = WebhookEvent.objects.get(replay_of=old)
    assert (new.status, new.attempts, new.payload, new.body_sha256) == ("done", 1, old.payload, old.body_sha256)
    old.refresh_from_db()
    assert (old.status, old.error) == ("failed", "INSTITUTION_DOWN")
    assert not WebhookEvent.objects.dead_letters().exists()
    assert SyncRun.objects.count() == 1


def test_what_still_waits_is_left_alone() -> None:
    assert replay([event_of("received"), event_of("processing")]) == 0


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        (["--status", "failed"], ["failed"]),
        (["--status", "parked"], ["parked"]),
        (["--item", "another"], ["parked"]),
        (["--item", ITEM_ID], ["done", "failed", "ignored"]),
        (["--item", ITEM_ID, "--status", "failed"], ["failed"]),
        (["--since", "2026-01-01"], []),
        (["--since", "2025-01-01T00:00:00Z"], ["done", "failed", "ignored", "parked"]),
    ],
)
def test_which_are_chosen(arguments: list[str], chosen: list[str]) -> None:
    events = {status: event_of(status) for status in ("received", "done", "failed", "ignored")}
    events["parked"] = event_of("parked", item_id="another")
    WebhookEvent.objects.update(received_at="2025-06-01T00:00:00Z")
    if "2026-01-01" in arguments:
        arguments = ["--since", "2026-01-01T00:00:00"]
    before = copies()
    assert f"{len(chosen)} would be replayed" in run(*arguments, "--dry-run")
    assert copies() == before
    assert f"{len(chosen)} replayed" in run(*arguments)
    assert copies()[len(before) :] == [events[status].pk for status in chosen]


def test_by_number_and_only_once_by_status() -> None:
    failed = event_of("failed")
    assert "1 replayed" in run("--id", str(failed.pk))
    assert "0 replayed" in run("--status", "failed")
    assert "1 replayed" in run("--id", str(failed.pk))


@pytest.mark.parametrize("arguments", [[], ["--dry-run"], ["--since", "yesterday"], ["--status", "received"]])
def test_arguments_that_choose_nothing_sensible(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        run(*arguments)


class TestAdmin:
    def test_the_list_and_its_figures(self, operator: WebClient) -> None:
        event_of("failed", error="INSTITUTION_DOWN")
        event_of("received", received_at=timezone.now() - timedelta(seconds=90))
        page = operator.get(CHANGE_LIST + "?status__exact=failed").content.decode()
        assert "INSTITUTION_DOWN" in page
        assert "1 waiting, the oldest for 9" in page
        assert "1 failed and 0 parked" in page

    def test_the_payload_can_be_read_and_nothing_changed(self, operator: WebClient) -> None:
        event = event_of("done")
        WebhookEvent.objects.update(payload={"note": "<script>alert(1)</script>"})
        page = operator.get(f"{CHANGE_LIST}{event.pk}/change/").content.decode()
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert(1)" not in page
        assert 'name="_save"' not in page
        assert operator.post(f"{CHANGE_LIST}{event.pk}/change/", {"status": "received"}).status_code == 403

    def test_replay_asks_first_and_says_who_did_it(
        self, operator: WebClient, admin_log: Callable[[], list[str]]
    ) -> None:
        events = [event_of("failed"), event_of("parked"), event_of("received")]
        chosen = {"action": "replay_events", "_selected_action": [event.pk for event in events]}
        page = operator.post(CHANGE_LIST, chosen, format="multipart")
        assert "handled once more as a new event" in page.content.decode()
        assert copies() == [None]
        answer = operator.post(CHANGE_LIST, {**chosen, "confirmed": "yes"}, format="multipart", follow=True)
        assert "2 webhooks are handled again." in answer.content.decode()
        assert copies() == [None, events[0].pk, events[1].pk]
        assert admin_log() == ["Replay: handle again"] * 3

    def test_it_is_for_operators(self, client: Any, owner: Any) -> None:
        client.force_login(owner)
        assert client.get(CHANGE_LIST).status_code == 302


@pytest.fixture
def admin_log(db: None) -> Callable[[], list[str]]:
    return lambda: [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")]


def test_metrics() -> None:
    now = timezone.now()
    event_of("received", received_at=now - timedelta(seconds=42))
    event_of("processing", received_at=now - timedelta(seconds=7))
    for milliseconds in (100, 300):
        event_of("done", duration_ms=milliseconds)
    event_of("done", duration_ms=9000, received_at=now - timedelta(hours=2))
    event_of("parked")
    replayed = event_of("failed")
    event_of("done", replay_of=replayed, duration_ms=200)
    before = refusals.on(now.date())
    refusals.count("signature")
    metrics = webhook_metrics(now=now)
    assert (metrics.waiting, metrics.lag_seconds, metrics.failed, metrics.parked) == (2, 42, 0, 1)
    assert (metrics.received_lately, metrics.done_lately) == (7, 3)
    assert (metrics.mean_handling_ms_lately, metrics.slowest_handling_ms_lately) == (200, 300)
    assert metrics.refused_today["signature"] == before["signature"] + 1


def test_metrics_of_nothing() -> None:
    metrics = webhook_metrics()
    assert (metrics.waiting, metrics.lag_seconds, metrics.failed, metrics.mean_handling_ms_lately) == (0, 0, 0, 0)
