"""Splits and dividends that providers tell: applied once, to whom they concern, however late they are told."""

import csv
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured

from history.core.actions import is_plain_split
from history.market.corporate_actions import ingest_actions
from history.market.price_files import load_prices
from history.market.told_actions import actions_as_told, store_actions
from history.models import AccountHistory, MarketSymbol, SymbolAction
from history.providers import DataProviderChain
from history.providers.base import Actions, Dividend, Split
from history.reconstruction.rebuild import rebuild_accounts
from history.tests.ledgers import book, checksum, evening, holding, state_of, stock, values_of
from history.tests.providers import Down, Listed
from investments.models import Account, CorporateAction

TODAY = date(2014, 12, 30)
EX_DATE = date(2014, 6, 9)
AAPL, MSFT = stock("AAPL"), stock("MSFT")
SEVEN = Actions((Split(EX_DATE, Decimal(7)),), (Dividend(date(2014, 8, 7), Decimal("0.47")),))


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        ("7", True),  # AAPL 2014-06-09
        ("20", True),  # GOOG 2022-07-18
        ("0.125", True),  # GE 2021-08-02
        ("1.5", True),
        ("0.333333333333", True),
        ("0.004", True),  # 1:250
        ("0.66666667", True),
        ("1.05", True),  # a stock dividend of 5 %
        ("1.025", True),
        ("1.281", False),  # GE 2023-01-04, GE HealthCare
        ("1.253", False),  # GE 2024-04-02, GE Vernova
        ("1.324", False),  # T 2022-04-11, Warner Bros.
        ("2.002", False),  # GOOG 2014-03-27, the class C shares
        ("1.0027455", False),  # GOOG 2015-04-27
        ("1000000", False),  # nobody has ever
        ("0.0000001", False),
    ],
)
def test_what_vendors_call_a_split(ratio: str, expected: bool) -> None:
    assert is_plain_split(Decimal(ratio)) is expected


def chain(actions: Mapping[str, Actions]) -> DataProviderChain:
    return DataProviderChain([Listed({}, actions=actions)])


def closes(ticker: str) -> list[tuple[date, Decimal]]:
    file = Path(configured.REFERENCE_DATA) / "market/prices/quandl2014/quandl-2014.csv"
    if not file.exists():
        pytest.skip("The reference data are not there: set LONGVIEW_REFERENCE_DATA")
    with file.open() as lines:
        rows = [row for row in csv.DictReader(lines) if row["ticker"] == ticker]
    return sorted((date.fromisoformat(row["date"]), Decimal(row["close"])) for row in rows)


def load(tickers: Sequence[str]) -> None:
    rows = [f"{ticker},{day},{close}" for ticker in tickers for day, close in closes(ticker)]
    header = "symbol,date,close"
    load_prices("\n".join([header, *rows]).splitlines(keepends=True))


@pytest.fixture
def accounts(owner: Any, settings: Any) -> dict[str, Account]:
    """A holder of Apple and one of Microsoft at the end of 2014, rebuilt before anybody told of Apple's split."""
    settings.MARKET_DATA_PROVIDERS = ["stored"]
    load(["AAPL", "MSFT"])
    securities = [AAPL, MSFT]
    made = {
        "apple": book(owner, "apple", securities=securities, holdings=[holding(AAPL, 70, 110)], on=TODAY),
        "microsoft": book(owner, "microsoft", securities=securities, holdings=[holding(MSFT, 10, 47)], on=TODAY),
    }
    rebuild(made)
    return made


def rebuild(accounts: Mapping[str, Account]) -> tuple[int, ...]:
    ids = [account.pk for account in accounts.values()]
    return rebuild_accounts(account_ids=ids, now=evening(TODAY)).done


