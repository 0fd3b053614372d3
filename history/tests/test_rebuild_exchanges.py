"""Spin-offs, mergers and a reverse split from an operator's line or a provider's word to the stored history."""

import csv
import gzip
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured

from history.market.corporate_actions import ingest_actions
from history.market.correction_lines import BadCorrection
from history.market.corrections import correct
from history.market.price_files import load_prices
from history.market.symbols import map_securities
from history.providers import DataProviderChain
from history.providers.base import Actions, Split
from history.reconstruction.rebuild import rebuild_accounts
from history.tests.ledgers import book, checksum, evening, holding, row, stock, values_of
from history.tests.providers import Listed
from investments import ledger, manual
from investments.lots import recompute_lots
from investments.models import Account, CorporateAction, RealizedLot, Security, TaxLot

pytestmark = pytest.mark.django_db
TODAY, EX_DATE = date(2026, 11, 20), date(2026, 6, 1)
GE, GEV, OLD, NEW, IBM = (stock(ticker) for ticker in ("GE", "GEV", "OLD", "NEW", "IBM"))
BEFORE = EX_DATE - timedelta(days=3)  # a Friday
GE_FILE = Path(configured.REFERENCE_DATA) / "market/prices/wiki/GE.csv.gz"


@pytest.fixture(autouse=True)
def _files_only(settings: Any) -> None:
    settings.MARKET_DATA_PROVIDERS = ["stored"]


def load(**closes: Any) -> None:
    """Closes by ticker, on weekdays before and since the ex-date; None where there is none."""
    days = [TODAY - timedelta(days=number) for number in range(760)]
    rows = [
        f"{ticker},{day},{close}"
        for ticker, (before, since) in closes.items()
        for day in days
        if day.weekday() < 5 and (close := before if day < EX_DATE else since) is not None
    ]
    load_prices("\n".join(["symbol,date,close", *rows]).splitlines(keepends=True))


def rebuild(*accounts: Account) -> tuple[int, ...]:
    return rebuild_accounts(account_ids=[account.pk for account in accounts], now=evening(TODAY)).done


def do(text: str) -> set[int]:
    return correct(text=text, reason="The company says so", operator="op@example.com").account_ids


class TestSpinOff:
    @pytest.fixture
    def accounts(self, owner: Any, other: Any) -> dict[str, Account]:
        load(GE=(200, 160), GEV=(None, 160), IBM=(100, 100))
        on: dict[str, Any] = {"securities": [GE, GEV, IBM], "on": TODAY}
        booked = row("transfer/spin off", EX_DATE + timedelta(days=3), 0, GEV, 10)
        both = [holding(GE, 40, cost_basis=Decimal(4000)), holding(GEV, 10, cost_basis=Decimal(1000))]
        made = {
            "unbooked": book(owner, "unbooked", holdings=both, **on),
            "booked": book(other, "booked", holdings=both, transactions=[booked], **on),
            "bystander": book(owner, "bystander", holdings=[holding(IBM, 10)], **on),
        }
        rebuild(*made.values())
        return made

    def test_an_operators_word_rebuilds_its_holders_and_no_others(self, accounts: dict[str, Account]) -> None:
        before = checksum([accounts["bystander"].pk])
        assert values_of(accounts["unbooked"])[EX_DATE] == 8000
        concerned = do(f"spin_off,GE,{EX_DATE},0.25,GEV,0.2")
        assert concerned == {accounts["unbooked"].pk, accounts["booked"].pk}
        assert set(rebuild(*accounts.values())) == concerned
        for name in ("unbooked", "booked"):
            values = values_of(accounts[name])
            assert {values[BEFORE], values[EX_DATE], values[EX_DATE + timedelta(days=1)], values[TODAY]} == {8000}
        assert checksum([accounts["bystander"].pk]) == before
        do(f"spin_off,GE,{EX_DATE},0.25,GEV,0.2")
        assert rebuild(*accounts.values()) == (), "what is entered twice changes nothing"

    def test_a_paper_listed_later_by_another_id_has_it_too(self, accounts: dict[str, Account], other: Any) -> None:
        do(f"spin_off,GE,{EX_DATE},0.25,GEV,0.2")
        twin, child = stock("GE", external_id="ge-2"), stock("GEV", external_id="gev-2")
        held = [holding(twin, 80), holding(child, 20)]
        late = book(other, "late", securities=[twin, child], holdings=held, on=TODAY)
        rebuild(late)
        assert values_of(late)[BEFORE] == values_of(late)[EX_DATE] == 16000


