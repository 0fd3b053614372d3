from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from history.models import AccountDay
from investments.models import Account
from tests.fixtures import TODAY, Portfolio

URL = "/api/portfolio/history"


@pytest.fixture(autouse=True)
def _evening() -> Any:
    with time_machine.travel(datetime(2026, 11, 20, 23, tzinfo=UTC), tick=False):
        yield


def _write_days(account: Account, first: date, values: list[str], flows: dict[date, str] | None = None) -> None:
    AccountDay.objects.bulk_create(
        AccountDay(
            account=account,
            owner_id=account.owner_id,
            day=first + timedelta(days=number),
            value=Decimal(value),
            cash=Decimal("10.5"),
            cost_basis=Decimal(100),
            net_flow=Decimal((flows or {}).get(first + timedelta(days=number), "0")),
            income=0,
            fees=0,
            securities_count=1,
            quality=1.0,
            snapshot_type=AccountDay.SnapshotType.RECONSTRUCTED,
        )
        for number, value in enumerate(values)
    )


@pytest.fixture
def days(portfolio: Portfolio) -> Portfolio:
    _write_days(portfolio.brokerage, date(2026, 11, 18), ["100", "110", "260"], {TODAY: "150"})
    _write_days(portfolio.ira, date(2026, 11, 18), ["50.005", "50.005", "50.005"])
    return portfolio


def test_columns_over_both_accounts(api: Any, days: Portfolio) -> None:
    body = api(days.owner).get(URL).json()
    assert body["dates"] == ["2026-11-18", "2026-11-19", "2026-11-20"]
    assert body["value"] == ["150.01", "160.01", "310.01"]
    assert body["cash"] == ["21.00", "21.00", "21.00"]
    assert body["net_flow"] == ["0.00", "0.00", "150.00"]
    # 150 came in, so the last day made nothing.
    assert body["gain"] == ["0.00", "10.00", "10.00"]
    assert body["twrr"][1] == body["twrr"][2] == round(160.005 / 150.005, 8)
    assert {len(body[name]) for name in ("dates", "value", "cost_basis", "income", "fees", "quality")} == {3}


def test_periods(api: Any, days: Portfolio) -> None:
    _write_days(days.brokerage, date(2024, 11, 10), ["90"] * 30)
    caller = api(days.owner)
    first_days = {"1D": "2026-11-19", "1W": "2026-11-18", "1Y": "2026-11-18", "2Y": "2024-11-20", "ALL": "2024-11-10"}
    for period, first in first_days.items():
        assert caller.get(URL, {"period": period}).json()["dates"][0] == first, period
    ranged = caller.get(URL, {"from": "2024-11-12", "to": "2024-11-13"}).json()
    assert ranged["dates"] == ["2024-11-12", "2024-11-13"]
    assert caller.get(URL, {"from": "2027-01-01"}).json()["dates"] == []


def test_resolution(api: Any, days: Portfolio) -> None:
    _write_days(days.brokerage, date(2026, 10, 30), ["90"] * 19, {date(2026, 10, 31): "5", date(2026, 11, 4): "7.25"})
    caller = api(days.owner)
    body = caller.get(URL, {"from": "2026-10-30", "resolution": "month", "filter_account": days.brokerage.pk}).json()
    assert body["dates"] == ["2026-10-30", "2026-10-31", "2026-11-20"]
    assert (body["value"], body["net_flow"]) == (["90.00", "90.00", "260.00"], ["0.00", "5.00", "157.25"])
    assert (body["gain"][-1], body["twrr"][0]) == ("7.75", 1.0)  # 260 - 90 - 5 - 157.25
    weekly = caller.get(URL, {"from": "2026-10-30", "resolution": "week"}).json()
    assert weekly["dates"] == ["2026-10-30", "2026-11-01", "2026-11-08", "2026-11-15", "2026-11-20"]


def test_filter_account(api: Any, days: Portfolio) -> None:
    body = api(days.owner).get(URL, {"filter_account": days.ira.pk}).json()
    assert body["value"] == ["50.01", "50.01", "50.01"]
    assert api(days.owner).get(URL, {"source_filter": "brokerage"}).json()["dates"] == []


def test_an_etag_saves_the_second_answer(api: Any, days: Portfolio) -> None:
    caller = api(days.owner)
    for query in ({}, {"period": "1D"}):  # the version of what it is made of, and a hash of what it says
        first = caller.get(URL, query)
        again = caller.get(URL, query, HTTP_IF_NONE_MATCH=first["ETag"])
        assert (again.status_code, again.content) == (304, b"")
        assert again["ETag"] == first["ETag"]
        assert "private" in first["Cache-Control"]


def test_another_owner_sees_nothing(api: Any, days: Portfolio, other: Any) -> None:
    assert api(other).get(URL, {"period": "ALL"}).json()["dates"] == []
    assert api(other).get(URL, {"filter_account": days.ira.pk}).status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"period": "1M1D"}, "period"),
        ({"period": "1Y", "from": "2026-01-01"}, "period"),
        ({"from": "2026-02-30"}, "from"),
        ({"from": "2026-02-02", "to": "2026-02-01"}, "from"),
        ({"to": "later"}, "to"),
        ({"filter_account": "x"}, "filter_account"),
        ({"source_filter": "moon"}, "source_filter"),
        ({"resolution": "minute"}, "resolution"),
    ],
)
def test_bad_input_names_the_field(api: Any, days: Portfolio, query: dict[str, str], field: str) -> None:
    answer = api(days.owner).get(URL, query)
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {field})


def test_query_count(api: Any, days: Portfolio, django_assert_num_queries: Any) -> None:
    caller = api(days.owner)
    # User, accounts and versions; then savepoint, tenant, rows, release.
    with django_assert_num_queries(6):
        caller.get(URL)
    with django_assert_num_queries(2):  # kept
        caller.get(URL)
