"""Rebuilding through PostgreSQL: what is written, what is left alone, and what happens when it goes wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings as configured
from django.db import connection
from django.test.utils import CaptureQueriesContext

from history import claims
from history.market.price_files import load_prices
from history.models import AccountDay, AccountHistory, Anomaly, MarketSymbol
from history.reconstruction.rebuild import rebuild_accounts
from history.tests.ledgers import (
    CASH,
    book,
    checksum,
    days_of,
    evening,
    holding,
    noon,
    row,
    state_of,
    stock,
    values_of,
)
from investments import ledger
from investments.entries import CorporateActionEntry, SecurityEntry
from investments.models import Account, Holding, Security

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 20)
AAPL, GE = stock("AAPL"), stock("GE")
FUND = SecurityEntry("fund", name="Target 2040", type="mutual fund", iso_currency_code="USD")
State = AccountHistory.State


@pytest.fixture(autouse=True)
def prices(settings: Any) -> None:
    """AAPL closes at 100 and GE at 10 on every weekday of the window."""
    settings.MARKET_DATA_PROVIDERS = ["stored"]
    days = [TODAY - timedelta(days=number) for number in range(760)]
    rows = [f"AAPL,{day},100\nGE,{day},10" for day in days if day.weekday() < 5]
    load_prices("\n".join(["symbol,date,close", *rows]).splitlines(keepends=True))


def rebuild(*accounts: Account, on: date = TODAY) -> None:
    done = rebuild_accounts(account_ids=[account.pk for account in accounts], now=evening(on))
    assert (done.done, done.failed) == (tuple(account.pk for account in accounts), ())


def touch(account: Account) -> None:
    """A change of the ledger that changes nothing."""
    Account.objects.filter(pk=account.pk).update(ledger_version=Account.objects.get(pk=account.pk).ledger_version + 1)


class TestWhatIsWritten:
    def test_every_figure_of_a_day(self, owner: Any) -> None:
        bought, paid, charged = date(2026, 3, 2), date(2026, 6, 1), date(2026, 9, 1)
        account = book(
            owner,
            securities=[AAPL],
            holdings=[holding(AAPL, 10, 90, cost_basis=Decimal("950.50")), holding(CASH, "1044.25")],
            transactions=[
                row("cash/deposit", date(2026, 3, 1), -2000, CASH, -2000),
                row("buy/buy", bought, "950.50", AAPL, 10, fees=Decimal("0.50")),
                row("cash/dividend", paid, "-7.25", AAPL),
                row("fee/account fee", charged, "12.50"),
            ],
            on=TODAY,
        )
        rebuild(account)
        days = days_of(account)
        assert len(days) == configured.HISTORY_DAYS + 1
        assert min(days) == TODAY - timedelta(days=configured.HISTORY_DAYS)
        assert days[date(2026, 2, 28)][:7] == (0, 0, 0, 0, 0, 0, 0)
        assert days[date(2026, 3, 1)][:7] == (2000, 2000, 0, 2000, 0, 0, 0)
        assert days[bought][:7] == (Decimal("2049.5"), Decimal("1049.5"), Decimal("950.5"), 0, 0, Decimal("0.5"), 1)
        assert days[paid][:6] == (Decimal("2056.75"), Decimal("1056.75"), Decimal("950.5"), 0, Decimal("7.25"), 0)
        assert days[charged][:6] == (Decimal("2044.25"), Decimal("1044.25"), Decimal("950.5"), 0, 0, Decimal("12.5"))
        assert days[TODAY][:3] == (Decimal("2044.25"), Decimal("1044.25"), Decimal("950.5"))
        history = state_of(account)
        assert (history.state, history.progress, history.attempts, history.error) == (State.READY, 1, 0, "")
        assert (history.first_day, history.last_day) == (min(days), TODAY)
        assert history.processed_version == Account.objects.get(pk=account.pk).ledger_version

    def test_an_unknown_basis_is_null(self, owner: Any) -> None:
        account = book(owner, securities=[AAPL], holdings=[holding(AAPL, 10, 90)], on=TODAY)
        rebuild(account)
        assert days_of(account)[TODAY][2] is None

    def test_the_last_day_is_what_valuation_says(self, owner: Any) -> None:
        held = holding(AAPL, 10, 101, as_of=TODAY, value="1010.0701")
        account = book(owner, securities=[AAPL], holdings=[held], on=TODAY)
        rebuild(account)
        values = values_of(account)
        assert (values[TODAY - timedelta(days=1)], values[TODAY]) == (1000, Decimal("1010.0701"))
        assert Holding.objects.get().market_value == Decimal("1010.0701")

    def test_what_was_sold_long_ago_is_there_in_its_days(self, owner: Any) -> None:
        sold = row("sell/sell", date(2026, 5, 4), -2000, AAPL, -20)
        account = book(owner, securities=[AAPL], holdings=[holding(CASH, 2000)], transactions=[sold], on=TODAY)
        rebuild(account)
        assert [days_of(account)[day][:2] for day in (date(2026, 5, 3), date(2026, 5, 4))] == [(2000, 0), (2000, 2000)]

    def test_voided_superseded_and_cancelled_rows_count_for_nothing(self, owner: Any) -> None:
        day = date(2026, 5, 4)
        rows = [
            row("cash/deposit", day, -100, external_id="kept"),
            row("cash/deposit", day, -1000, external_id="voided"),
            row("cash/deposit", day, -30, external_id="corrected"),
            row("cash/deposit", day, -5000, external_id="taken back"),
            row("cancel", day, 5000, external_id="cancel", cancels_external_id="taken back"),
        ]
        named: dict[str, Any] = {"holdings": [holding(CASH, 300)], "on": TODAY}
        account = book(owner, transactions=rows, **named)
        book(owner, transactions=[row("cash/deposit", day - timedelta(days=9), -40, external_id="corrected")], **named)
        ledger.void_transactions(
            transaction_ids=account.transactions.filter(external_id="voided").values_list("pk", flat=True)
        )
        rebuild(account)
        days = days_of(account)
        assert [days[day - timedelta(days=before)][0] for before in (0, 1, 9, 10)] == [300, 200, 200, 160]

    def test_a_row_of_tomorrow_counts_today(self, owner: Any) -> None:
        late = row("cash/deposit", TODAY + timedelta(days=1), -100)
        account = book(owner, holdings=[holding(CASH, 150)], transactions=[late], on=TODAY + timedelta(days=1))
        rebuild(account)
        days = days_of(account)
        assert [days[TODAY - timedelta(days=1)][0], days[TODAY][0], days[TODAY][3]] == [50, 150, 100]

    def test_anomalies_are_recorded_and_replaced(self, owner: Any) -> None:
        bought = row("buy/buy", date(2026, 5, 4), 1000, AAPL, 10)
        account = book(owner, securities=[AAPL, FUND], transactions=[bought], on=TODAY,
                       holdings=[holding(AAPL, 4, 90), holding(FUND, 3, 20)])  # fmt: skip
        for _ in range(2):
            touch(account)
            rebuild(account)
            found = Anomaly.objects.order_by("kind", "pk").values_list("kind", "security__external_id", "day", "size")
            assert list(found) == [
                ("negative_units", "AAPL", TODAY - timedelta(days=730), -6),
                ("unmapped", "fund", TODAY, 3),
            ]

    def test_a_401k_fund_without_a_ticker_has_its_contributions_price(self, owner: Any) -> None:
        rows = [row("buy/contribution", date(2026, month, 2), 100 * month, FUND, 10) for month in (3, 4)]
        account = book(owner, securities=[FUND], holdings=[holding(FUND, 20, 50, as_of=TODAY)], transactions=rows,
                       on=TODAY)  # fmt: skip
        rebuild(account)
        days = days_of(account)
        assert [days[date(2026, month, 5)][0] for month in (2, 3, 4)] == [0, 300, 800]
        assert [days[date(2026, month, 2)][3] for month in (3, 4)] == [300, 400]
        assert days[TODAY][0] == 1000


class TestAgain:
    def test_a_second_time_changes_nothing(self, owner: Any) -> None:
        account = book(owner, securities=[AAPL], holdings=[holding(AAPL, 10, 90)], on=TODAY)
        rebuild(account)
        before = checksum([account.pk])
        touch(account)
        rebuild(account)
        assert checksum([account.pk]) == before

    def test_what_is_not_behind_is_not_touched(self, owner: Any) -> None:
        account = book(owner, on=TODAY)
        rebuild(account)
        assert rebuild_accounts(account_ids=[account.pk], now=evening(TODAY)).done == ()

    def test_the_calendar_extends_it_by_a_day_and_old_days_stay(self, owner: Any) -> None:
        account = book(owner, securities=[AAPL], holdings=[holding(AAPL, 10, 90)], on=TODAY)
        rebuild(account)
        first = state_of(account).first_day
        rebuild(account, on=TODAY + timedelta(days=1))
        days = days_of(account)
        assert (min(days), max(days), len(days)) == (first, TODAY + timedelta(days=1), 732)

    def test_once_closes_are_final_a_day_is_rebuilt_once_more(self, owner: Any) -> None:
        account = book(owner, securities=[AAPL], holdings=[holding(AAPL, 10, 90)], on=TODAY)
        rebuild(account)
        AccountHistory.objects.update(finished_at=noon(TODAY))
        assert [one.account_id for one in claims.behind(limit=9, now=evening(TODAY))] == [account.pk]
        assert claims.behind(limit=9, now=noon(TODAY)) == []

    def test_a_split_told_later_is_followed(self, owner: Any) -> None:
        account = book(owner, securities=[GE], holdings=[holding(GE, 80, 9)], on=TODAY)
        rebuild(account)
        assert values_of(account)[date(2026, 1, 5)] == 800
        ledger.record_corporate_actions(
            security_ids=[Security.objects.get(external_id="GE").pk],
            actions=[CorporateActionEntry("split", date(2026, 6, 1), Decimal(4))],
            source="test",
        )
        rebuild(account)
        assert values_of(account)[date(2026, 1, 5)] == 200

    def test_snapshots_are_kept_and_where_they_disagree_it_is_told(self, owner: Any) -> None:
        account = book(owner, securities=[AAPL], holdings=[holding(AAPL, 10, 90)], on=TODAY)
        rebuild(account)
        agrees, differs = TODAY - timedelta(days=3), TODAY - timedelta(days=2)
        days = AccountDay.objects.filter(account=account)
        days.filter(day=agrees).update(snapshot_type=AccountDay.SnapshotType.END_OF_DAY)
        days.filter(day=differs).update(snapshot_type=AccountDay.SnapshotType.END_OF_DAY, value=Decimal("990.50"))
        touch(account)
        rebuild(account)
        assert values_of(account)[differs] == Decimal("990.50")
        assert list(days.exclude(snapshot_type=1).values_list("day", flat=True)) == [agrees, differs]
        assert Anomaly.objects.values_list("kind", "day", "size").get() == ("seam", differs, Decimal("9.5"))


@contextmanager
def refused_by_the_database(account: Any) -> Iterator[None]:
    """Days of this account cannot be written."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'not this account'; END $$;"
            "CREATE TRIGGER refuse BEFORE INSERT ON history_accountday FOR EACH ROW "
            f"WHEN (NEW.account_id = {account.pk}) EXECUTE FUNCTION refuse()"
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER refuse ON history_accountday; DROP FUNCTION refuse")


