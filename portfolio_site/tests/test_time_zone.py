"""The zone of the settings page holds for the times on pages, and for no one else's."""

from datetime import UTC, datetime
from typing import Any

import pytest

from investments.models import Institution
from plaid_link.models import Item
from tests.pages import signed_in

SYNCED = datetime(2026, 11, 20, 22, 15, tzinfo=UTC)


@pytest.fixture
def item(owner: Any) -> Item:
    institution = Institution.objects.create(external_id="ins-1", name="Fidelity")
    return Item.objects.create(
        owner=owner, institution=institution, item_id="item-1", status=Item.Status.OK, last_synced_at=SYNCED
    )


@pytest.mark.parametrize(
    ("zone", "shown"),
    [("America/New_York", "20 Nov 2026 17:15 EST"), ("Asia/Tokyo", "21 Nov 2026 07:15 JST")],
)
def test_pages_tell_the_users_time(owner: Any, item: Item, zone: str, shown: str) -> None:
    owner.time_zone = zone
    owner.save(update_fields=["time_zone"])
    client = signed_in(owner)
    assert shown in client.get("/connections/").content.decode()
    answer = client.get("/api/portfolio/connection-status").json()
    assert answer["items"][0]["last_synced_at"] == "2026-11-20T22:15:00Z"
