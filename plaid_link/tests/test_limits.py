"""Calls about one item, spaced out: by a real Redis, seen from the other end."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from plaid_link import limits
from plaid_link.models import Item
from plaid_link.sources.base import SourceError
from plaid_link.sync import sync_item, whole_window
from plaid_link.tests.scripted import HOLDINGS, TRANSACTIONS, ScriptedPlaid, error, paged, transaction
from plaid_link.tokens import seal_token
from portfolio_site.lib.ratelimit import Limit
from tests.pages import signed_in, words_of

# What Plaid allows in production, per item and minute.
PLAID_ALLOWS = {limits.HOLDINGS: 15, limits.TRANSACTIONS: 30, limits.REFRESH: 1}


@pytest.fixture
def item(item: Item, settings: Any) -> Item:
    """One that Redis has never heard of, with limits on."""
    settings.PLAID_RATE_LIMITED = True
    item.item_id = f"item-{uuid.uuid4().hex}"
    item.access_token_encrypted = seal_token("access-sandbox-1", item_id=item.item_id)
    item.save()
    return item


def sync(item: Item) -> None:
    start, end = whole_window()
    sync_item(item=Item.objects.get(pk=item.pk), trigger="user", start=start, end=end)


@pytest.mark.parametrize("limit", [limits.HOLDINGS, limits.TRANSACTIONS])
def test_stays_below_what_plaid_allows(limit: Limit) -> None:
    assert limit.burst + limit.per_minute < PLAID_ALLOWS[limit]
    assert 60 / limit.per_minute <= limits.PATIENCE_SECONDS


def test_a_sync_waits_for_its_turn(item: Item, scripted: ScriptedPlaid, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TRANSACTIONS", Limit("test-pages", burst=2, per_minute=240))
    scripted.answers[TRANSACTIONS] = paged([transaction(f"t{number}") for number in range(2001)])
    sync(item)
    times = [at for at, path in scripted.times if path == TRANSACTIONS]
    assert len(times) == 5
    # Two at once, then one every quarter of a second.
    assert times[-1] - times[0] > 0.7


def test_where_it_takes_too_long_it_is_put_off_until_then(
    item: Item, scripted: ScriptedPlaid, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HOLDINGS", Limit("test-holdings", burst=1, per_minute=1))
    sync(item)
    with pytest.raises(SourceError) as refused:
        sync(item)
    assert (refused.value.code, refused.value.http_status) == ("RATE_LIMIT", 429)
    assert 55 < (refused.value.retry_after or 0) <= 60
    assert len(scripted.asked_of(HOLDINGS)) == 1
    item.refresh_from_db()
    assert (item.status, item.next_try_at is None) == ("ok", False)


@pytest.mark.parametrize(("told", "waited"), [({"Retry-After": "90"}, 90), ({}, 60)])
def test_whom_plaid_refuses_asks_no_more_until_it_may(
    item: Item, scripted: ScriptedPlaid, told: dict[str, str], waited: int
) -> None:
    scripted.answers[HOLDINGS] = error("INVESTMENT_HOLDINGS_GET_LIMIT", status=429, headers=told)
    for _ in range(5):
        with pytest.raises(SourceError) as refused:
            sync(item)
    assert len(scripted.asked_of(HOLDINGS)) == 1
    assert refused.value.http_status == 429
    assert waited - 5 < (refused.value.retry_after or 0) <= waited
    item.refresh_from_db()
    assert item.next_try_at > timezone.now() + timedelta(seconds=waited - 5)


def test_the_route_says_when_to_ask_again(
    item: Item, scripted: ScriptedPlaid, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HOLDINGS", Limit("test-holdings", burst=1, per_minute=1))
    body = {"user_id": owner.pk, "item_id": item.item_id}
    client = signed_in(owner)
    url = "/api/plaid/investments/refresh"
    assert client.post(url, body, format="json").status_code == 200
    answer = client.post(url, body, format="json")
    assert (answer.status_code, set(answer.json())) == (500, {"error"})
    assert 55 <= int(answer["Retry-After"]) <= 60


class TestRefresh:
    def test_two_clicks_are_one(self, item: Item, owner: Any) -> None:
        Item.objects.filter(pk=item.pk).update(status="ok")
        client = signed_in(owner)
        assert "Retry-After" not in client.post(f"/connections/{item.pk}/refresh/")
        second = client.post(f"/connections/{item.pk}/refresh/", follow=True)
        assert "Try again in 60 seconds" in words_of(second)

    def test_after_a_sync_the_page_and_the_api_say_when(self, item: Item, owner: Any, scripted: ScriptedPlaid) -> None:
        sync(item)
        client = signed_in(owner)
        page = client.get("/connections/").content.decode()
        assert "disabled" in page[page.index("/refresh/") :].split("</form>")[0]
        assert "Again at" in page
        (told,) = client.get("/api/portfolio/connection-status").json()["items"]
        assert told["refresh_allowed_at"] > told["last_synced_at"]
        assert int(client.post(f"/connections/{item.pk}/refresh/")["Retry-After"]) <= 60

    def test_what_does_not_work_may_be_tried_at_once(self, item: Item, owner: Any, scripted: ScriptedPlaid) -> None:
        sync(item)
        Item.objects.filter(pk=item.pk).update(status="needs_repair")
        client = signed_in(owner)
        for _ in range(2):
            assert "Retry-After" not in client.post(f"/connections/{item.pk}/refresh/")
