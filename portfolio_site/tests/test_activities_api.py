"""`GET /api/portfolio/activities`: transactions, dividends and syncs as one feed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from plaid_link.models import Item, LinkedAccount, SyncRun
from tests.fixtures import TODAY, Portfolio, make_portfolio

FEED = "/api/portfolio/activities"
FIRST_SYNC = datetime(2026, 5, 14, 12, tzinfo=UTC)


@pytest.fixture
def synced(portfolio: Portfolio) -> Portfolio:
    """Two syncs of the item that feeds both accounts, the first on the day of the dividend."""
    common: Any = {"owner": portfolio.owner}
    item = Item.objects.create(
        item_id="item-1", institution=portfolio.brokerage.institution, access_token_encrypted=b"x", **common
    )
    for account in (portfolio.brokerage, portfolio.ira):
        LinkedAccount.objects.create(item=item, account=account, **common)
    for number in range(2):
        SyncRun.objects.create(
            item=item, trigger="webhook", state="succeeded", start_date=TODAY, end_date=TODAY,
            started_at=FIRST_SYNC + timedelta(days=200 * number), **common,
        )  # fmt: skip
    return portfolio


def _kinds(body: Any) -> list[str]:
    return [item["kind"] for item in body["items"]]


def test_newest_first_whatever_it_is(api: Any, synced: Portfolio) -> None:
    body = api(synced.owner).get(FEED).json()
    assert _kinds(body) == ["sync", "transaction", "sync", "transaction", "dividend", "transaction", "transaction"]
    times = [item["at"] for item in body["items"]]
    assert times == sorted(times, reverse=True)
    assert (body["total_count"], body["has_more"]) == (7, False)
    assert body["items"][0]["sync"]["institution"] == "Fidelity"
    assert body["items"][4]["transaction"]["name"] == "Apple dividend"
    assert times[-1] == "2026-01-05T00:00:00Z"


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_page_by_page_it_is_the_same(api: Any, synced: Portfolio, limit: int) -> None:
    caller, pages, cursor = api(synced.owner), [], ""
    while cursor is not None:
        query = {"limit": limit, "count": "false"} | ({"cursor": cursor} if cursor else {})
        body = caller.get(FEED, query).json()
        pages += body["items"]
        cursor = body["next_cursor"]
        assert "total_count" not in body
    assert pages == caller.get(FEED).json()["items"]


@pytest.mark.parametrize(("kind", "count"), [("transaction", 4), ("dividend", 1), ("sync", 2)])
def test_one_kind(api: Any, synced: Portfolio, kind: str, count: int) -> None:
    assert _kinds(api(synced.owner).get(FEED, {"kind": kind}).json()) == [kind] * count


def test_one_account(api: Any, synced: Portfolio) -> None:
    body = api(synced.owner).get(FEED, {"filter_account": synced.ira.pk}).json()
    names = {item["transaction"]["account_name"] for item in body["items"] if item["transaction"]}
    assert (names, body["total_count"]) == ({"Ira"}, 4)


def test_anothers_is_not_in_it(api: Any, other: Any, synced: Portfolio) -> None:
    make_portfolio(other)
    body = api(other).get(FEED).json()
    assert (_kinds(body).count("sync"), body["total_count"]) == (0, 5)
    assert api(other).get(FEED, {"filter_account": synced.ira.pk}).status_code == 404


@pytest.mark.parametrize("wrong", [{"kind": "moon"}, {"filter_account": "x"}, {"cursor": "x"}, {"limit": "0"}])
def test_bad_input(api: Any, synced: Portfolio, wrong: dict[str, str]) -> None:
    answer = api(synced.owner).get(FEED, wrong)
    assert (answer.status_code, set(answer.json()["errors"])) == (400, set(wrong))


def test_queries_do_not_grow(api: Any, synced: Portfolio, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(9):
        api(synced.owner).get(FEED)
