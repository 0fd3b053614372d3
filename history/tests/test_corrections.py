"""What operators put right: shown before it is done, done whole or not at all, and written down."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from history.market.corporate_actions import ingest_actions
from history.market.correction_lines import BadCorrection, read_lines
from history.market.corrections import correct, preview
from history.market.price_files import load_prices
from history.market.price_rows import store_prices
from history.models import AccountHistory, Correction, MarketSymbol, Price, SecurityMapping, SymbolAction
from history.providers import DataProviderChain
from history.providers.base import Actions, DailyPrice, Split
from history.reconstruction.rebuild import rebuild_accounts
from history.tests.ledgers import book, checksum, evening, holding, stock, values_of
from history.tests.providers import Listed
from history.valuation import account_worths
from investments.models import Account, CorporateAction

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 20)
YESTERDAY = TODAY - timedelta(days=1)
SPLIT_DAY = date(2026, 6, 1)
AAPL, GE, FB = stock("AAPL"), stock("GE"), stock("FB")
ADD = "/admin/history/correction/add/"


@pytest.fixture
def accounts(owner: Any, other: Any, settings: Any) -> dict[str, Account]:
    settings.MARKET_DATA_PROVIDERS = ["stored"]
    days = [TODAY - timedelta(days=number) for number in range(760)]
    rows = [f"AAPL,{day},100\nGE,{day},10\nFB,{day},300" for day in days if day.weekday() < 5]
    load_prices("\n".join(["symbol,date,close", *rows]).splitlines(keepends=True))
    securities = [AAPL, GE, FB]
    made = {
        "apple": book(owner, "apple", securities=securities, holdings=[holding(AAPL, 10, 90)], on=TODAY),
        "general": book(other, "general", securities=securities, holdings=[holding(GE, 10, 9)], on=TODAY),
        "facebook": book(owner, "facebook", securities=securities, holdings=[holding(FB, 10, 9)], on=TODAY),
    }
    rebuild(made)
    return made


def rebuild(accounts: dict[str, Account]) -> set[str]:
    done = rebuild_accounts(account_ids=[one.pk for one in accounts.values()], now=evening(TODAY)).done
    return {name for name, account in accounts.items() if account.pk in done}


def do(text: str) -> set[int]:
    return correct(text=text, reason="The exchange says so", operator="op@example.com").account_ids


def everything() -> list[Any]:
    return [
        list(Price.objects.order_by("symbol", "day").values_list("symbol", "day", "close", "source")),
        list(CorporateAction.objects.values_list()),
        list(SymbolAction.objects.values_list()),
        list(MarketSymbol.objects.values_list()),
        list(Account.objects.order_by("pk").values_list("pk", "ledger_version")),
        list(AccountHistory.objects.order_by("pk").values_list("pk", "stale_from")),
        Correction.objects.count(),
    ]


class TestPrice:
    def test_it_is_followed_by_exactly_the_accounts_concerned(self, accounts: dict[str, Account]) -> None:
        others = [accounts["general"].pk, accounts["facebook"].pk]
        before = checksum(others)
        assert do(f"price,AAPL,{YESTERDAY},120.5") == {accounts["apple"].pk}
        assert rebuild(accounts) == {"apple"}
        assert values_of(accounts["apple"])[YESTERDAY] == 1205
        assert checksum(others) == before

    def test_no_provider_and_no_file_overwrites_it(self, accounts: dict[str, Account]) -> None:
        do(f"price,AAPL,{YESTERDAY},120.5")
        symbol = MarketSymbol.objects.get(symbol="AAPL")
        assert store_prices([(symbol.pk, "yahoo", DailyPrice(YESTERDAY, Decimal(99)))], overwrite=True) == 0
        load_prices([*f"symbol,date,close\nAAPL,{YESTERDAY},99\n".splitlines(keepends=True)])
        kept = Price.objects.get(symbol=symbol, day=YESTERDAY)
        assert (kept.close, kept.source) == (Decimal("120.5"), "operator")

    def test_it_is_written_down(self, accounts: dict[str, Account]) -> None:
        do(f"price,AAPL,{YESTERDAY},120.5")
        row = Correction.objects.get()
        assert (row.operator, row.reason) == ("op@example.com", "The exchange says so")
        assert (row.before, row.after, row.accounts) == ("100 (file)", "120.5 (operator)", 1)


class TestActions:
    def test_a_split_is_added_corrected_and_voided(self, accounts: dict[str, Account]) -> None:
        before = checksum([accounts["general"].pk])
        for line, units in ((f"split,AAPL,{SPLIT_DAY},5", 2), (f"split,AAPL,{SPLIT_DAY},2", 5)):
            assert do(line) == {accounts["apple"].pk}
            assert rebuild(accounts) == {"apple"}
            assert values_of(accounts["apple"])[SPLIT_DAY - timedelta(days=1)] == units * 100
        do(f"void,AAPL,{SPLIT_DAY},split")
        assert rebuild(accounts) == {"apple"}
        assert values_of(accounts["apple"])[SPLIT_DAY - timedelta(days=1)] == 1000
        assert [row.after for row in Correction.objects.order_by("pk")][-1] == "split 2.000000000000 void"
        assert checksum([accounts["general"].pk]) == before

    def test_what_was_voided_stays_so_whatever_providers_tell(self, accounts: dict[str, Account]) -> None:
        chain = DataProviderChain([Listed({}, actions={"AAPL": Actions((Split(SPLIT_DAY, Decimal(5)),))})])
        ingest_actions(chain=chain, now=evening(TODAY))
        do(f"void,AAPL,{SPLIT_DAY},split")
        versions = dict(Account.objects.values_list("pk", "ledger_version"))
        told = ingest_actions(chain=chain, now=evening(TODAY))
        assert (told.told, told.written) == (0, 0)
        assert CorporateAction.objects.get().voided_at is not None
        assert dict(Account.objects.values_list("pk", "ledger_version")) == versions

    def test_a_stock_dividend_multiplies_units(self, accounts: dict[str, Account]) -> None:
        do(f"stock_dividend,AAPL,{SPLIT_DAY},1.25")
        rebuild(accounts)
        assert values_of(accounts["apple"])[SPLIT_DAY - timedelta(days=1)] == 800

    def test_a_spin_off_and_a_merger_name_their_successor(self, accounts: dict[str, Account]) -> None:
        do(f"spin_off,GE,{SPLIT_DAY},0.25,AAPL,0.2\nmerger,FB,{SPLIT_DAY},0.5,AAPL,12.5")
        spin_off = CorporateAction.objects.get(kind="spin_off")
        assert (str(spin_off.successor), spin_off.ratio, spin_off.basis_fraction) == (
            "AAPL", Decimal("0.25"), Decimal("0.2"),
        )  # fmt: skip
        merger = CorporateAction.objects.get(kind="merger")
        assert (str(merger.successor), merger.ratio, merger.cash_per_unit) == ("AAPL", Decimal("0.5"), Decimal("12.5"))
        assert not SymbolAction.objects.exists()

    def test_worthless_is_worth_nothing_from_then_on(self, accounts: dict[str, Account]) -> None:
        assert do(f"delisting,FB,{YESTERDAY},0") == {accounts["facebook"].pk}
        symbol = MarketSymbol.objects.get(symbol="FB")
        assert (symbol.active, symbol.delisted_on) == (False, YESTERDAY)
        assert rebuild(accounts) == {"facebook"}
        values = values_of(accounts["facebook"])
        assert values[YESTERDAY - timedelta(days=1)] == 3000
        assert values[YESTERDAY] == values[TODAY] == 0
        (worth,) = account_worths(account_ids=[accounts["facebook"].pk], now=evening(TODAY))
        assert worth.value == 0

    def test_a_delisting_without_a_price_carries_the_last(self, accounts: dict[str, Account]) -> None:
        do(f"delisting,FB,{YESTERDAY}")
        rebuild(accounts)
        assert values_of(accounts["facebook"])[TODAY] == 3000
        assert MarketSymbol.objects.get(symbol="FB").active is False

    def test_a_symbol_change_keeps_one_history(self, accounts: dict[str, Account]) -> None:
        old = MarketSymbol.objects.get(symbol="FB")
        new = MarketSymbol.objects.create(symbol="META")
        Price.objects.create(symbol=new, day=TODAY + timedelta(days=1), close=310, source="yahoo")
        before = values_of(accounts["facebook"])
        do(f"symbol_change,FB,{YESTERDAY},META")
        symbol = MarketSymbol.objects.get(symbol="META")
        assert symbol.pk == old.pk
        assert not MarketSymbol.objects.filter(symbol="FB").exists()
        assert Price.objects.filter(symbol=symbol, day=TODAY + timedelta(days=1)).exists()
        assert SecurityMapping.objects.get(security__external_id="FB").symbol == symbol
        rebuild(accounts)
        assert values_of(accounts["facebook"]) == before


class TestAllOrNone:
    def test_a_preview_tells_all_and_changes_nothing(self, accounts: dict[str, Account]) -> None:
        before = everything()
        text = f"price,AAPL,{YESTERDAY},120.5\nsplit,GE,{SPLIT_DAY},0.125\nsymbol_change,FB,{YESTERDAY},META"
        shown = preview(text=text)
        assert (shown.changes[0].before, shown.changes[0].after) == ("100 (file)", "120.5 (operator)")
        assert {one.name for one in shown.accounts()} == {"apple", "general", "facebook"}
        assert everything() == before

    def test_one_bad_line_stops_all(self, accounts: dict[str, Account]) -> None:
        before = everything()
        with pytest.raises(BadCorrection, match="Line 2, symbol: there is no 'NOPE'"):
            do(f"price,AAPL,{YESTERDAY},120.5\nprice,NOPE,{YESTERDAY},1")
        assert everything() == before

    def test_a_reason_is_needed(self, accounts: dict[str, Account]) -> None:
        with pytest.raises(BadCorrection, match="reason"):
            correct(text=f"price,AAPL,{YESTERDAY},120.5", reason=" ", operator="op@example.com")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "There is no line"),
        ("prise,AAPL,2026-11-19,1", "Line 1, kind"),
        ("price,AAPL,yesterday,1", "Line 1, day"),
        ("price,AAPL,2026-11-19,x", "Line 1, cash: 'x' is not a number"),
        ("price,AAPL,2026-11-19,NaN", "cannot be"),
        ("price,AAPL,2026-11-19", "Line 1, close: it is missing"),
        ("# a comment\nsplit,AAPL,2026-11-19,0", "Line 2, ratio"),
        ("split,AAPL,2026-11-19,2,3,4", "it is to read split,symbol,day,ratio"),
        ("spin_off,GE,2026-11-19,1,GEV,1.5", "Line 1, fraction"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, told: str) -> None:
    with pytest.raises(BadCorrection, match=told):
        read_lines(text)


class TestAdmin:
    @pytest.fixture
    def operator(self, staff: Any, client: Client) -> Client:
        staff.is_superuser = True
        staff.save(update_fields=["is_superuser"])
        client.force_login(staff)
        return client

    def test_it_is_shown_first_and_done_once_confirmed(self, operator: Client, accounts: dict[str, Account]) -> None:
        assert operator.get(ADD).status_code == 200
        form = {"lines": f"price,AAPL,{YESTERDAY},120.5", "reason": "The exchange says so"}
        page = operator.post(ADD, form)
        assert "apple (" in page.content.decode()
        assert "general (" not in page.content.decode()
        assert not Correction.objects.exists()
        done = operator.post(ADD, {**form, "confirmed": page.context["digest"]}, follow=True)
        assert "1 corrected; 1 accounts will be rebuilt" in done.content.decode()
        assert Correction.objects.get().operator

    def test_other_lines_than_were_shown_are_shown_again(self, operator: Client, accounts: Any) -> None:
        form = {"lines": f"price,AAPL,{YESTERDAY},120.5", "reason": "The exchange says so"}
        digest = operator.post(ADD, form).context["digest"]
        operator.post(ADD, {**form, "lines": f"price,AAPL,{YESTERDAY},999", "confirmed": digest})
        assert not Correction.objects.exists()

    def test_a_bad_line_and_a_missing_reason_are_told(self, operator: Client, accounts: Any) -> None:
        answer = operator.post(ADD, {"lines": "price,NOPE,2026-11-19,1", "reason": "why"}).content.decode()
        assert "there is no" in answer
        assert "required" in operator.post(ADD, {"lines": "price,AAPL,2026-11-19,1"}).content.decode()

    @pytest.mark.parametrize("model", ["correction", "pricedoubt"])
    def test_the_lists_open(self, operator: Client, accounts: Any, model: str) -> None:
        do(f"price,AAPL,{YESTERDAY},120.5")
        assert operator.get(f"/admin/history/{model}/").status_code == 200