class TestMerger:
    def account(self, owner: Any, *holdings: Any, cash: int) -> Account:
        return book(owner, securities=[OLD, NEW], holdings=holdings, uninvested_cash=Decimal(cash), on=TODAY)

    def test_shares_and_cash_that_nobody_booked(self, owner: Any) -> None:
        """100 at 50 become 50 at 80 and 1,000 in cash; the brokerage drops the old and lists the new."""
        load(OLD=(50, None), NEW=(80, 80))
        self.account(owner, holding(OLD, 100, 50), cash=0)
        account = self.account(owner, holding(NEW, 50, 80), cash=1000)
        rebuild(account)
        do(f"merger,OLD,{EX_DATE},0.5,NEW,10,40")
        assert CorporateAction.objects.get(security__external_id="OLD").unit_value == 40
        rebuild(account)
        assert set(values_of(account).values()) == {5000}

    def test_a_worthless_end(self, owner: Any) -> None:
        load(OLD=(50, None), NEW=(80, 80))
        self.account(owner, holding(OLD, 100, 50), cash=7)
        account = self.account(owner, cash=7)
        rebuild(account)
        do(f"delisting,OLD,{EX_DATE},0")
        rebuild(account)
        values = values_of(account)
        assert (values[BEFORE], values[EX_DATE], values[TODAY]) == (5007, 7, 7)


class TestBuyout:
    """100 at 50 are paid out at 60; the brokerage books a plain sale three days later, or nothing but the cash."""

    @pytest.mark.parametrize("line", [f"merger,OLD,{EX_DATE},,,60", f"delisting,OLD,{EX_DATE},60"])
    @pytest.mark.parametrize("units", [-100, 0])
    def test_told_and_booked_is_paid_once(self, owner: Any, line: str, units: int) -> None:
        load(OLD=(50, None))
        paid_on = EX_DATE + timedelta(days=3)
        rows = [
            row("buy/buy", BEFORE - timedelta(days=30), 5000, OLD, 100),
            row("sell/sell", paid_on, -6000, OLD, units),
        ]
        account = book(owner, securities=[OLD], holdings=[], transactions=rows, uninvested_cash=Decimal(6000), on=TODAY)
        rebuild(account)
        do(line)
        rebuild(account)
        values = values_of(account)
        assert (values[BEFORE], values[paid_on], values[TODAY]) == (5000, 6000, 6000)
        assert max(values.values()) == 6000
        recompute_lots(owner_id=owner.pk)
        (closed,) = RealizedLot.objects.filter(owner=owner)
        assert (closed.closed, closed.gain) == (paid_on if units else EX_DATE, 1000)
        assert not TaxLot.objects.filter(owner=owner).exists()

    @pytest.mark.parametrize(("sold", "paid", "then"), [(None, 0, 6000), (-100, 3, 5000), (0, 3, 0)])
    def test_of_an_account_kept_by_hand_it_is_the_cash(
        self, owner: Any, sold: int | None, paid: int, then: int
    ) -> None:
        """Whether its owner enters a sale, the cash alone, or nothing."""
        load(OLD=(50, None))
        account = manual.open_account(owner_id=owner.pk, name="By hand", subtype="brokerage", currency="USD")
        securities = ledger.upsert_securities(source="csv", entries=[OLD]).by_external_id
        month, paid_on = BEFORE - timedelta(days=30), EX_DATE + timedelta(days=paid)
        entered = [row("cash/deposit", month, -5000), row("buy/buy", month, 5000, OLD, 100)]
        entered += [] if sold is None else [row("sell/sell", paid_on, -6000, OLD, sold)]
        ledger.record_transactions(
            accounts={"": account}, securities=securities, source="manual", entries=entered, today=TODAY
        )
        map_securities(security_ids=[securities["OLD"].pk])
        do(f"merger,OLD,{EX_DATE},,,60")
        rebuild(account)
        account.refresh_from_db()
        assert account.uninvested_cash == 6000
        assert not account.holdings.held().exists()
        values = values_of(account)
        assert (values[BEFORE], values[EX_DATE], values[paid_on], values[TODAY]) == (5000, then, 6000, 6000)


