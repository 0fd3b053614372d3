"""Totals over accounts and days: nothing that begins, lags or ends may look like a gain or a loss."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from history.models import AccountDay, FxRate
from history.series import EARLIEST, PERIODS, Period, UnknownPeriod, account_values, period_of, totals
from history.tests.ledgers import book
from investments.models import Account

MONDAY = date(2026, 11, 9)
WEEK = Period(MONDAY, MONDAY + timedelta(days=4))


def account(owner: Any, name: str, first: int, values: str, flows: Mapping[int, str] = {}, **fields: Any) -> Account:
    """An account with these values from day `first` of the week on; `flows` by day of the week."""
    made = book(owner, name, on=MONDAY, **fields)
    for number, value in enumerate(values.split(), start=first):
        AccountDay.objects.create(
            account=made, owner=owner, day=MONDAY + timedelta(days=number), value=Decimal(value), cash=Decimal(1),
            cost_basis=Decimal(50), net_flow=Decimal(flows.get(number, "0")), income=Decimal("0.125"), fees=0,
            securities_count=1, quality=1, snapshot_type=1,
        )  # fmt: skip
    return made


def columns(*accounts: Account, period: Period = WEEK, **options: Any) -> dict[str, Any]:
    return totals(account_ids=[one.pk for one in accounts], period=period, **options)


@pytest.mark.django_db
class TestTotals:
    def test_values_are_summed_at_full_precision_and_rounded_once(self, owner: Any) -> None:
        both = [account(owner, name, 0, "10.0049 20 30 40 50") for name in ("A", "B")]
        found = columns(*both)
        assert found["value"] == ["20.01", "40.00", "60.00", "80.00", "100.00"]
        assert found["income"] == ["0.25"] * 5
        assert found["dates"][0] == "2026-11-09"
        assert found["snapshot_type"] == ["reconstructed"] * 5

    def test_a_deposit_is_neither_gain_nor_return(self, owner: Any) -> None:
        found = columns(account(owner, "A", 0, "100 110 210 231 115.5", {2: "100"}))
        assert found["gain"] == ["0.00", "10.00", "10.00", "31.00", "-84.50"]
        assert found["twrr"] == pytest.approx([1, 1.1, 1.1, 1.21, 0.605])

    def test_a_flow_on_the_first_day_is_part_of_where_it_starts(self, owner: Any) -> None:
        found = columns(account(owner, "A", 0, "100 110 110 110 110", {0: "100"}))
        assert (found["gain"][-1], found["net_flow"][0], found["twrr"][-1]) == ("10.00", "100.00", 1.1)

    def test_an_account_that_starts_later_enters_as_a_flow(self, owner: Any) -> None:
        found = columns(account(owner, "A", 0, "100 100 100 100 100"), account(owner, "B", 2, "500 550 550"))
        assert found["value"] == ["100.00", "100.00", "600.00", "650.00", "650.00"]
        assert found["net_flow"][2] == "500.00"
        assert found["gain"] == ["0.00", "0.00", "0.00", "50.00", "50.00"]
        assert found["twrr"] == pytest.approx([1, 1, 1, 650 / 600, 650 / 600])

    def test_an_account_that_lags_counts_with_its_last_value(self, owner: Any) -> None:
        found = columns(account(owner, "A", 0, "100 100 100 100 100"), account(owner, "B", 0, "40 41 42", {2: "1"}))
        assert found["value"] == ["140.00", "141.00", "142.00", "142.00", "142.00"]
        assert found["net_flow"] == ["0.00", "0.00", "1.00", "0.00", "0.00"]

    def test_a_closed_account_leaves_as_a_flow(self, owner: Any) -> None:
        closed = account(owner, "B", 0, "40 41 42")
        Account.objects.filter(pk=closed.pk).update(closed_at="2026-11-11T20:00Z")
        found = columns(account(owner, "A", 0, "100 100 100 100 100"), closed)
        assert found["value"] == ["140.00", "141.00", "142.00", "100.00", "100.00"]
        assert found["net_flow"][3] == "-42.00"
        assert found["gain"][-1] == "2.00"

    def test_from_nothing_the_index_stays_and_then_moves(self, owner: Any) -> None:
        found = columns(account(owner, "A", 0, "0 0 100 120 0", {2: "100", 4: "-120"}))
        assert found["twrr"] == pytest.approx([1, 1, 1, 1.2, 1.2])

    def test_an_unknown_basis_of_any_part_is_unknown(self, owner: Any) -> None:
        first, second = account(owner, "A", 0, "1 1"), account(owner, "B", 0, "1 1")
        AccountDay.objects.filter(account=second, day=MONDAY).update(cost_basis=None)
        assert columns(first, second)["cost_basis"] == [None, "100.00"]

    def test_quality_is_weighed_by_value(self, owner: Any) -> None:
        first, second = account(owner, "A", 0, "300"), account(owner, "B", 0, "100")
        AccountDay.objects.filter(account=second).update(quality=0.2)
        assert columns(first, second)["quality"] == [0.8]

    def test_no_accounts_and_no_days_are_empty_columns(self, owner: Any) -> None:
        assert {len(column) for column in columns().values() if isinstance(column, list)} == {0}

    def test_two_queries(self, owner: Any, django_assert_num_queries: Any) -> None:
        many = [account(owner, name, 0, "1 2 3 4 5") for name in "ABCD"]
        with django_assert_num_queries(2):  # the rows, and what the accounts are kept in
            columns(*many)


@pytest.mark.django_db
class TestCurrencies:
    def test_each_day_has_its_own_rate_and_a_missing_one_is_named(self, owner: Any) -> None:
        for number, rate in ((1, "2"), (3, "3")):
            FxRate.objects.create(
                base="EUR", quote="USD", day=MONDAY + timedelta(days=number), rate=Decimal(rate), source="test"
            )
        euros, dollars = account(owner, "E", 0, "10 10 10 10 10", currency="EUR"), account(owner, "D", 0, "1 1 1 1 1")
        found = columns(euros, dollars)
        assert found["value"] == [None, "21.00", "21.00", "31.00", "31.00"]
        assert found["missing_rates"] == ["EUR"]
        assert columns(euros, dollars, base_currency="EUR")["value"][1:] == ["10.50", "10.50", "10.33", "10.33"]

    def test_yen_have_no_cents(self, owner: Any) -> None:
        assert columns(account(owner, "J", 0, "1000.5", currency="JPY"), base_currency="JPY")["value"] == ["1001"]


@pytest.mark.django_db
def test_values_by_account(owner: Any) -> None:
    first, second = account(owner, "A", 0, "1 2"), account(owner, "B", 1, "5.005")
    assert account_values(account_ids=[first.pk, second.pk], period=WEEK) == {
        first.pk: {"dates": ["2026-11-09", "2026-11-10"], "value": ["1.00", "2.00"]},
        second.pk: {"dates": ["2026-11-10"], "value": ["5.01"]},
    }
    assert account_values(account_ids=[], period=WEEK) == {}


FRIDAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("name", "today", "start"),
    [
        ("1D", FRIDAY, date(2026, 11, 19)),
        ("1D", date(2026, 11, 22), date(2026, 11, 19)),  # Sunday: Friday's change
        ("1D", date(2026, 11, 23), FRIDAY),
        ("1W", FRIDAY, date(2026, 11, 13)),
        ("YTD", FRIDAY, date(2025, 12, 31)),
        ("1Y", FRIDAY, date(2025, 11, 20)),
        ("2Y", FRIDAY, date(2024, 11, 20)),
        ("ALL", FRIDAY, EARLIEST),
    ],
)
def test_a_period_starts_at_the_close_that_change_is_measured_from(name: str, today: date, start: date) -> None:
    assert period_of(name, today=today) == Period(start, today)


def test_every_period_is_known_and_no_other() -> None:
    assert all(period_of(name, today=FRIDAY).end == FRIDAY for name in PERIODS)
    with pytest.raises(UnknownPeriod):
        period_of("5Y", today=FRIDAY)
    with pytest.raises(UnknownPeriod):
        Period(FRIDAY, MONDAY)
