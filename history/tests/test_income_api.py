"""`/api/v1/income` against closed forms: 10 + 4 Apple that pay so much a unit."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from history.api.income import BEHIND, CalendarQuery
from history.models import FxRate
from investments import ledger
from investments.entries import CorporateActionEntry, TransactionEntry
from investments.models import Account
from tests.fixtures import TODAY, Portfolio

URL, CALENDAR, FILE = "/api/v1/income", "/api/v1/income/calendar", "/api/v1/income/calendar.ics"
EVENING = datetime(2026, 11, 20, 23, tzinfo=UTC)
EX_DATES = [date(2026, 2, 6), date(2026, 5, 8), date(2026, 8, 7)]


@pytest.fixture(autouse=True)
def _evening() -> Any:
    with time_machine.travel(EVENING, tick=False):
        yield


def record(portfolio: Portfolio, *entries: TransactionEntry) -> None:
    accounts = {"brokerage": portfolio.brokerage, "ira": portfolio.ira}
    named: dict[str, Any] = {"accounts": accounts, "securities": portfolio.securities, "source": "plaid"}
    ledger.record_transactions(entries=entries, today=TODAY, **named)


def paid(external_id: str, day: date, amount: str, subtype: str = "dividend", **given: Any) -> TransactionEntry:
    told = {"account_external_id": "brokerage", "security_external_id": "sec-aapl", "type": "cash", **given}
    return TransactionEntry(external_id, date=day, subtype=subtype, amount=Decimal(amount), **told)


def declare(portfolio: Portfolio, *actions: CorporateActionEntry) -> None:
    apple = portfolio.securities["sec-aapl"].pk
    ledger.record_corporate_actions(security_ids=[apple], actions=actions, source="test")


def quarterly() -> list[CorporateActionEntry]:
    return [CorporateActionEntry("cash_dividend", day, cash_per_unit=Decimal("0.26")) for day in EX_DATES]


def test_received_of_a_year(api: Any, portfolio: Portfolio) -> None:
    """The fixture's 2.60; 10.00 with 1.50 withheld; the old one is not of the year."""
    tax = paid("w", date(2026, 8, 14), "1.50", "tax withheld")
    record(portfolio, paid("d", date(2026, 8, 14), "-10"), tax, paid("old", date(2025, 11, 20), "-99"))
    body = api(portfolio.owner).get(URL).json()
    assert body["received"] == {"gross": "12.60", "withheld": "1.50", "net": "11.10", "reinvested": "0.00"}
    assert {kind: sums["net"] for kind, sums in body["by_kind"].items()} == {
        "dividend": "12.60",
        "withholding": "-1.50",
    }
    months = dict(zip(body["months"]["months"], body["months"]["received"], strict=True))
    assert (months["2026-05-01"], months["2026-08-01"], sum(map(Decimal, months.values()))) == (
        "2.60",
        "10.00",
        Decimal("12.60"),
    )


def test_declared_a_unit_times_todays_units(api: Any, portfolio: Portfolio) -> None:
    """0.26 three times on 14 Apple: 10.92. Value 2275 + 910; the cost of the IRA's is not known, so of none."""
    declare(portfolio, *quarterly())
    body = api(portfolio.owner).get(URL).json()
    (apple,) = [one for one in body["securities"] if one["security"]["ticker_symbol"] == "AAPL"]
    assert (apple["units"], apple["trailing"], apple["expected"], apple["cost"]) == ("14", "10.92", "10.92", None)
    assert apple["yield_on_value"] == pytest.approx(10.92 / 3185)
    assert apple["yield_on_cost"] is None
    assert body["expected"]["total"] == "10.92"
    one_account = api(portfolio.owner).get(URL, {"filter_account": portfolio.brokerage.pk}).json()["securities"][0]
    assert (one_account["trailing"], one_account["yield_on_cost"]) == ("7.80", pytest.approx(7.80 / 1800))


def test_announced_projected_and_ex_dates_are_in_the_calendar(api: Any, portfolio: Portfolio) -> None:
    pays = CorporateActionEntry(
        "cash_dividend", date(2026, 12, 4), cash_per_unit=Decimal("0.30"), pay_date=date(2026, 12, 11)
    )
    void = CorporateActionEntry("cash_dividend", date(2026, 12, 18), cash_per_unit=Decimal(9), voided=True)
    declare(portfolio, *quarterly(), pays, void)
    items = api(portfolio.owner).get(CALENDAR).json()["items"]
    shown = [(item["date"], item["kind"], item["status"], item["amount"]) for item in items]
    # Paid on the day six days after its ex-date, as the fixture's dividend was.
    assert shown == [
        ("2026-12-04", "ex", "announced", "4.20"),
        ("2026-12-11", "pay", "announced", "4.20"),
        ("2027-02-12", "pay", "projected", "3.64"),
        ("2027-05-14", "pay", "projected", "3.64"),
        ("2027-08-13", "pay", "projected", "3.64"),
    ]
    assert (items[1]["per_unit"], items[1]["units"]) == ("0.3", "14")
    behind = api(portfolio.owner).get(CALENDAR, {"from": "2026-05-01", "to": "2026-05-31"}).json()["items"]
    assert [(item["kind"], item["status"], item["amount"]) for item in behind] == [
        ("ex", "announced", "3.64"),
        ("pay", "received", "2.60"),
    ]


