from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from history.models import FxRate
from investments.models import Account, Holding
from tests.fixtures import BROKERAGE_VALUE, TODAY, TOTAL_CASH, TOTAL_VALUE

URL = "/api/portfolio/value"
EVENING = datetime(2026, 11, 20, 23, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _evening() -> Any:
    with time_machine.travel(EVENING, tick=False):
        yield


def test_total_cash_and_freshness(api: Any, portfolio: Any) -> None:
    Holding.objects.exclude(security__type="cash").update(priced_on=TODAY)
    body = api(portfolio.owner).get(URL).json()
    assert (Decimal(body["total"]), Decimal(body["cash"]), body["currency"]) == (TOTAL_VALUE, TOTAL_CASH, "USD")
    assert (body["as_of"], body["freshness"]["state"], body["positions"]) == ("2026-11-20", "current", 5)


def test_day_change_is_of_the_positions_that_have_one(api: Any, portfolio: Any) -> None:
    Holding.objects.filter(security__ticker_symbol="VTI").update(day_change=Decimal("-200"))
    body = api(portfolio.owner).get(URL).json()
    # 5800 now, 6000 before.
    assert (body["day_change"], body["day_change_percent"]) == ("-200.00", -3.3333)


def test_nothing_priced_says_so(api: Any, portfolio: Any) -> None:
    body = api(portfolio.owner).get(URL).json()
    assert (body["day_change"], body["as_of"], body["freshness"]["state"]) == (None, None, "unpriced")
    Holding.objects.update(priced_on="2026-11-18")
    assert api(portfolio.owner).get(URL).json()["freshness"]["state"] == "stale"


def test_filter_account(api: Any, portfolio: Any) -> None:
    body = api(portfolio.owner).get(URL, {"filter_account": portfolio.brokerage.pk}).json()
    assert Decimal(body["total"]) == BROKERAGE_VALUE
    nothing = api(portfolio.owner).get(URL, {"source_filter": "brokerage"}).json()
    assert nothing["total"] == "0.00"


def test_base_currency_and_a_rate_that_nobody_knows(api: Any, portfolio: Any) -> None:
    type(portfolio.owner).objects.filter(pk=portfolio.owner.pk).update(base_currency="EUR")
    body = api(portfolio.owner).get(URL).json()
    assert (body["total"], body["missing_rates"]) == ("0.00", ["USD"])
    FxRate.objects.create(base="EUR", quote="USD", day="2026-11-20", rate=Decimal("1.25"), source="test")
    body = api(portfolio.owner).get(URL).json()
    assert (body["currency"], body["total"], body["missing_rates"]) == ("EUR", "7582.68", [])


def test_another_owner_sees_nothing(api: Any, portfolio: Any, other: Any) -> None:
    assert api(other).get(URL).json()["total"] == "0.00"
    assert api(other).get(URL, {"filter_account": portfolio.ira.pk}).status_code == 404


def test_an_account_of_ones_own_does_not_open_a_foreign_one(api: Any, portfolio: Any, other: Any) -> None:
    own = Account.objects.create(owner=other, institution=portfolio.ira.institution, external_id="o", name="Mine")
    answer = api(other).get(URL, {"filter_account": [own.pk, portfolio.ira.pk]})
    assert answer.status_code == 404


def test_bad_input_names_the_field(api: Any, portfolio: Any) -> None:
    for name, value in {"filter_account": "x", "source_filter": "moon"}.items():
        answer = api(portfolio.owner).get(URL, {name: value})
        assert (answer.status_code, set(answer.json()["errors"])) == (400, {name})


def test_query_count(api: Any, portfolio: Any, django_assert_num_queries: Any) -> None:
    caller = api(portfolio.owner)
    # Savepoint, user and tenant, accounts, their worth, the day's minutes, release.
    with django_assert_num_queries(6):
        caller.get(URL)