class TestLotsFollow:
    """An operator's line reaches the tax lots as well as the history."""

    def of(self, owner: Any, ticker: str) -> list[tuple[date, Decimal, Decimal | None]]:
        recompute_lots(owner_id=owner.pk)
        lots = TaxLot.objects.filter(owner=owner, security__external_id=ticker)
        return list(lots.order_by("entered").values_list("entered", "quantity", "cost"))

    def test_shares_and_cash_of_a_merger(self, owner: Any) -> None:
        """100 at 30 become 50 at 80 and 1,000 in cash: of the gain of 2,000 the cash counts (26 USC 356)."""
        load(OLD=(50, None), NEW=(80, 80))
        bought = row("buy/buy", BEFORE, 3000, OLD, 100)
        held = [holding(NEW, 50, 80)]
        account = book(owner, securities=[OLD, NEW], holdings=held, transactions=[bought], on=TODAY)
        rebuild(account)
        do(f"merger,OLD,{EX_DATE},0.5,NEW,10")
        assert CorporateAction.objects.get(security__external_id="OLD").unit_value == 40, "by the successor's close"
        assert self.of(owner, "NEW") == [(EX_DATE, 50, 3000)]
        (closed,) = RealizedLot.objects.filter(owner=owner)
        assert (closed.closed, closed.gain) == (EX_DATE, 1000)

    def test_a_new_name(self, owner: Any) -> None:
        """The brokerage lists the new name under an id of its own and books nothing."""
        load(OLD=(50, None), NEW=(None, 50))
        bought = row("buy/buy", BEFORE, 1000, OLD, 20)
        account = book(owner, securities=[OLD, NEW], holdings=[holding(NEW, 20, 50)], transactions=[bought], on=TODAY)
        rebuild(account)
        do(f"symbol_change,OLD,{EX_DATE},NEW")
        rebuild(account)
        values = values_of(account)
        assert {values[day] for day in values if day >= BEFORE} == {1000}
        assert self.of(owner, "NEW") == [(BEFORE, 20, 1000)]
        assert not RealizedLot.objects.filter(owner=owner).exists()
        assert not TaxLot.objects.filter(owner=owner, security__external_id="OLD").exists()

    def test_what_a_unit_of_a_merger_is_worth_has_to_be_known(self, owner: Any) -> None:
        load(OLD=(50, 50), NEW=(None, 80))
        book(owner, securities=[OLD, NEW], holdings=[holding(OLD, 1), holding(NEW, 1)], on=TODAY)
        map_securities(security_ids=Security.objects.values_list("pk", flat=True))
        with pytest.raises(BadCorrection, match="value: NEW has no close by"):
            do(f"merger,OLD,{BEFORE},0.5,NEW,10")


@pytest.mark.skipif(not GE_FILE.exists(), reason="The reference data are not there: set LONGVIEW_REFERENCE_DATA")
@pytest.mark.parametrize("kept", ["12.5", "12"])
def test_one_for_eight_on_real_closes_moves_by_nothing_but_the_market(owner: Any, kept: str) -> None:
    """GE's real closes of 2011 to 2013, quoted times eight from a day on, as the exchange did on 2021-08-02.

    100 shares are worth what 100 unsplit ones are, to the last digit; where the half is paid out, but for that day's.
    """
    last, ex_date = date(2013, 3, 28), date(2012, 8, 2)
    with gzip.open(GE_FILE, "rt") as lines:
        known = [(date.fromisoformat(line["Date"]), Decimal(line["Close"])) for line in csv.DictReader(lines)]
    real = {day: close for day, close in known if date(2011, 3, 30) <= day <= last}
    rows = [
        f"GE,{day},{close if day < ex_date else close * 8},{'0.125' if day == ex_date else ''}"
        for day, close in sorted(real.items())
    ]
    load_prices("\n".join(["symbol,date,close,split_ratio", *rows]).splitlines(keepends=True))
    paid = real[ex_date] * 8 / 2
    in_lieu = row("sell/sell", ex_date + timedelta(days=5), -paid, GE) if kept == "12" else None
    account = book(
        owner, securities=[GE], holdings=[holding(GE, kept, 100)], transactions=[in_lieu] if in_lieu else [],
        uninvested_cash=paid if in_lieu else Decimal(0), on=last,
    )  # fmt: skip
    told = Actions((Split(ex_date, Decimal("0.125")),))
    ingest_actions(chain=DataProviderChain([Listed({}, actions={"GE": told})]), now=evening(last))
    rebuild_accounts(account_ids=[account.pk], now=evening(last))
    values = values_of(account)
    for day, close in real.items():
        units = 100 if kept == "12.5" or day < ex_date + timedelta(days=5) else 96
        assert values[day] == units * close + (paid if units == 96 else 0), day
    eve = ex_date - timedelta(days=1)
    assert values[ex_date] / values[eve] == real[ex_date] / real[eve]