@pytest.mark.django_db
class TestIngest:
    def test_a_split_told_late_leaves_no_jump_and_other_accounts_alone(self, accounts: dict[str, Account]) -> None:
        apple, microsoft = accounts["apple"], accounts["microsoft"]
        before, known = checksum([microsoft.pk]), dict(closes("AAPL"))
        friday = date(2014, 6, 6)
        assert values_of(apple)[friday] == 70 * known[friday]  # 645.57: seven times too much
        told = ingest_actions(chain=chain({"AAPL": SEVEN}), now=evening(TODAY))
        assert (told.told, told.written, told.failed) == (2, 2, ())
        assert set(AccountHistory.objects.exclude(stale_from=None).values_list("pk", flat=True)) == {apple.pk}
        assert rebuild(accounts) == (apple.pk,)
        after = values_of(apple)
        assert after[friday] == 10 * known[friday]
        assert after[EX_DATE] == 70 * known[EX_DATE]
        assert abs(after[EX_DATE] / after[friday] - 1) < Decimal("0.05")
        assert checksum([microsoft.pk]) == before
        assert state_of(apple).stale_from is None

    def test_twice_changes_nothing(self, accounts: dict[str, Account]) -> None:
        asked = chain({"AAPL": SEVEN})
        ingest_actions(chain=asked, now=evening(TODAY))
        versions = dict(Account.objects.values_list("pk", "ledger_version"))
        again = ingest_actions(chain=asked, now=evening(TODAY))
        assert (again.told, again.written, again.new_splits) == (0, 0, ())
        assert dict(Account.objects.values_list("pk", "ledger_version")) == versions

    def test_a_dividend_is_kept_and_rebuilds_nobody(self, accounts: dict[str, Account]) -> None:
        versions = dict(Account.objects.values_list("pk", "ledger_version"))
        ingest_actions(chain=chain({"AAPL": Actions((), SEVEN.dividends)}), now=evening(TODAY))
        paid = CorporateAction.objects.get(security__external_id="AAPL")
        assert (paid.kind, paid.ex_date, paid.cash_per_unit) == ("cash_dividend", date(2014, 8, 7), Decimal("0.47"))
        assert dict(Account.objects.values_list("pk", "ledger_version")) == versions
        assert not AccountHistory.objects.exclude(stale_from=None).exists()

    def test_a_split_of_an_odd_ratio_multiplies_nobodys_units(self, accounts: dict[str, Account]) -> None:
        odd = Actions((Split(date(2014, 4, 2), Decimal("1.253")),))
        told = ingest_actions(chain=chain({"AAPL": odd}), now=evening(TODAY))
        assert (told.told, told.written) == (1, 0)
        assert SymbolAction.objects.get().kind == "spin_off"
        assert not CorporateAction.objects.exists()

    def test_what_nobody_could_be_asked_about_is_named(self, accounts: dict[str, Account]) -> None:
        told = ingest_actions(chain=DataProviderChain([Down()]), now=evening(TODAY))
        assert (told.told, told.failed) == (0, ("AAPL", "MSFT"))

    def test_symbols_are_asked_for_in_batches(self, owner: Any, settings: Any) -> None:
        settings.MARKET_DATA_PROVIDERS = ["stored"]
        many = [stock(f"S{number:03}") for number in range(70)]
        account = book(owner, securities=many, holdings=[holding(one, 1) for one in many], on=TODAY)
        rebuild({"many": account})
        provider = Counting({})
        ingest_actions(chain=DataProviderChain([provider]), now=evening(TODAY))
        assert [len(symbols) for symbols in provider.calls] == [50, 20]

    def test_what_an_operator_entered_stays(self, accounts: dict[str, Account]) -> None:
        ingest_actions(chain=chain({"AAPL": SEVEN}), now=evening(TODAY))
        for row in (*SymbolAction.objects.filter(kind="split"), *CorporateAction.objects.filter(kind="split")):
            type(row).objects.filter(pk=row.pk).update(ratio=5, source="operator")
        ingest_actions(chain=chain({"AAPL": SEVEN}), now=evening(TODAY))
        assert SymbolAction.objects.get(kind="split").ratio == CorporateAction.objects.get(kind="split").ratio == 5

    def test_queries_do_not_grow_with_actions(self, accounts: Any, django_assert_num_queries: Any) -> None:
        symbol = MarketSymbol.objects.get(symbol="AAPL").pk
        told = Actions((), tuple(Dividend(date(2014, 1, day), Decimal(1)) for day in range(1, 30)))
        with django_assert_num_queries(2):
            assert len(store_actions(actions_as_told(symbol, told, "test"))) == 29
        with django_assert_num_queries(1):
            assert store_actions(actions_as_told(symbol, told, "test")) == []


class Counting(Listed):
    """Remembers for which symbols it was asked about actions."""

    def __init__(self, closes: Mapping[str, str]) -> None:
        super().__init__(closes)
        self.calls: list[tuple[str, ...]] = []

    def corporate_actions(self, symbols: Sequence[str], start: date, end: date) -> Mapping[str, Actions]:
        self.calls.append(tuple(symbols))
        return {symbol: Actions() for symbol in symbols}
