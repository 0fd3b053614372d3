from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from history.models import Anomaly
from history.reconstruction.anomalies import FIXES
from investments.models import Account, Security

URL = "/api/portfolio/anomalies"


@pytest.fixture
def told(portfolio: Any) -> Any:
    apple = Security.objects.filter(ticker_symbol="AAPL").first() or Security.objects.first()
    named = {"owner": portfolio.owner, "account": portfolio.brokerage, "size": Decimal("-10.5")}
    for number, kind in enumerate(Anomaly.Kind.values, start=1):
        Anomaly.objects.create(kind=kind, day=date(2026, 3, number), security=apple, **named)
    return portfolio


def test_each_in_words_with_what_puts_it_right(api: Any, told: Any, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(6):
        body = api(told.owner).get(URL).json()
    assert body["total_count"] == len(body["items"]) == len(Anomaly.Kind.values) == len(FIXES)
    assert [item["day"] for item in body["items"]] == sorted((item["day"] for item in body["items"]), reverse=True)
    one = next(item for item in body["items"] if item["kind"] == "negative_units")
    assert (one["size"], one["unit"], one["fix"], one["day"]) == ("-10.5", "units", "sale", "2026-03-01")
    assert (one["account_id"], one["title"]) == (told.brokerage.pk, f"A sale of {one['security']} is missing")
    assert (one["url"], one["endpoint"]) == (f"/transactions/add/?account={told.brokerage.pk}", None)
    cash = next(item for item in body["items"] if item["kind"] == "negative_cash")
    assert (cash["unit"], cash["fix"], "$10.50" in cash["detail"]) == ("USD", "deposit", True)
    assert (cash["url"], cash["endpoint"]) == (f"/transactions/add/?account={told.brokerage.pk}", None)
    seam = next(item for item in body["items"] if item["kind"] == "seam")
    assert seam["url"].startswith(f"/transactions/?account={told.brokerage.pk}")
    assert {item["fix"] for item in body["items"] if item["kind"] in ("unmapped", "never_priced")} == {"mapping"}
    assert all(item["title"] and item["detail"] and item["advice"] for item in body["items"])


def test_where_nobody_reports_what_is_held_it_is_the_purchase_that_is_missing(api: Any, told: Any) -> None:
    Account.objects.filter(pk=told.brokerage.pk).update(source=Security.Source.MANUAL)
    one = next(item for item in api(told.owner).get(URL).json()["items"] if item["kind"] == "negative_units")
    assert (one["fix"], one["title"]) == ("opening_balance", f"A purchase of {one['security']} is missing")
    assert (one["url"], one["endpoint"]) == (f"/tax/?account={told.brokerage.pk}#fixes", "/api/v1/reconciliation")


def test_by_account_and_nobody_elses(api: Any, told: Any, other: Any) -> None:
    assert api(told.owner).get(URL, {"filter_account": told.ira.pk}).json() == {"items": [], "total_count": 0}
    assert api(other).get(URL).json()["total_count"] == 0
    assert api(other).get(URL, {"filter_account": told.brokerage.pk}).status_code == 404
