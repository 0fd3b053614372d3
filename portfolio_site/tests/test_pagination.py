from typing import Any

import pytest
from django.core import signing
from django.core.exceptions import ImproperlyConfigured
from django.db.models import F
from hypothesis import given
from hypothesis import strategies as st

from investments.models import Institution, Transaction
from portfolio_site.lib.pagination import SALT, SortKey, after, total_order

TRANSACTIONS = "/api/investments/transactions"


def _pages(caller: Any, query: dict[str, Any]) -> list[dict[str, Any]]:
    pages, cursor = [], ""
    while cursor is not None:
        pages.append(caller.get(TRANSACTIONS, {**query, **({"cursor": cursor} if cursor else {})}).json())
        cursor = pages[-1]["next_cursor"]
    return pages


def test_the_last_page_has_no_cursor(api: Any, portfolio: Any) -> None:
    pages = _pages(api(portfolio.owner), {"limit": "2"})
    assert [len(page["items"]) for page in pages] == [2, 2, 1]
    assert [page["has_more"] for page in pages] == [True, True, False]
    assert [page["total_count"] for page in pages] == [5, 5, 5]


def test_a_full_last_page_says_that_it_is_the_last(api: Any, portfolio: Any) -> None:
    assert [len(page["items"]) for page in _pages(api(portfolio.owner), {"limit": "5"})] == [5]


def test_the_count_can_be_left_out(api: Any, portfolio: Any, django_assert_num_queries: Any) -> None:
    caller = api(portfolio.owner)
    with django_assert_num_queries(4):
        assert "total_count" not in caller.get(TRANSACTIONS, {"count": "false", "limit": "2"}).json()


def test_only_what_does_not_fit_on_the_page_is_counted(
    api: Any, portfolio: Any, django_assert_num_queries: Any
) -> None:
    caller = api(portfolio.owner)
    with django_assert_num_queries(4):
        assert caller.get(TRANSACTIONS).json()["total_count"] == 5
    with django_assert_num_queries(5):
        first = caller.get(TRANSACTIONS, {"limit": "3"}).json()
    last = caller.get(TRANSACTIONS, {"limit": "3", "cursor": first["next_cursor"]}).json()
    assert (first["total_count"], last["total_count"], len(last["items"])) == (5, 5, 2)


@pytest.mark.parametrize("limit", ["0", "501", "-1", "1.5", "ten", "", "0x10", "99999999999999999999", "\u0663"])
def test_a_bad_limit_is_refused(api: Any, portfolio: Any, limit: str) -> None:
    answer = api(portfolio.owner).get(TRANSACTIONS, {"limit": limit})
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"limit"})


def test_the_limits_bounds_are_allowed(api: Any, portfolio: Any) -> None:
    for limit in ("1", "500"):
        assert api(portfolio.owner).get(TRANSACTIONS, {"limit": limit}).status_code == 200


def test_a_bad_count_is_refused(api: Any, portfolio: Any) -> None:
    assert set(api(portfolio.owner).get(TRANSACTIONS, {"count": "perhaps"}).json()["errors"]) == {"count"}


def test_a_cursor_belongs_to_one_list_of_one_user(api: Any, portfolio: Any, other: Any) -> None:
    cursor = api(portfolio.owner).get(TRANSACTIONS, {"type": "buy", "limit": 1}).json()["next_cursor"]
    owners = api(portfolio.owner)
    assert owners.get(TRANSACTIONS, {"cursor": cursor, "type": "buy", "limit": 3, "count": "false"}).status_code == 200
    elsewhere = [
        owners.get(TRANSACTIONS, {"cursor": cursor}),
        owners.get(TRANSACTIONS, {"cursor": cursor, "type": "cash"}),
        owners.get(TRANSACTIONS, {"cursor": cursor, "type": "buy", "sort": "amount"}),
        owners.get("/api/investments/holdings", {"cursor": cursor, "type": "buy"}),
        api(other).get(TRANSACTIONS, {"cursor": cursor, "type": "buy"}),
    ]
    for answer in elsewhere:
        assert (answer.status_code, set(answer.json()["errors"])) == (400, {"cursor"})


@pytest.mark.parametrize(
    "forged",
    [
        "moon",
        "a:b:c",
        signing.dumps({"after": ["2026-01-01", 1], "seal": "0" * 16}, salt=SALT),
        signing.dumps({"after": ["2026-01-01", 1], "seal": "0" * 16}, salt="another"),
        signing.dumps({"after": ["2026-01-01", 1], "seal": "0" * 16}, key="another", salt=SALT),
    ],
)
def test_a_forged_cursor_is_refused(api: Any, portfolio: Any, forged: str) -> None:
    answer = api(portfolio.owner).get(TRANSACTIONS, {"cursor": forged})
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"cursor"})


def test_a_cursor_changed_in_one_letter_is_refused(api: Any, portfolio: Any) -> None:
    caller = api(portfolio.owner)
    cursor = caller.get(TRANSACTIONS, {"limit": 1}).json()["next_cursor"]
    for place in range(0, len(cursor), 5):
        changed = cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
        assert caller.get(TRANSACTIONS, {"limit": 1, "cursor": changed}).status_code == 400, place


def test_every_order_ends_in_the_key() -> None:
    assert total_order(Transaction.objects.order_by("-date", "amount")) == (
        SortKey("date", True),
        SortKey("amount", False),
        SortKey("pk", True),
    )
    assert total_order(Institution.objects.all())[-1] == SortKey("id", False)


def test_an_order_of_nothing_or_of_expressions_is_a_mistake_of_ours() -> None:
    for queryset in (Transaction.objects.order_by(F("date").desc()), Transaction.objects.order_by("?")):
        with pytest.raises(ImproperlyConfigured):
            total_order(queryset)


NAMES = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), min_size=1, max_size=12)


@pytest.mark.django_db
@given(rows=NAMES, first=st.booleans(), second=st.booleans(), at=st.integers(0, 11))
def test_what_comes_after_a_row_is_the_rest_of_the_list(
    rows: list[tuple[str, str]], first: bool, second: bool, at: int
) -> None:
    Institution.objects.all().delete()
    Institution.objects.bulk_create(
        Institution(external_id=str(number), name=name, url=url) for number, (name, url) in enumerate(rows)
    )
    keys = (SortKey("name", first), SortKey("url", second), SortKey("pk", first))
    listed = list(Institution.objects.order_by(*(("-" if key.descending else "") + key.path for key in keys)))
    seen = listed[min(at, len(listed) - 1)]
    rest = Institution.objects.filter(after(keys, [key.of(seen) for key in keys]))
    assert {row.pk for row in rest} == {row.pk for row in listed[listed.index(seen) + 1 :]}