class TestTrouble:
    def test_one_account_that_cannot_be_rebuilt_fails_alone(self, owner: Any) -> None:
        bad = book(owner, "Bad", securities=[AAPL], holdings=[holding(AAPL, 1, 50)], on=TODAY)
        good = [book(owner, f"Good {number}", securities=[AAPL], holdings=[holding(AAPL, 1)], on=TODAY)
                for number in range(4)]  # fmt: skip
        with refused_by_the_database(bad):
            for attempt in (1, 2, 3):
                rebuilt = rebuild_accounts(account_ids=[bad.pk, *(one.pk for one in good)], now=evening(TODAY))
                assert [pk for pk, _ in rebuilt.failed] == [bad.pk]
                assert len(rebuilt.done) == (4 if attempt == 1 else 0)
            history = state_of(bad)
            assert (history.state, history.attempts) == (State.FAILED, 3)
            assert "not this account" in history.error
            assert rebuild_accounts(account_ids=[bad.pk], now=evening(TODAY)).failed == ()
            assert claims.behind(limit=9, now=evening(TODAY)) == []
        claims.restart(account_ids=[bad.pk])
        rebuild(bad)
        assert values_of(bad)[TODAY] == 100

    def test_a_new_version_of_the_ledger_is_tried_again(self, owner: Any) -> None:
        account = book(owner, on=TODAY)
        AccountHistory.objects.create(account=account, owner=owner, state=State.FAILED, attempts=3,
                                      tried_version=account.ledger_version)  # fmt: skip
        assert claims.behind(limit=9) == []
        touch(account)
        assert [one.account_id for one in claims.behind(limit=9)] == [account.pk]

    def test_an_account_that_somebody_rebuilds_is_left_to_them(self, owner: Any) -> None:
        account = book(owner, on=TODAY)
        now = evening(TODAY)
        assert claims.claim(account_ids=[account.pk], now=now) == [account.pk]
        assert claims.claim(account_ids=[account.pk], now=now) == []
        assert claims.behind(limit=9, now=now) == []
        assert claims.claim(account_ids=[account.pk], now=now + claims.LEASE * 1.1) == [account.pk]

    def test_what_kills_its_worker_three_times_is_given_up(self, owner: Any) -> None:
        account = book(owner, on=TODAY)
        for attempt in range(4):
            now = evening(TODAY) + attempt * claims.LEASE * 1.1
            assert claims.bury_abandoned(now=now) == (attempt == 3)
            assert claims.claim(account_ids=[account.pk], now=now) == ([account.pk] if attempt < 3 else [])
        assert (state_of(account).state, state_of(account).error) == (State.FAILED, "Interrupted 3 times")

    def test_an_account_too_large_for_its_column_fails_with_a_reason(self, owner: Any) -> None:
        vast = book(owner, securities=[FUND], on=TODAY,
                    holdings=[holding(FUND, 10**10, 10**5, value=10**13)])  # fmt: skip
        assert rebuild_accounts(account_ids=[vast.pk], now=evening(TODAY)).failed[0][0] == vast.pk

    def test_progress_only_moves_what_is_running(self, owner: Any) -> None:
        account = book(owner, on=TODAY)
        rebuild(account)
        claims.advance(account_ids=[account.pk], progress=0.5)
        assert state_of(account).progress == 1


