"""What becomes of stored webhooks: one effect for many, the item's true state, nothing lost and nothing revived."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as configured
from django.db.models import F
from django.utils import timezone

from investments.models import Holding
from plaid_link.models import Item, SyncRun, WebhookEvent
from plaid_link.sources.base import SourceError
from plaid_link.sync import recent_window, sync_item, whole_window
from plaid_link.tests.scripted import HOLDINGS, error
from plaid_link.tests.webhooks.conftest import ITEM_ID, body_of, make_item
from plaid_link.tests.webhooks.stand_in import ITEM, REMOVE, StandIn, item_answer
from plaid_link.webhooks import handle
from plaid_link.webhooks.apply import SYNC_EVERY
from plaid_link.webhooks.handle import handle_waiting
from plaid_link.webhooks.receive import store
from plaid_link.webhooks.tasks import handle_waiting_webhooks

pytestmark = pytest.mark.django_db

HOLDINGS_UPDATE = ("HOLDINGS", "DEFAULT_UPDATE")
TRANSACTIONS_UPDATE = ("INVESTMENTS_TRANSACTIONS", "DEFAULT_UPDATE")
HISTORICAL = ("INVESTMENTS_TRANSACTIONS", "HISTORICAL_UPDATE")
WEBHOOKS = sorted((configured.REFERENCE_DATA / "plaid" / "webhooks").glob("*.json"))


def received(*code: str, digest: str = "", **given: Any) -> WebhookEvent:
    """A webhook that is stored and waits."""
    store(body_of(*code, **given), headers_digest=digest)
    return WebhookEvent.objects.latest("id")


def statuses() -> list[str]:
    return list(WebhookEvent.objects.order_by("id").values_list("status", flat=True))


def make_due() -> None:
    """A minute has passed: the time of the next try has come, and no sync was just now."""
    WebhookEvent.objects.update(next_try_at=timezone.now())
    SyncRun.objects.update(started_at=F("started_at") - timedelta(minutes=1))


def now_of(item: Item) -> Item:
    return Item.objects.get(pk=item.pk)


def test_fifty_of_one_item_are_one_sync(plaid: StandIn, item: Item) -> None:
    for number in range(50):
        received(*(HOLDINGS_UPDATE, TRANSACTIONS_UPDATE, HISTORICAL)[number % 3], new_holdings=number)
    assert handle_waiting(seconds=60) == 50
    assert set(statuses()) == {"done"}
    run = SyncRun.objects.get()
    assert (run.trigger, run.state, plaid.calls[HOLDINGS]) == ("webhook", "succeeded", 1)
    assert Holding.objects.get().quantity == 10


def test_a_handled_event_says_when_and_for_how_long(plaid: StandIn, item: Item) -> None:
    event = received(*HOLDINGS_UPDATE)
    handle_waiting(seconds=60)
    event.refresh_from_db()
    assert (event.item, event.attempts, event.error) == (item, 1, "")
    assert event.received_at <= event.started_at <= event.finished_at
    assert event.duration_ms > 0


@pytest.mark.parametrize(
    ("code", "given", "days"),
    [
        (HOLDINGS_UPDATE, {}, 33),
        (TRANSACTIONS_UPDATE, {"cancelled_investments_transactions": 0}, 33),
        (TRANSACTIONS_UPDATE, {"cancelled_investments_transactions": 2}, 183),
        (HISTORICAL, {}, 730),
        (("ITEM", "LOGIN_REPAIRED"), {}, 33),
    ],
)
def test_how_far_back_is_read(
    plaid: StandIn, owner: Any, code: tuple[str, str], given: dict[str, Any], days: int
) -> None:
    """Last synced three days ago, so the overlap is three days wider."""
    make_item(owner, last_synced_at=timezone.now() - timedelta(days=3))
    received(*code, **given)
    handle_waiting(seconds=60)
    run = SyncRun.objects.get()
    assert run.end_date - run.start_date == timedelta(days=days)


def test_what_was_never_synced_is_read_whole(plaid: StandIn, item: Item) -> None:
    received(*HOLDINGS_UPDATE)
    handle_waiting(seconds=60)
    run = SyncRun.objects.get()
    assert run.end_date - run.start_date == timedelta(days=730)


def test_a_copy_of_a_handled_delivery_changes_nothing(plaid: StandIn, item: Item) -> None:
    received(*HOLDINGS_UPDATE, digest="one delivery")
    received(*HOLDINGS_UPDATE, digest="one delivery")
    handle_waiting(seconds=60)
    received(*HOLDINGS_UPDATE, digest="one delivery")
    received(*HOLDINGS_UPDATE, digest="one delivery")
    handle_waiting(seconds=60)
    assert statuses() == ["done", "done", "ignored", "ignored"]
    assert SyncRun.objects.count() == 1


def test_the_same_body_delivered_anew_is_news(plaid: StandIn, item: Item) -> None:
    for digest in ("first", "second"):
        received(*HOLDINGS_UPDATE, digest=digest)
        handle_waiting(seconds=60)
        make_due()
    assert statuses() == ["done", "done"]
    assert SyncRun.objects.count() == 2


def test_a_burst_that_goes_on_is_one_sync_each_so_often(plaid: StandIn, item: Item) -> None:
    for _ in range(5):
        event = received(*HOLDINGS_UPDATE)
        handle_waiting(seconds=60)
    assert statuses() == ["done"] + ["received"] * 4
    event.refresh_from_db()
    assert (event.attempts, event.next_try_at) == (0, SyncRun.objects.get().started_at + SYNC_EVERY)
    make_due()
    handle_waiting(seconds=60)
    assert statuses() == ["done"] * 5
    assert plaid.calls[HOLDINGS] == 2


@pytest.mark.parametrize(("days", "closed"), [(30, "done"), (29, "received")])
def test_a_sync_that_began_after_a_webhook_came_closes_it_where_it_reads_as_much(
    plaid: StandIn, owner: Any, days: int, closed: str
) -> None:
    item = make_item(owner, last_synced_at=timezone.now())
    received(*HOLDINGS_UPDATE)
    start, end = recent_window(days)
    sync_item(item=item, trigger="user", start=start, end=end)
    handle_waiting(seconds=60)
    assert statuses() == [closed]
    assert plaid.calls[HOLDINGS] == 1


def test_a_sync_that_failed_closes_no_webhook(plaid: StandIn, item: Item) -> None:
    received(*HOLDINGS_UPDATE)
    well, plaid.answers[HOLDINGS] = plaid.answers[HOLDINGS], error("INSTITUTION_DOWN")
    with pytest.raises(SourceError):
        sync_item(item=item, trigger="user", start=whole_window()[0], end=whole_window()[1])
    plaid.answers[HOLDINGS] = well
    handle_waiting(seconds=60)
    assert statuses() == ["done"]
    assert plaid.calls[HOLDINGS] == 2


def test_an_unknown_item_is_parked_and_goes_on_once_linked(plaid: StandIn, owner: Any) -> None:
    received(*HOLDINGS_UPDATE)
    received("ITEM", "ERROR", item_id="")
    handle_waiting(seconds=60)
    handle_waiting(seconds=60)
    assert statuses() == ["parked", "parked"]
    assert not plaid.asked
    make_item(owner)
    handle_waiting(seconds=60)
    assert statuses() == ["done", "parked"]
    assert SyncRun.objects.count() == 1


@pytest.mark.parametrize("code", [HOLDINGS_UPDATE, HISTORICAL, ("ITEM", "LOGIN_REPAIRED"), ("ITEM", "ERROR")])
def test_nothing_revives_a_removed_item(plaid: StandIn, owner: Any, code: tuple[str, str]) -> None:
    item = make_item(owner, status=Item.Status.DISCONNECTED)
    received(*code)
    for _ in range(2):
        handle_waiting(seconds=60)
    assert statuses() == ["parked"]
    assert now_of(item).status == Item.Status.DISCONNECTED
    assert not plaid.asked


def test_ids_that_differ_by_case_are_two_items(plaid: StandIn, item: Item) -> None:
    received(*HOLDINGS_UPDATE, item_id=ITEM_ID.upper())
    handle_waiting(seconds=60)
    assert statuses() == ["parked"]


@pytest.mark.parametrize("code", [("HOLDINGS", "SURPRISE"), ("TRANSACTIONS", "DEFAULT_UPDATE"), ("", "")])
def test_an_unknown_code_is_ignored(plaid: StandIn, item: Item, code: tuple[str, str]) -> None:
    received(*code)
    handle_waiting(seconds=60)
    assert statuses() == ["ignored"]
    assert not plaid.asked


class TestHealth:
    def test_error_that_is_true(self, plaid: StandIn, item: Item) -> None:
        plaid.answers[ITEM] = item_answer("ITEM_LOGIN_REQUIRED")
        received("ITEM", "ERROR")
        handle_waiting(seconds=60)
        item = now_of(item)
        assert (item.status, item.error_code) == (Item.Status.NEEDS_REPAIR, "ITEM_LOGIN_REQUIRED")
        assert "Sign in" in item.error_message
        assert bytes(item.access_token_encrypted)
        assert statuses() == ["done"]

    def test_repaired_before_the_error_arrives(self, plaid: StandIn, item: Item) -> None:
        """Out of order: the item works, and both webhooks find it so."""
        received("ITEM", "LOGIN_REPAIRED")
        handle_waiting(seconds=60)
        received("ITEM", "ERROR", error={"error_code": "ITEM_LOGIN_REQUIRED"})
        handle_waiting(seconds=60)
        assert now_of(item).status == Item.Status.OK
        assert statuses() == ["done", "done"]

    def test_repaired_before_the_error_in_one_go(self, plaid: StandIn, item: Item) -> None:
        plaid.answers[ITEM] = item_answer("ITEM_LOGIN_REQUIRED")
        received("ITEM", "LOGIN_REPAIRED")
        received("ITEM", "ERROR", error={"error_code": "ITEM_LOGIN_REQUIRED"})
        handle_waiting(seconds=60)
        assert now_of(item).status == Item.Status.NEEDS_REPAIR
        assert plaid.calls[ITEM] == 1
        assert plaid.calls[HOLDINGS] == 0

    @pytest.mark.parametrize("code", ["LOGIN_REPAIRED", "ERROR"])
    def test_trouble_that_is_over_ends_with_a_good_sync(self, plaid: StandIn, owner: Any, code: str) -> None:
        item = make_item(owner, status=Item.Status.NEEDS_REPAIR, error_code="ITEM_LOGIN_REQUIRED")
        received("ITEM", code)
        handle_waiting(seconds=60)
        item = now_of(item)
        assert (item.status, item.error_code, item.error_message) == (Item.Status.OK, "", "")
        assert SyncRun.objects.get().state == "succeeded"

    @pytest.mark.parametrize("code", ["PENDING_EXPIRATION", "PENDING_DISCONNECT"])
    def test_an_end_that_is_announced(self, plaid: StandIn, item: Item, code: str) -> None:
        received("ITEM", code, consent_expiration_time="2026-11-28T00:00:00Z", reason="INSTITUTION_MIGRATION")
        received(*HOLDINGS_UPDATE)
        handle_waiting(seconds=60)
        item = now_of(item)
        assert (item.status, item.error_code) == (Item.Status.NEEDS_REPAIR, code)
        assert "Sign in again" in item.error_message
        assert SyncRun.objects.get().state == "succeeded"
        make_due()
        received("ITEM", "LOGIN_REPAIRED")
        handle_waiting(seconds=60)
        assert now_of(item).status == Item.Status.OK

    def test_an_item_whose_end_is_announced_is_still_swept(self, plaid: StandIn, owner: Any) -> None:
        now = timezone.now()
        make_item(owner, last_synced_at=now)
        received("ITEM", "PENDING_DISCONNECT", reason="INSTITUTION_MIGRATION")
        handle_waiting(seconds=60)
        assert not Item.objects.due(now).exists()
        assert Item.objects.due(now + timedelta(hours=25)).exists()

    def test_an_expiry_that_has_been_put_off_since(self, plaid: StandIn, item: Item) -> None:
        plaid.answers[ITEM] = item_answer(consent_expiration_time="2027-11-28T00:00:00Z")
        received("ITEM", "PENDING_EXPIRATION", consent_expiration_time="2026-11-28T00:00:00Z")
        handle_waiting(seconds=60)
        item = now_of(item)
        assert (item.status, item.consent_expires_at.year) == (Item.Status.OK, 2027)

    @pytest.mark.parametrize("code", ["USER_PERMISSION_REVOKED", "USER_ACCOUNT_REVOKED"])
    def test_a_revocation_is_final(self, plaid: StandIn, item: Item, code: str) -> None:
        received(*HOLDINGS_UPDATE)
        received("ITEM", code)
        handle_waiting(seconds=60)
        received("ITEM", "LOGIN_REPAIRED")
        handle_waiting(seconds=60)
        item = now_of(item)
        assert (item.status, bytes(item.access_token_encrypted)) == (Item.Status.DISCONNECTED, b"")
        assert "Link it again" in item.error_message
        assert (plaid.calls[REMOVE], plaid.calls[HOLDINGS]) == (1, 0)
        assert statuses() == ["done", "done", "parked"]

    def test_a_revocation_that_plaid_cannot_be_told_of(self, plaid: StandIn, item: Item) -> None:
        plaid.answers[REMOVE] = error("INTERNAL_SERVER_ERROR", status=500)
        received("ITEM", "USER_PERMISSION_REVOKED")
        handle_waiting(seconds=60)
        assert bytes(now_of(item).access_token_encrypted) == b""

    @pytest.mark.parametrize("code", ["ITEM_NOT_FOUND", "INVALID_ACCESS_TOKEN", "USER_PERMISSION_REVOKED"])
    def test_an_item_that_plaid_no_longer_has(self, plaid: StandIn, item: Item, code: str) -> None:
        plaid.answers[ITEM] = error(code)
        received("ITEM", "ERROR")
        handle_waiting(seconds=60)
        item = now_of(item)
        assert (item.status, bytes(item.access_token_encrypted)) == (Item.Status.DISCONNECTED, b"")

    def test_new_accounts_are_told_and_change_no_state(self, plaid: StandIn, item: Item) -> None:
        received("ITEM", "NEW_ACCOUNTS_AVAILABLE")
        handle_waiting(seconds=60)
        item = now_of(item)
        assert (item.status, item.error_code) == (Item.Status.OK, "NEW_ACCOUNTS_AVAILABLE")
        assert "new accounts" in item.error_message

    def test_a_sync_that_needs_the_user_is_no_failure_of_the_event(self, plaid: StandIn, item: Item) -> None:
        plaid.answers[HOLDINGS] = error("ITEM_LOGIN_REQUIRED")
        event = received(*HOLDINGS_UPDATE)
        handle_waiting(seconds=60)
        event.refresh_from_db()
        assert (event.status, event.error) == ("done", "ITEM_LOGIN_REQUIRED")
        assert now_of(item).status == Item.Status.NEEDS_REPAIR


class TestFailures:
    def test_three_tries_then_a_dead_letter(self, plaid: StandIn, item: Item) -> None:
        plaid.answers[HOLDINGS] = error("INSTITUTION_DOWN")
        event = received(*HOLDINGS_UPDATE)
        waits = []
        for _ in range(2):
            handle_waiting(seconds=60)
            event.refresh_from_db()
            assert event.status == "received"
            waits.append(event.next_try_at - timezone.now())
            handle_waiting(seconds=60)
            assert len(plaid.asked_of(HOLDINGS)) == event.attempts
            make_due()
        handle_waiting(seconds=60)
        event.refresh_from_db()
        assert (event.status, event.attempts) == ("failed", 3)
        assert event.error.startswith("INSTITUTION_DOWN")
        assert timedelta(seconds=25) < waits[0] <= timedelta(seconds=45)
        assert timedelta(seconds=110) < waits[1] <= timedelta(seconds=180)
        assert WebhookEvent.objects.dead_letters().get() == event

    def test_a_second_try_that_works(self, plaid: StandIn, item: Item) -> None:
        well = plaid.answers[HOLDINGS]
        plaid.answers[HOLDINGS] = error("INSTITUTION_NOT_RESPONDING")
        event = received(*HOLDINGS_UPDATE)
        handle_waiting(seconds=60)
        assert now_of(item).status == Item.Status.INSTITUTION_TROUBLE
        plaid.answers[HOLDINGS] = well
        make_due()
        handle_waiting(seconds=60)
        event.refresh_from_db()
        assert (event.status, event.attempts, event.error) == ("done", 2, "")
        assert now_of(item).status == Item.Status.OK

    def test_plaid_says_when(self, plaid: StandIn, item: Item) -> None:
        plaid.answers[ITEM] = error("ITEM_GET_LIMIT", status=429, headers={"Retry-After": "600"})
        event = received("ITEM", "ERROR")
        handle_waiting(seconds=60)
        event.refresh_from_db()
        assert event.next_try_at > timezone.now() + timedelta(seconds=590)

    def test_one_item_in_trouble_holds_up_no_other(self, plaid: StandIn, item: Item, other: Any) -> None:
        make_item(other, "another-item", account_id="another")
        plaid.answers[ITEM] = lambda request: (
            error("INTERNAL_SERVER_ERROR", status=500) if "wz666" in request["access_token"] else item_answer()
        )
        received("ITEM", "ERROR")
        received("ITEM", "ERROR", item_id="another-item")
        handle_waiting(seconds=60)
        assert statuses() == ["received", "done"]

    def test_what_a_dead_worker_left_is_taken_over(self, plaid: StandIn, item: Item) -> None:
        event = received(*HOLDINGS_UPDATE)
        handle.claim(ITEM_ID, now=timezone.now())
        assert statuses() == ["processing"]
        handle_waiting(seconds=60)
        event.refresh_from_db()
        assert (event.status, event.attempts) == ("done", 2)

    def test_an_event_that_kills_its_worker_each_time(self, plaid: StandIn, item: Item) -> None:
        event = received(*HOLDINGS_UPDATE)
        for _ in range(handle.MAX_ATTEMPTS):
            handle.claim(ITEM_ID, now=timezone.now())
        handle_waiting(seconds=60)
        event.refresh_from_db()
        assert (event.status, event.error) == ("failed", "The worker died each time it handled this")
        assert not plaid.asked

    def test_a_sync_under_way_is_waited_for(self, plaid: StandIn, item: Item) -> None:
        today = timezone.now().date()
        run = SyncRun.objects.create(owner=item.owner, item=item, trigger="user", start_date=today, end_date=today)
        event = received(*HOLDINGS_UPDATE)
        handle_waiting(seconds=60)
        event.refresh_from_db()
        assert (event.status, event.attempts) == ("received", 0)
        SyncRun.objects.filter(pk=run.pk).update(state="succeeded")
        make_due()
        handle_waiting(seconds=60)
        event.refresh_from_db()
        assert (event.status, event.attempts) == ("done", 1)


@pytest.mark.skipif(not WEBHOOKS, reason="needs the reference data: set LONGVIEW_REFERENCE_DATA")
@pytest.mark.parametrize("path", WEBHOOKS, ids=lambda path: path.stem)
def test_every_documented_webhook_is_handled(plaid: StandIn, owner: Any, path: Any) -> None:
    payload = json.loads(path.read_text()) | {"environment": "sandbox"}
    make_item(owner, payload["item_id"])
    store(json.dumps(payload).encode(), headers_digest="")
    handle_waiting(seconds=60)
    event = WebhookEvent.objects.get()
    assert (event.status, event.attempts) == ("done", 1)
    assert event.item.item_id == payload["item_id"]


def test_the_task_is_registered_and_handles(plaid: StandIn, item: Item) -> None:
    received(*HOLDINGS_UPDATE)
    assert handle_waiting_webhooks.name == "plaid_link.handle_waiting_webhooks"
    assert handle_waiting_webhooks.apply().get() == 1
    assert statuses() == ["done"]
