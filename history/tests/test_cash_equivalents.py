"""Money-market funds count as cash wherever cash is told, and once: they stay positions with units and a price."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from history.allocation import pieces
from history.market.symbols import map_securities
from history.models import AccountDay, Anomaly
from history.positions import positions
from history.reconstruction.rebuild import rebuild_accounts
from history.snapshots import take_snapshot
from history.tests.books import Case, Held, Move
from history.tests.ledgers import book, days_of, evening, holding, noon, row, stock
from history.valuation import AccountWorth, account_worths, total_worth, value_holdings
from investments.entries import SecurityEntry
from investments.models import Account, Security

TODAY = date(2026, 11, 20)
AAPL = stock("AAPL")
SWEEP = SecurityEntry(
    "sweep", name="Government Money Market", type="mutual fund", is_cash_equivalent=True, iso_currency_code="USD"
)


@pytest.fixture
def account(owner: Any, settings: Any) -> Account:
    """The sweep fund takes what comes and pays for what is bought, and no row says so."""
    settings.MARKET_DATA_PROVIDERS = ["stored"]
    settings.HISTORY_DAYS = 30
    made = book(
        owner,
        securities=[AAPL, SWEEP],
        holdings=[holding(SWEEP, "1500.25", 1, as_of=TODAY - timedelta(days=20)), holding(AAPL, 5, 100, as_of=TODAY)],
        transactions=[
            row("cash/deposit", TODAY - timedelta(days=9), "-2000.25"),
            row("buy/buy", TODAY - timedelta(days=4), 500, AAPL, 5),
        ],
        uninvested_cash=Decimal("0.75"),
        on=TODAY,
    )
    map_securities(security_ids=Security.objects.values_list("pk", flat=True))
    return made


def worth_of(account: Account) -> AccountWorth:
    value_holdings(account_ids=[account.pk], now=evening(TODAY))
    return account_worths(account_ids=[account.pk], now=evening(TODAY))[0]


def test_a_fund_that_pays_for_purchases_without_a_row_is_no_overdraft() -> None:
    moves = [Move(day=1, cash=2000, flow=2000), Move(day=3, position=1, units=5, cash=-500, cost=500)]
    held = [Held(1500, column=0, is_cash=True), Held(5, column=1)]
    history = Case(closes=[[1.0] * 5, [100.0] * 5], held=held, moves=moves).history()
    assert history.cash[:, 0].tolist() == [0, 2000, 2000, 1500, 1500]
    assert history.value[:, 0].tolist() == [0, 2000, 2000, 2000, 2000]
    assert (history.anomalies, history.quality.min()) == ((), 1)


def test_what_even_the_fund_cannot_have_paid_is_an_overdraft() -> None:
    history = Case(closes=[[1.0] * 3], held=[Held(100, is_cash=True)], moves=[Move(day=2, cash=400)]).history()
    assert history.cash[:, 0].tolist() == [-300, -300, 100]
    assert [(found.day, found.size) for found in history.anomalies] == [(0, -300)]


def test_a_fund_without_quotes_is_as_real_as_cash() -> None:
    held = [Held(100, is_cash=True, broker_price=1.0, broker_day=0)]
    history = Case(closes=[[float("nan")] * 9], held=held).history()
    assert (history.quality[:, 0].tolist(), history.imputed.max()) == ([1.0] * 9, 0)


@pytest.mark.django_db
class TestEverywhere:
    def test_in_value_it_is_cash_and_only_money_is_uninvested(self, account: Account) -> None:
        worth = worth_of(account)
        assert (worth.value, worth.cash, worth.uninvested) == (2001, 1501, Decimal("0.75"))
        assert (worth.positions, worth.oldest_price) == (2, TODAY)
        total = total_worth([worth])
        assert (total.cash, total.uninvested) == (1501, Decimal("0.75"))

    def test_in_the_allocation_it_is_cash_once(self, account: Account) -> None:
        worth = worth_of(account)
        found = pieces(worths=[worth], now=evening(TODAY))
        assert {part.label: part.value for part in found.broad(worth.value)} == {
            "cash": 1501, "stock": 500, "bond": 0, "other": 0,
        }  # fmt: skip
        assert sum(part.value for part in found.slices("security", worth.value)) == worth.value

    def test_it_is_a_position_beside_the_money(self, account: Account) -> None:
        worth = worth_of(account)
        rows = positions(worths=[worth], total_value=worth.value)
        assert sum(row.market_value or 0 for row in rows) + worth.uninvested == worth.value

    def test_it_never_changes_in_a_day(self, account: Account) -> None:
        worth = worth_of(account)
        assert (worth.day_change, worth.changed_value) == (0, Decimal("1500.25"))

    def test_history_and_snapshot_agree_on_it(self, account: Account) -> None:
        rebuild_accounts(account_ids=[account.pk], now=evening(TODAY))
        assert set(Anomaly.objects.filter(account=account).values_list("security__external_id", flat=True)) <= {"AAPL"}
        rebuilt = days_of(account)
        told = {back: rebuilt[TODAY - timedelta(days=back)][:2] for back in (10, 9, 4, 1, 0)}
        assert told == {10: (Decimal("0.75"),) * 2, 9: (2001, 2001), 4: (2001, 1501), 1: (2001, 1501), 0: (2001, 1501)}
        take_snapshot(day=TODAY, trigger="operator", now=noon(TODAY + timedelta(days=1)))
        assert AccountDay.objects.get(account=account, day=TODAY).snapshot_type == AccountDay.SnapshotType.END_OF_DAY
        assert days_of(account)[TODAY][:7] == rebuilt[TODAY][:7]
        assert days_of(account)[TODAY][7] == pytest.approx(rebuilt[TODAY][7], abs=1e-8)