class TestCost:
    def test_queries_grow_neither_with_transactions_nor_with_accounts(self, owner: Any) -> None:
        counts = []
        for transactions, accounts in ((1, 1), (60, 1), (5, 6)):
            made = [
                book(
                    owner,
                    f"{transactions} {accounts} {number}",
                    securities=[AAPL, GE],
                    holdings=[holding(AAPL, 10, 90), holding(GE, 1)],
                    transactions=[
                        row("buy/buy", TODAY - timedelta(days=9 + k), 10, GE, 1) for k in range(transactions)
                    ],
                    on=TODAY,
                )
                for number in range(accounts)
            ]
            with CaptureQueriesContext(connection) as queries:
                rebuild(*made)
            counts.append(len(queries))
        assert counts[0] >= counts[1] == counts[2]  # the first maps the securities

    def test_a_symbol_of_everybody_is_asked_for_once(self, owner: Any, other: Any, settings: Any) -> None:
        settings.MARKET_DATA_PROVIDERS = ["simulated"]
        tesla = stock("TSLA")
        for person in (owner, other):
            rebuild(book(person, securities=[tesla], holdings=[holding(tesla, 1, 400)], on=TODAY))
        symbol = MarketSymbol.objects.get(symbol="TSLA")
        assert symbol.priced_to == TODAY