def test_the_calendar_as_a_file(api: Any, portfolio: Portfolio) -> None:
    declare(portfolio, *quarterly())
    answer = api(portfolio.owner).get(FILE)
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    lines = answer.content.decode().replace("\r\n ", "").split("\r\n")
    starts = [line for line in lines if line.startswith("DTSTART")]
    assert starts == [f"DTSTART;VALUE=DATE:{day}" for day in ("20270212", "20270514", "20270813")]
    assert "SUMMARY:AAPL is expected to pay 3.64 USD" in lines
    assert lines.count("STATUS:TENTATIVE") == 3


def test_each_payment_at_the_rate_of_its_own_day(api: Any, portfolio: Portfolio) -> None:
    type(portfolio.owner).objects.filter(pk=portfolio.owner.pk).update(base_currency="EUR")
    assert api(portfolio.owner).get(URL).json()["missing_rates"] == ["USD"]
    for day, rate in (("2026-05-13", "1.30"), ("2026-11-20", "1.25")):
        FxRate.objects.create(base="EUR", quote="USD", day=day, rate=Decimal(rate), source="test")
    body = api(portfolio.owner).get(URL).json()
    assert (body["received"]["gross"], body["currency"], body["missing_rates"]) == ("2.00", "EUR", [])


def test_cancelled_payments_are_none(api: Any, portfolio: Portfolio) -> None:
    cancel = paid("c", date(2026, 5, 15), "2.60", "", type="cancel", cancels_external_id="t3")
    record(portfolio, cancel)
    assert api(portfolio.owner).get(URL).json()["received"]["gross"] == "0.00"


def test_what_dividends_are_for(api: Any, portfolio: Portfolio, other: Any) -> None:
    """4 of the 14 Apple are in the IRA: 3.12 of 10.92."""
    declare(portfolio, *quarterly())
    preference = f"{URL}/preferences/{portfolio.ira.pk}"
    version = Account.objects.get(pk=portfolio.ira.pk).ledger_version
    caller = api(portfolio.owner)
    assert caller.put(preference, {"preference": "reinvest"}).json() == {"preference": "reinvest"}
    expected = caller.get(URL).json()["expected"]
    assert (expected["total"], expected["reinvested"], expected["cash"]) == ("10.92", "3.12", "7.80")
    assert Account.objects.get(pk=portfolio.ira.pk).ledger_version == version
    assert api(other).put(preference, {"preference": "cash"}).status_code == 404
    wrong = caller.put(preference, {"preference": "moon"})
    assert (wrong.status_code, list(wrong.json()["errors"])) == (400, ["preference"])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "x"}, "from"),
        ({"from": "2026-02-01", "to": "2026-01-01"}, "from"),
        ({"source_filter": "x"}, "source_filter"),
    ],
)
def test_bad_input_names_the_field(api: Any, portfolio: Portfolio, query: dict[str, str], field: str) -> None:
    for url in (CALENDAR, FILE):
        answer = api(portfolio.owner).get(url, query)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_another_owner_sees_nothing(api: Any, portfolio: Portfolio, other: Any) -> None:
    assert api(other).get(URL).json()["received"]["gross"] == "0.00"
    assert api(other).get(CALENDAR).json()["items"] == []
    for url in (URL, CALENDAR, FILE):
        assert api(other).get(url, {"filter_account": portfolio.ira.pk}).status_code == 404


def test_query_count(api: Any, portfolio: Portfolio, django_assert_num_queries: Any) -> None:
    declare(portfolio, *quarterly())
    caller = api(portfolio.owner)
    # Savepoint, user and tenant, release; accounts; worths, holdings, transactions, actions.
    with django_assert_num_queries(8):
        caller.get(URL)


def test_a_calendar_without_dates_is_read_anew_each_day() -> None:
    """What the same text was read as is kept for queries that do not ask what day it is; this one does."""
    first = []
    for day in (date(2026, 11, 20), date(2026, 12, 20)):
        with time_machine.travel(datetime(day.year, day.month, day.day, 17, tzinfo=UTC), tick=False):
            query = CalendarQuery.of(Request(APIRequestFactory().get("/")))
            first.append(query.validated_data["from"] + BEHIND)
    assert first == [date(2026, 11, 20), date(2026, 12, 20)]
