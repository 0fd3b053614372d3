from datetime import date
from decimal import Decimal
from typing import Any

from investments import ledger
from investments.entries import TransactionEntry
from tests.fixtures import TODAY, Portfolio

URL = "/api/investments/transactions"


def _ids(body: dict[str, Any]) -> list[str]:
    return [row["external_id"] for row in body["items"]]


def _record(portfolio: Portfolio, *entries: TransactionEntry) -> None:
    ledger.record_transactions(
        accounts={"brokerage": portfolio.brokerage, "ira": portfolio.ira},
        securities=portfolio.securities,
        source="plaid",
        entries=entries,
        today=TODAY,
    )


def _fee(external_id: str, day: date, amount: str = "1") -> TransactionEntry:
    return TransactionEntry(
        external_id, account_external_id="ira", type="fee", subtype="account fee", date=day, amount=Decimal(amount)
    )


def test_newest_first_with_every_digit(api: Any, portfolio: Any) -> None:
    body = api(portfolio.owner).get(URL).json()
    dates = [row["date"] for row in body["items"]]
    assert dates == sorted(dates, reverse=True)
    assert (_ids(body)[0], _ids(body)[3:]) == ("t5", ["t2", "t1"])
    bought = body["items"][3]
    assert (bought["quantity"], bought["price"], bought["amount"], bought["fees"]) == ("10", "180", "1804.95", "4.95")
    assert (bought["security"]["ticker_symbol"], bought["account_name"]) == ("AAPL", "Brokerage")


def test_only_the_current_ledger(api: Any, portfolio: Any) -> None:
    _record(portfolio, _fee("t5", date(2026, 9, 30), "13.75"))
    dividend = portfolio.brokerage.transactions.get(external_id="t3")
    ledger.void_transactions(transaction_ids=[dividend.pk])
    body = api(portfolio.owner).get(URL).json()
    assert body["total_count"] == 4
    assert "t3" not in _ids(body)
    assert (body["items"][0]["amount"], body["items"][0]["version"]) == ("13.75", 2)


def test_filters(api: Any, portfolio: Any) -> None:
    caller = api(portfolio.owner)
    expected: list[tuple[dict[str, Any], set[str]]] = [
        ({"account_id": portfolio.ira.pk}, {"t4", "t5"}),
        ({"filter_account": [portfolio.ira.pk, portfolio.brokerage.pk]}, {"t1", "t2", "t3", "t4", "t5"}),
        ({"security": portfolio.securities["sec-aapl"].pk}, {"t2", "t3"}),
        ({"ticker": "vti"}, {"t4"}),
        ({"type": "buy"}, {"t2", "t4"}),
        ({"subtype": "dividend"}, {"t3"}),
        ({"date_from": "2026-05-14"}, {"t3", "t4", "t5"}),
        ({"date_to": "2026-05-14", "date_from": "2026-05-14"}, {"t3", "t4"}),
        ({"min_amount": "12.5", "max_amount": "12.5"}, {"t5"}),
        ({"max_amount": "-2.61"}, {"t1"}),
        ({"q": "CUSTODY"}, {"t5"}),
        ({"q": "apple", "type": "cash"}, {"t3"}),
        ({"source_filter": "brokerage"}, set()),
    ]
    for query, external_ids in expected:
        assert set(_ids(caller.get(URL, query).json())) == external_ids, query


def test_sort(api: Any, portfolio: Any) -> None:
    caller = api(portfolio.owner)
    assert _ids(caller.get(URL, {"sort": "amount"}).json()) == ["t1", "t3", "t5", "t2", "t4"]
    assert _ids(caller.get(URL, {"sort": "-amount"}).json()) == ["t4", "t2", "t5", "t3", "t1"]
    assert _ids(caller.get(URL, {"sort": "symbol,date"}).json()) == ["t1", "t5", "t2", "t3", "t4"]


def test_pages_meet_in_every_order_and_ties_are_not_lost(api: Any, portfolio: Any) -> None:
    _record(portfolio, *(_fee(f"f{number}", date(2026, 9, 30)) for number in range(7)))
    caller = api(portfolio.owner)
    for sort in ("date", "-date", "amount", "-amount", "quantity", "type", "-subtype", "symbol", "account,-date"):
        whole = _ids(caller.get(URL, {"sort": sort}).json())
        pages, cursor = [], ""
        while cursor is not None:
            body = caller.get(URL, {"sort": sort, "limit": 2, **({"cursor": cursor} if cursor else {})}).json()
            pages += _ids(body)
            cursor = body["next_cursor"]
        assert len(whole) == 12
        assert pages == whole, sort


def test_a_page_stays_right_while_rows_are_added(api: Any, portfolio: Any) -> None:
    caller = api(portfolio.owner)
    first = caller.get(URL, {"limit": 2}).json()
    _record(portfolio, _fee("new", TODAY), _fee("old", date(2026, 1, 1)))
    second = caller.get(URL, {"limit": 10, "cursor": first["next_cursor"]}).json()
    assert "new" not in _ids(second)
    assert _ids(second)[-1] == "old"
    assert {"t1", "t2", "t3", "t4", "t5"} <= {*_ids(first), *_ids(second)}
    assert not set(_ids(first)) & set(_ids(second))


def test_another_owner_sees_nothing(api: Any, portfolio: Any, other: Any) -> None:
    caller = api(other)
    assert caller.get(URL).json()["total_count"] == 0
    for name in ("account_id", "filter_account"):
        assert caller.get(URL, {name: portfolio.brokerage.pk}).status_code == 404
    assert caller.get(URL, {"security": portfolio.securities["sec-aapl"].pk}).json()["items"] == []


def test_bad_input_names_the_field(api: Any, portfolio: Any) -> None:
    bad = {"date_from": "yesterday", "min_amount": "NaN", "max_amount": "1e400", "sort": "moon", "account_id": "x"}
    for name, value in bad.items():
        answer = api(portfolio.owner).get(URL, {name: value})
        assert answer.status_code == 400, name
        assert set(answer.json()["errors"]) == {name}


def test_query_count(api: Any, portfolio: Any, django_assert_num_queries: Any) -> None:
    caller = api(portfolio.owner)
    # Savepoint, user and tenant, transactions, release.
    with django_assert_num_queries(4):
        caller.get(URL)
    # And the check of the accounts named.
    with django_assert_num_queries(5):
        caller.get(URL, {"account_id": portfolio.ira.pk, "count": "false"})
