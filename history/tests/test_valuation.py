"""What holdings are worth: our close against the brokerage's word, exact, and cash counted once."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from history.market.symbols import map_securities
from history.models import FxRate, MarketSymbol, Price
from history.tests.ledgers import CASH, book, evening, holding, stock
from history.valuation import CURRENCY, IS_CASH, MULTIPLIER, AccountWorth, account_worths, total_worth, value_holdings
from investments import ledger
from investments.entries import CorporateActionEntry, HoldingEntry, SecurityEntry
from investments.models import Account, Holding, Security

pytestmark = pytest.mark.django_db

THURSDAY, FRIDAY = date(2026, 11, 19), date(2026, 11, 20)
SATURDAY = FRIDAY + timedelta(days=1)
AAPL = stock("AAPL")
CALL = SecurityEntry(
    "call", ticker_symbol="AAPL270115C00250000", type="derivative", option_contract_type="call", iso_currency_code="USD"
)
ADJUSTED = replace(CALL, external_id="adjusted", ticker_symbol="AAPL1270115C00250000", contract_size=Decimal(150))
FUND = SecurityEntry("fund", name="Target 2040", type="mutual fund", iso_currency_code="USD")
BOND = SecurityEntry("bond", type="fixed income", iso_currency_code="USD", fixed_income={"quoted_per_100": True})
BITCOIN = SecurityEntry("btc", ticker_symbol="CUR:BTC", type="cryptocurrency", iso_currency_code="USD")
SIEMENS = stock("SIE", market_identifier_code="XETR", iso_currency_code="EUR")


def closes(symbol: str, *prices: tuple[date, object]) -> None:
    row = MarketSymbol.objects.get(symbol=symbol)
    Price.objects.bulk_create(
        [Price(symbol=row, day=day, close=Decimal(str(price)), source="test") for day, price in prices]
    )


def held(owner: Any, *holdings: HoldingEntry, **account: Any) -> Account:
    """An account with these holdings of the securities above, mapped."""
    securities = [AAPL, CALL, FUND, BOND, BITCOIN, SIEMENS]
    made = book(owner, securities=securities, holdings=holdings, on=FRIDAY, **account)
    map_securities(security_ids=Security.objects.values_list("pk", flat=True))
    return made


def valued(account: Account, on: date = FRIDAY) -> list[tuple[Any, ...]]:
    """(value, price, priced on, day change) of each holding."""
    value_holdings(account_ids=[account.pk], now=evening(on))
    fields = ("market_value", "market_price", "priced_on", "day_change")
    return list(Holding.objects.filter(account=account).order_by("pk").values_list(*fields))


def worth(account: Account, on: date = FRIDAY, **options: Any) -> AccountWorth:
    value_holdings(account_ids=[account.pk], now=evening(on))
    return account_worths(account_ids=[account.pk], now=evening(on), **options)[0]


class TestWhosePrice:
    def test_our_close_values_what_the_brokerage_priced_before_it(self, owner: Any) -> None:
        account = held(owner, holding(AAPL, "10.123456789012", 90, as_of=THURSDAY))
        closes("AAPL", (THURSDAY, 98), (FRIDAY, "100.123456"))
        expected = (Decimal("10.123456789012") * Decimal("100.123456")).quantize(Decimal("0.0001"))
        assert valued(account)[0][:3] == (expected, Decimal("100.123456"), FRIDAY)

    def test_the_brokerages_value_wins_when_it_is_as_fresh(self, owner: Any) -> None:
        account = held(owner, holding(AAPL, 10, 101, as_of=FRIDAY, value="1010.07"))
        closes("AAPL", (THURSDAY, 98), (FRIDAY, 100))
        assert valued(account)[0] == (Decimal("1010.07"), 101, FRIDAY, Decimal("30.07"))

    def test_a_brokerages_price_of_unknown_day_does_not(self, owner: Any) -> None:
        account = held(owner, holding(AAPL, 10, 101))
        closes("AAPL", (FRIDAY, 100))
        assert valued(account)[0][:3] == (1000, 100, FRIDAY)

    def test_what_has_no_price_of_ours_has_the_brokerages(self, owner: Any) -> None:
        account = held(owner, holding(FUND, 10, "12.5", as_of=THURSDAY), holding(AAPL, 1, 90))
        assert [row[:3] for row in valued(account)] == [(125, Decimal("12.5"), THURSDAY), (90, 90, None)]

    def test_a_price_of_tomorrow_is_not_used(self, owner: Any) -> None:
        account = held(owner, holding(AAPL, 10, 90, as_of=THURSDAY))
        closes("AAPL", (FRIDAY, 100), (SATURDAY, 999))
        assert valued(account)[0][:3] == (1000, 100, FRIDAY)


class TestWhatIsCounted:
    def test_options_count_a_hundred_fold(self, owner: Any) -> None:
        account = held(owner, holding(CALL, 2, "3.50", as_of=FRIDAY, value=700))
        security = Security.objects.get(external_id="call")
        symbol = MarketSymbol.objects.create(symbol="OPT", kind="option")
        security.mapping.symbol = symbol
        security.mapping.save()
        closes("OPT", (FRIDAY, "3.60"))
        Holding.objects.update(institution_price_as_of=THURSDAY)
        assert valued(account)[0][0] == 720

    def test_shorts_count_against(self, owner: Any) -> None:
        account = held(owner, holding(AAPL, -10, 90, as_of=THURSDAY), holding(CASH, 2500))
        closes("AAPL", (THURSDAY, 98), (FRIDAY, 100))
        assert [(row[0], row[3]) for row in valued(account)] == [(-1000, -20), (2500, 0)]
        assert (worth(account).value, worth(account).cash) == (1500, 2500)

    @pytest.mark.parametrize("entry", [AAPL, CALL, ADJUSTED, FUND, BOND, BITCOIN, SIEMENS, CASH])
    def test_sql_and_model_agree_on_a_security(self, entry: SecurityEntry) -> None:
        (security,) = ledger.upsert_securities(source="plaid", entries=[entry]).by_external_id.values()
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {MULTIPLIER}, {IS_CASH}, {CURRENCY} FROM investments_security s", {})
            assert cursor.fetchone() == (security.multiplier, security.is_cash, security.currency)

    def test_cash_in_a_holding_and_cash_in_balances_count_once_each(self, owner: Any) -> None:
        holding_account = held(owner, holding(CASH, "1043.10"))
        balance_account = held(owner, name="IRA", uninvested_cash=Decimal("250.25"))
        assert (worth(holding_account).value, worth(holding_account).cash) == (Decimal("1043.10"), Decimal("1043.10"))
        assert (worth(balance_account).value, worth(balance_account).cash) == (Decimal("250.25"), Decimal("250.25"))

    def test_a_removed_holding_counts_no_more(self, owner: Any) -> None:
        account = held(owner, holding(AAPL, 10, 90))
        held(owner)  # the next snapshot is empty
        assert worth(account).value == 0

    def test_a_holding_just_synced_counts_before_it_is_valued(self, owner: Any) -> None:
        account = held(owner, holding(AAPL, 10, 90))
        assert account_worths(account_ids=[account.pk])[0].value == 900

    def test_a_closed_account_is_worth_nothing(self, owner: Any) -> None:
        account = held(owner, holding(AAPL, 10, 90))
        ledger.close_accounts(account_ids=[account.pk])
        assert account_worths(account_ids=[account.pk]) == []


class TestDayChange:
    def test_it_is_since_the_close_before(self, owner: Any) -> None:
        account = held(owner, holding(AAPL, 10, 90))
        closes("AAPL", (THURSDAY, 98), (FRIDAY, 100))
        assert valued(account)[0][3] == 20

    def test_on_a_weekend_it_is_still_fridays(self, owner: Any) -> None:
        account = held(owner, holding(AAPL, 10, 100, as_of=SATURDAY))
        closes("AAPL", (THURSDAY, 98), (FRIDAY, 100))
        assert valued(account, on=SATURDAY)[0][2:] == (SATURDAY, 20)

    def test_crypto_has_a_weekend_of_its_own(self, owner: Any) -> None:
        account = held(owner, holding(BITCOIN, 2, 90))
        closes("BTC-USD", (THURSDAY, 80), (FRIDAY, 90), (SATURDAY, 95))
        assert valued(account, on=SATURDAY)[0][3] == 10

    def test_a_split_over_night_is_no_change(self, owner: Any) -> None:
        account = held(owner, holding(AAPL, 40, 25))
        ledger.record_corporate_actions(
            security_ids=[Security.objects.get(external_id="AAPL").pk],
            actions=[CorporateActionEntry("split", FRIDAY, Decimal(4))],
            source="test",
        )
        closes("AAPL", (THURSDAY, 100), (FRIDAY, "25.50"))
        assert valued(account)[0][3] == 20

    def test_without_a_close_before_it_is_unknown(self, owner: Any) -> None:
        account = held(owner, holding(AAPL, 10, 90), holding(FUND, 1, 5, as_of=FRIDAY))
        closes("AAPL", (FRIDAY, 100))
        assert [row[3] for row in valued(account)] == [None, None]

    def test_a_price_of_last_week_has_no_change_today(self, owner: Any) -> None:
        account = held(owner, holding(AAPL, 10, 90))
        closes("AAPL", (date(2026, 11, 12), 98), (date(2026, 11, 13), 100))
        assert valued(account)[0][3] is None

    def test_in_total_it_is_a_fraction_of_what_changed(self, owner: Any) -> None:
        account = held(owner, holding(AAPL, 10, 90), holding(CASH, 3020), holding(FUND, 10, 500, as_of=FRIDAY))
        closes("AAPL", (THURSDAY, 98), (FRIDAY, 100))
        total = total_worth([worth(account)])
        assert (total.value, total.day_change) == (9020, 20)
        assert total.day_change_fraction == Decimal(20) / Decimal(4000)  # 980 of shares and the cash; not the fund


class TestCurrencies:
    def test_a_foreign_holding_is_converted(self, owner: Any) -> None:
        FxRate.objects.create(base="EUR", quote="USD", day=THURSDAY, rate=Decimal("1.10"), source="test")
        account = held(owner, holding(SIEMENS, 10, 90, as_of=THURSDAY))
        closes("SIE", (THURSDAY, 98), (FRIDAY, 100))
        assert valued(account)[0] == (1100, 100, FRIDAY, 22)

    def test_the_inverse_of_a_rate_serves(self, owner: Any) -> None:
        FxRate.objects.create(base="USD", quote="EUR", day=THURSDAY, rate=Decimal("0.8"), source="test")
        account = held(owner, holding(SIEMENS, 10, 90))
        assert valued(account)[0][0] == Decimal("1125")

    def test_a_missing_rate_is_named_and_never_one(self, owner: Any) -> None:
        account = held(owner, holding(SIEMENS, 10, 90), holding(AAPL, 1, 50))
        assert [row[0] for row in valued(account)] == [None, 50]
        total = total_worth([worth(account)])
        assert (total.value, total.missing_rates) == (50, ("EUR",))

    def test_accounts_are_totalled_in_the_base_currency(self, owner: Any) -> None:
        dollars = held(owner, holding(CASH, 100))
        euros = held(owner, name="Depot", currency="EUR", uninvested_cash=Decimal(50))
        both = account_worths(account_ids=[dollars.pk, euros.pk], base_currency="EUR")
        assert total_worth(both, base_currency="EUR").missing_rates == ("USD",)
        FxRate.objects.create(base="EUR", quote="USD", day=THURSDAY, rate=Decimal("1.25"), source="test")
        both = account_worths(account_ids=[dollars.pk, euros.pk], base_currency="EUR", now=evening(FRIDAY))
        assert total_worth(both, base_currency="EUR").value == Decimal(130)


class TestWriting:
    def test_rows_that_are_right_are_left_alone(self, owner: Any) -> None:
        account = held(owner, holding(AAPL, 10, 90), holding(CASH, 5))
        closes("AAPL", (FRIDAY, 100))
        assert value_holdings(account_ids=[account.pk], now=evening(FRIDAY)) == 2
        assert value_holdings(account_ids=[account.pk], now=evening(FRIDAY)) == 0

    def test_as_many_queries_however_many_accounts(self, owner: Any, django_assert_num_queries: Any) -> None:
        ids = [held(owner, holding(AAPL, number + 1, 90), name=f"A{number}").pk for number in range(4)]
        for some in (ids[:1], ids):
            with django_assert_num_queries(3):  # which symbols may have quotes, the values, the sums
                value_holdings(account_ids=some)
                assert len(account_worths(account_ids=some)) == len(some)
