"""`/api/v1/accounts`, `/api/v1/instruments`, `/api/v1/corporate-actions`."""

from datetime import date
from typing import Any

import pytest

from investments.models import Account, CorporateAction
from tests.fixtures import Portfolio

ACCOUNTS, INSTRUMENTS, ACTIONS = "/api/v1/accounts", "/api/v1/instruments", "/api/v1/corporate-actions"


@pytest.fixture
def opened(api: Any, owner: Any) -> Any:
    return api(owner).post(ACCOUNTS, {"name": "Old plan", "subtype": "401k", "currency": "EUR"})


class TestAccounts:
    def test_open_by_hand_and_read_back(self, api: Any, owner: Any, opened: Any) -> None:
        body = opened.json()
        assert (opened.status_code, body["source"], body["currency"]) == (201, "manual", "EUR")
        assert (body["is_tax_advantaged"], body["value"]) == (True, "0.00")
        found = api(owner).get(f"{ACCOUNTS}/{body['id']}")
        assert (found.json(), found["ETag"]) == (body, opened["ETag"])
        assert api(owner).get(ACCOUNTS).json()["items"] == [body]

    def test_transactions_can_be_added_to_it(self, api: Any, owner: Any, opened: Any) -> None:
        deposit = {"account_id": opened.json()["id"], "type": "cash", "subtype": "deposit", "date": "2026-01-05"}
        assert api(owner).post("/api/v1/transactions", {**deposit, "amount": "-50"}).status_code == 201
        assert api(owner).get(f"{ACCOUNTS}/{opened.json()['id']}").json()["value"] == "50.00"

    def test_change_it(self, api: Any, owner: Any, opened: Any) -> None:
        row = f"{ACCOUNTS}/{opened.json()['id']}"
        body = api(owner).patch(row, {"name": "Plan", "lot_method": "hifo", "income_preference": "reinvest"}).json()
        assert (body["name"], body["lot_method"], body["income_preference"]) == ("Plan", "hifo", "reinvest")

    def test_a_change_of_what_has_changed_since_is_refused(self, api: Any, owner: Any, opened: Any) -> None:
        row, seen = f"{ACCOUNTS}/{opened.json()['id']}", {"HTTP_IF_MATCH": opened["ETag"]}
        current = api(owner).patch(row, {"name": "Plan"}, **seen).json()
        stale = api(owner).patch(row, {"name": "Mine"}, **seen)
        assert (stale.status_code, stale.json()["current"]) == (409, current)
        assert api(owner).delete(row, **seen).status_code == 409
        assert api(owner).patch(row, {"name": "Mine"}, HTTP_IF_MATCH=stale["ETag"]).json()["name"] == "Mine"

    def test_close_it(self, api: Any, owner: Any, opened: Any) -> None:
        row = f"{ACCOUNTS}/{opened.json()['id']}"
        assert api(owner).delete(row).status_code == 204
        assert api(owner).get(row).status_code == 404
        assert Account.objects.get(pk=opened.json()["id"]).closed_at is not None

    def test_a_connections_account_is_neither_renamed_nor_closed(self, api: Any, portfolio: Portfolio) -> None:
        row, caller = f"{ACCOUNTS}/{portfolio.ira.pk}", api(portfolio.owner)
        assert set(caller.patch(row, {"name": "Mine"}).json()["errors"]) == {"name"}
        assert caller.patch(row, {"lot_method": "lifo"}).json()["lot_method"] == "lifo"
        assert (caller.delete(row).status_code, caller.get(row).status_code) == (409, 200)

    @pytest.mark.parametrize("method", ["get", "patch", "delete"])
    def test_anothers_is_not_there(self, api: Any, other: Any, opened: Any, method: str) -> None:
        answer = getattr(api(other), method)(f"{ACCOUNTS}/{opened.json()['id']}", {"name": "Mine"})
        assert answer.status_code == 404
        assert Account.objects.get(pk=opened.json()["id"]).name == "Old plan"

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [({"name": ""}, "name"), ({"name": "x" * 201}, "name"), ({"currency": "XYZ"}, "currency")],
    )
    def test_bad_input_opens_nothing(self, api: Any, owner: Any, wrong: dict[str, Any], field: str) -> None:
        answer = api(owner).post(ACCOUNTS, {"name": "Old plan", **wrong})
        assert (answer.status_code, set(answer.json()["errors"])) == (400, {field})
        assert not Account.objects.exists()


class TestInstruments:
    def test_what_one_has_by_ticker(self, api: Any, portfolio: Portfolio) -> None:
        body = api(portfolio.owner).get(INSTRUMENTS).json()
        tickers = [item["ticker_symbol"] for item in body["items"]]
        assert tickers == sorted(tickers) == ["AAPL", "AAPL270115C00250000", "CUR:USD", "TSLA", "VTI"]
        assert body["items"][0]["source"] == "plaid"

    def test_search(self, api: Any, portfolio: Portfolio) -> None:
        found = api(portfolio.owner).get(INSTRUMENTS, {"q": "vanguard"}).json()["items"]
        assert [item["ticker_symbol"] for item in found] == ["VTI"]

    def test_what_one_has_not_is_not_there(self, api: Any, other: Any, portfolio: Portfolio) -> None:
        assert api(other).get(INSTRUMENTS).json()["total_count"] == 0
        assert api(other).get(f"{INSTRUMENTS}/{portfolio.securities['sec-vti'].pk}").status_code == 404

    def test_queries_do_not_grow(self, api: Any, portfolio: Portfolio, django_assert_max_num_queries: Any) -> None:
        with django_assert_max_num_queries(6):
            api(portfolio.owner).get(INSTRUMENTS)


class TestCorporateActions:
    @pytest.fixture
    def split(self, portfolio: Portfolio) -> CorporateAction:
        apple = portfolio.securities["sec-aapl"]
        return CorporateAction.objects.create(
            security=apple, kind="split", ex_date=date(2020, 8, 31), ratio=4, source="fmp"
        )

    def test_of_what_one_has(self, api: Any, portfolio: Portfolio, split: CorporateAction) -> None:
        (item,) = api(portfolio.owner).get(ACTIONS, {"kind": "split", "date_to": "2020-12-31"}).json()["items"]
        assert (item["security"]["ticker_symbol"], item["ratio"], item["ex_date"]) == ("AAPL", "4", "2020-08-31")
        assert api(portfolio.owner).get(f"{ACTIONS}/{split.pk}").json() == item
        assert api(portfolio.owner).get(ACTIONS, {"date_from": "2021-01-01"}).json()["items"] == []

    def test_of_what_one_has_not(self, api: Any, other: Any, split: CorporateAction) -> None:
        assert api(other).get(ACTIONS).json()["total_count"] == 0
        assert api(other).get(f"{ACTIONS}/{split.pk}").status_code == 404

    def test_nobody_writes_them_here(self, api: Any, portfolio: Portfolio, split: CorporateAction) -> None:
        for method in ("post", "put", "patch", "delete"):
            assert getattr(api(portfolio.owner), method)(f"{ACTIONS}/{split.pk}", {}).status_code == 405
