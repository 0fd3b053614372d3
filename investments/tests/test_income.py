"""Income by closed forms: what so many units pay at so much a unit."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investments.core import income
from investments.core.income import Declared, Held, PerUnit, Row, Split, Status
from tests.reference import reference

TODAY = date(2026, 11, 20)
STOCK = 1
QUARTERS = [date(2026, 2, 16), date(2026, 5, 15), date(2026, 8, 14), date(2026, 11, 13)]


def dividend(day: date, amount: str, *, fees: str = "0", account: int = 1, subtype: str = "dividend") -> Row:
    return Row(day, account, STOCK, "cash", subtype, -Decimal(amount) + Decimal(fees), Decimal(fees))


def reinvestment(day: date, amount: str, account: int = 1) -> Row:
    return Row(day, account, STOCK, "buy", "dividend reinvestment", Decimal(amount))


def declared(ex_date: date, per_unit: str = "0.5", pay_date: date | None = None, *, special: bool = False) -> Declared:
    return Declared(STOCK, ex_date, Decimal(per_unit), pay_date, special)


class TestPayments:
    def test_gross_withheld_and_net(self) -> None:
        rows = [
            dividend(TODAY, "100", fees="2"),
            Row(TODAY, 1, STOCK, "cash", "tax withheld", Decimal(15)),
            Row(TODAY, 1, STOCK, "fee", "non-resident tax", Decimal(5)),
            Row(TODAY, 1, None, "fee", "account fee", Decimal(9)),
            Row(TODAY, 1, None, "cash", "tax", Decimal(50)),
        ]
        (total,) = income.sums(income.payments(rows), lambda one: one.security).values()
        assert (total.gross, total.withheld, total.net) == (100, 22, 78)

    def test_whoever_is_short_pays(self) -> None:
        (paid,) = income.payments([dividend(TODAY, "-30")])
        assert paid.gross == -30

    @pytest.mark.parametrize(
        ("subtype", "kind"),
        [
            ("qualified dividend", "dividend"),
            ("interest", "interest"),
            ("long-term capital gain", "capital gain"),
            ("return of principal", "return of capital"),
        ],
    )
    def test_kinds(self, subtype: str, kind: str) -> None:
        (paid,) = income.payments([dividend(TODAY, "1", subtype=subtype)])
        assert paid.kind == kind

    def test_a_reinvestment_spends_its_dividend_and_is_not_counted_twice(self) -> None:
        rows = [dividend(TODAY, "10"), reinvestment(TODAY + timedelta(days=2), "10"), dividend(TODAY, "7", account=2)]
        paid = income.payments(rows)
        assert sorted((one.account, one.gross, one.reinvested) for one in paid) == [(1, 10, 10), (2, 7, 0)]

    def test_a_reinvestment_that_is_all_the_brokerage_tells_is_income(self) -> None:
        rows = [reinvestment(TODAY, "10"), dividend(TODAY - timedelta(days=30), "10")]
        assert [(one.gross, one.reinvested) for one in income.payments(rows)] == [(10, 0), (10, 10)]

    def test_two_reinvestments_need_two_dividends(self) -> None:
        rows = [dividend(TODAY, "10"), reinvestment(TODAY, "10"), reinvestment(TODAY, "10")]
        assert sum(one.gross for one in income.payments(rows)) == 20


class TestUnits:
    held = Held(
        Decimal(30),
        [(date(2026, 3, 1), Decimal(5)), (date(2026, 9, 1), Decimal(10))],
        [Split(date(2026, 6, 1), Decimal(2))],
    )

    @pytest.mark.parametrize(
        ("day", "units"),
        [
            (date(2026, 2, 28), 10),  # 5 of them, doubled since
            (date(2026, 3, 1), 20),  # 10, doubled
            (date(2026, 5, 31), 20),
            (date(2026, 8, 31), 20),
            (date(2026, 9, 1), 30),
        ],
    )
    def test_held_at_the_end_of_a_day_in_units_of_today(self, day: date, units: int) -> None:
        assert self.held.at(day) == units

    @settings(max_examples=50)
    @given(
        trades=st.lists(st.tuples(st.dates(date(2026, 1, 1), TODAY), st.integers(-50, 50).map(Decimal)), max_size=8),
        splits=st.lists(
            st.tuples(st.dates(date(2026, 1, 1), TODAY), st.sampled_from([2, 3, 4])),
            max_size=2,
            unique_by=lambda x: x[0],
        ),
        day=st.dates(date(2026, 1, 1), TODAY),
    )
    def test_as_walking_forward_day_by_day_has_it(
        self, trades: list[tuple[date, Decimal]], splits: list[tuple[date, int]], day: date
    ) -> None:
        """The slow way: a position that grows a day at a time, split at the start of the ex-date."""
        units, on_day = Decimal(100), Decimal(0)
        when = date(2026, 1, 1)
        while when <= TODAY:
            ratio = dict(splits).get(when, 1)
            units, on_day = units * ratio, on_day * ratio
            units += sum(change for traded, change in trades if traded == when)
            on_day = units if when == day else on_day
            when += timedelta(days=1)
        held = Held(units, trades, [Split(ex_date, Decimal(ratio)) for ex_date, ratio in splits])
        assert held.at(day) == on_day


class TestLastYear:
    def test_received_on_the_units_of_their_day(self) -> None:
        """40 units until June, 100 since: 20 and 50 received are 0.50 a unit each time."""
        held = Held(Decimal(100), [(date(2026, 6, 1), Decimal(60))])
        rows = [dividend(QUARTERS[1], "20"), dividend(QUARTERS[2], "50")]
        per_unit = income.last_year(income.payments(rows), [], held, TODAY)
        assert [one.amount for one in per_unit] == [Decimal("0.5"), Decimal("0.5")]
        assert income.trailing(per_unit, held.units) == 100

    def test_two_accounts_paid_on_one_day_are_one_payment(self) -> None:
        rows = [dividend(QUARTERS[1], "30"), dividend(QUARTERS[1], "20", account=2)]
        assert income.last_year(income.payments(rows), [], Held(Decimal(100)), TODAY) == [
            PerUnit(QUARTERS[1], Decimal("0.5"))
        ]

    def test_what_was_declared_before_a_split_counts_for_less(self) -> None:
        held = Held(Decimal(100), splits=[Split(date(2026, 6, 1), Decimal(4))])
        told = [declared(QUARTERS[0], "2", QUARTERS[0]), declared(QUARTERS[2], "0.5", QUARTERS[2])]
        assert [one.amount for one in income.last_year([], told, held, TODAY)] == [Decimal("0.5"), Decimal("0.5")]

    def test_a_split_on_the_ex_date_is_before_it(self) -> None:
        held = Held(Decimal(100), splits=[Split(QUARTERS[0], Decimal(4))])
        assert [one.amount for one in income.last_year([], [declared(QUARTERS[0], "2", QUARTERS[0])], held, TODAY)] == [
            Decimal("0.5")
        ]

    def test_exactly_a_year_back_is_not_of_the_year(self) -> None:
        days = [TODAY - timedelta(days=365), TODAY - timedelta(days=364), TODAY]
        rows = [dividend(day, "10") for day in days]
        assert [one.day for one in income.last_year(income.payments(rows), [], Held(Decimal(10)), TODAY)] == days[1:]

    def test_the_lag_from_ex_date_to_payment_is_learnt(self) -> None:
        paid = income.payments([dividend(day, "50") for day in QUARTERS[:3]])
        told = [declared(day - timedelta(days=21)) for day in QUARTERS[:3]]
        assert income.payment_lag(paid, told) == timedelta(days=21)
        assert [one.day for one in income.last_year(paid, told, Held(Decimal(100)), TODAY)] == QUARTERS[:3]


class TestExpected:
    held = Held(Decimal(100))

    def test_steady_quarters_go_on(self) -> None:
        """100 units at 4 x 0.50: 200 a year, of a value of 5,000 4 %, of a cost of 4,000 5 %."""
        year = [PerUnit(day, Decimal("0.5")) for day in QUARTERS]
        ahead = income.projected(STOCK, year, [], Decimal(100), TODAY)
        assert [(one.day.year, one.amount) for one in ahead] == [(2027, 50)] * 4
        assert income.yield_on(income.trailing(year, Decimal(100)), Decimal(5000)) == 0.04
        assert income.yield_on(income.trailing(year, Decimal(100)), Decimal(4000)) == 0.05

    def test_announced_takes_the_place_of_what_was_expected(self) -> None:
        year = [PerUnit(day, Decimal("0.5")) for day in QUARTERS]
        told = income.announced([declared(date(2027, 1, 28), "0.6", date(2027, 2, 17))], self.held, timedelta(), TODAY)
        ahead = income.projected(STOCK, year, told, Decimal(100), TODAY)
        assert [(one.status, one.amount) for one in told] == [(Status.ANNOUNCED, 60)]
        assert [one.day for one in ahead] == [date(2027, 5, 15), date(2027, 8, 14), date(2027, 11, 13)]

    def test_announced_pays_who_held_before_the_ex_date(self) -> None:
        """30 of the 100 were bought on the ex-date and get nothing."""
        ex_date, pay_date = date(2026, 11, 10), date(2026, 12, 1)
        held = Held(Decimal(100), [(ex_date, Decimal(30))])
        (told,) = income.announced([declared(ex_date, "0.5", pay_date)], held, timedelta(), TODAY)
        assert (told.day, told.units, told.amount) == (pay_date, 70, 35)

    def test_specials_are_not_expected_again(self) -> None:
        year = [PerUnit(QUARTERS[0], Decimal(5), special=True), PerUnit(QUARTERS[1], Decimal("0.5"))]
        assert [one.day for one in income.projected(STOCK, year, [], Decimal(100), TODAY)] == [date(2027, 5, 15)]

    def test_what_is_sold_pays_no_more(self) -> None:
        assert income.projected(STOCK, [PerUnit(QUARTERS[0], Decimal(1))], [], Decimal(0), TODAY) == []

    def test_leap_day(self) -> None:
        assert income.a_year_later(date(2028, 2, 29)) == date(2029, 2, 28)

    @pytest.mark.parametrize("of", [None, Decimal(0), Decimal(-5)])
    def test_no_yield_on_nothing(self, of: Decimal | None) -> None:
        assert income.yield_on(Decimal(5), of) is None


def test_months_and_their_sums() -> None:
    months = income.months_around(date(2026, 1, 15), before=2, after=2)
    assert months == [date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)]
    amounts = [(date(2025, 12, 31), Decimal(1)), (date(2026, 2, 1), Decimal(2)), (date(2026, 4, 1), Decimal(4))]
    assert income.by_month(amounts, months) == [1, 0, 2, 0]


def test_a_published_case() -> None:
    """ghostfolio: one MSFT that paid 0.62, bought for 298.58, worth 331.83; it paid in 2021."""
    cases = reference("01_ghostfolio")["cases"]
    case = next(one for one in cases if one["id"] == "gf_msft_buy_with_dividend")
    told = next(row for row in case["activities"] if row["type"] == "DIVIDEND")
    day, amount = date.fromisoformat(told["date"]), Decimal(told["quantity"]) * Decimal(told["unit_price"])
    paid = income.payments([Row(day, 1, STOCK, "cash", "dividend", -amount)])
    assert sum(one.gross for one in paid) == Decimal(case["expected"]["dividend"])
    held = Held(Decimal(case["expected"]["quantity"]))
    assert income.last_year(paid, [], held, date.fromisoformat(case["as_of"])) == []
    per_unit = income.last_year(paid, [], held, day)
    assert income.trailing(per_unit, held.units) == Decimal("0.62")
