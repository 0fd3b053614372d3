"""CSV of a list: its rows, its order, nobody else's."""

import csv
import io
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from investments import ledger, lots
from investments.entries import TransactionEntry
from tests.fixtures import TODAY, Portfolio

LIST, EXPORT, DATA = "/api/investments/transactions", "/api/investments/transactions/export.csv", "/api/v1/export"


def rows_of(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200
    sheet = b"".join(answer.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(sheet, newline="")))


def record(portfolio: Portfolio, *entries: TransactionEntry) -> None:
    accounts = {"brokerage": portfolio.brokerage, "ira": portfolio.ira}
    named: dict[str, Any] = {"accounts": accounts, "securities": portfolio.securities, "source": "plaid"}
    ledger.record_transactions(entries=entries, today=TODAY, **named)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"sort": "amount"},
        {"sort": "symbol,-date"},
        {"type": "buy"},
        {"q": "apple", "date_from": "2026-02-01"},
        {"ticker": "nothing"},
    ],
)
def test_the_same_filters_the_same_rows_the_same_order(api: Any, portfolio: Portfolio, query: dict[str, str]) -> None:
    caller = api(portfolio.owner)
    listed = caller.get(LIST, query).json()["items"]
    for url in (EXPORT, DATA):
        rows = rows_of(caller.get(url, query))
        assert [row["id"] for row in rows] == [str(row["id"]) for row in listed]
        for row, shown in zip(rows, listed, strict=True):
            for name in ("date", "account", "quantity", "price", "amount", "fees", "currency"):
                assert row[name] == shown["account_name" if name == "account" else name]


def test_ties_come_in_the_order_of_the_list(api: Any, portfolio: Portfolio) -> None:
    same = {"account_external_id": "ira", "type": "fee", "subtype": "account fee", "amount": Decimal(1)}
    record(portfolio, *(TransactionEntry(f"f{number}", date=TODAY, **same) for number in range(9)))
    caller = api(portfolio.owner)
    for sort in ("date", "-amount", "account"):
        listed = [str(row["id"]) for row in caller.get(LIST, {"sort": sort}).json()["items"]]
        assert [row["id"] for row in rows_of(caller.get(EXPORT, {"sort": sort}))] == listed


def test_no_cell_is_a_formula(api: Any, portfolio: Portfolio) -> None:
    told = {"account_external_id": "ira", "type": "cash", "subtype": "deposit", "date": date(2026, 3, 3)}
    record(portfolio, TransactionEntry("x", amount=Decimal("-12.5"), name='=HYPERLINK("http://x")', **told))
    (row,) = rows_of(api(portfolio.owner).get(EXPORT, {"q": "HYPERLINK"}))
    assert (row["description"], row["amount"]) == ('\'=HYPERLINK("http://x")', "-12.50")


def test_holdings(api: Any, portfolio: Portfolio) -> None:
    rows = rows_of(api(portfolio.owner).get(DATA, {"what": "holdings", "account": portfolio.ira.pk}))
    assert [(row["ticker"], row["quantity"], row["cost_basis"]) for row in rows] == [
        ("AAPL", "4", ""),
        ("VTI", "20", "5000.00"),
    ]


def test_open_lots(api: Any, portfolio: Portfolio) -> None:
    """Those of the list and in its order, with its filters; what a wash sale added stands beside the cost."""
    lots.recompute_lots(owner_id=portfolio.owner.pk)
    caller = api(portfolio.owner)
    for query in ({}, {"account_id": str(portfolio.ira.pk)}, {"ticker": "aapl"}):
        listed = caller.get("/api/v1/lots", query).json()["items"]
        rows = rows_of(caller.get(DATA, {"what": "lots", **query}))
        assert [(row["ticker"], row["quantity"], row["cost"], row["opened"]) for row in rows] == [
            (lot["security"]["ticker_symbol"] or "", lot["quantity"], lot["cost"] or "", lot["opened"] or "")
            for lot in listed
        ]
        assert rows


def test_a_file_by_its_headers(api: Any, portfolio: Portfolio) -> None:
    answer = api(portfolio.owner).get(EXPORT)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="longview-transactions-20')


def test_rows_are_read_under_row_security(api: Any, portfolio: Portfolio, as_web: Any, other: Any) -> None:
    """The answer is made after the request's transaction has ended, with a tenant of its own."""
    answers = {user: api(user).get(EXPORT) for user in (portfolio.owner, other)}
    with as_web():
        assert {user: len(rows_of(answer)) for user, answer in answers.items()} == {portfolio.owner: 5, other: 0}


@pytest.mark.parametrize("query", [{"date_from": "x"}, {"sort": "moon"}, {"what": "moon"}])
def test_bad_input_is_refused_before_the_first_byte(api: Any, portfolio: Portfolio, query: dict[str, str]) -> None:
    answer = api(portfolio.owner).get(DATA, query)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, list(query))


def test_another_owners_account(api: Any, portfolio: Portfolio, other: Any) -> None:
    assert api(other).get(EXPORT, {"account_id": portfolio.ira.pk}).status_code == 404


def test_query_count(api: Any, portfolio: Portfolio, django_assert_num_queries: Any) -> None:
    caller = api(portfolio.owner)
    # Savepoint, user and tenant, release; then a savepoint, tenant, patience, rows, release.
    with django_assert_num_queries(8):
        rows_of(caller.get(EXPORT))
