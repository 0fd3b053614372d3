"""The nightly snapshot: what it writes, whether it agrees with valuation and reconstruction, when it writes nothing."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from history import snapshots
from history.market.brokerage_prices import record_brokerage_prices
from history.market.price_files import load_prices
from history.market.symbols import map_securities
from history.models import AccountDay, FxRate, MarketSymbol, Price, SnapshotRun, SnapshotShard
from history.reconstruction.rebuild import rebuild_accounts
from history.tests.ledgers import CASH, book, checksum, days_of, evening, holding, row, stock
from history.valuation import account_worths, value_holdings
from investments import ledger
from investments.entries import CorporateActionEntry, SecurityEntry
from investments.models import Account, Holding, Security

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 19)  # a Thursday
NEXT = DAY + timedelta(days=1)
AAPL, GE, SIEMENS = stock("AAPL"), stock("GE"), stock("SIE", market_identifier_code="XETR", iso_currency_code="EUR")
CALL = SecurityEntry(
    "call", ticker_symbol="AAPL270115C00250000", type="derivative", option_contract_type="call", iso_currency_code="USD"
)
BOND = SecurityEntry("bond", type="fixed income", iso_currency_code="USD", fixed_income={"quoted_per_100": True})
EOD, RECONSTRUCTED = AccountDay.SnapshotType.END_OF_DAY, AccountDay.SnapshotType.RECONSTRUCTED


def morning(day: date) -> datetime:
    """4:00 in New York on a winter's day."""
    return datetime(day.year, day.month, day.day, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def prices(settings: Any) -> None:
    """AAPL closes at 100 + the day of the month, GE at 10, Siemens at 200 euros of 1.10 dollars, on weekdays."""
    settings.MARKET_DATA_PROVIDERS = ["stored"]
    days = [NEXT - timedelta(days=number) for number in range(60)]
    rows = [f"AAPL,{day},{100 + day.day}\nGE,{day},10.123457\nSIE,{day},200" for day in days if day.weekday() < 5]
    load_prices("\n".join(["symbol,date,close", *rows]).splitlines(keepends=True))
    MarketSymbol.objects.filter(symbol="SIE").update(currency="EUR", exchange="XETR")
    FxRate.objects.create(base="EUR", quote="USD", day=DAY - timedelta(days=800), rate=Decimal("1.1"), source="test")


def full_account(owner: Any, name: str = "Brokerage") -> Account:
    """One of each: shares, euros, an option, a bond, cash, and movements on the day."""
    account = book(
        owner,
        name,
        securities=[AAPL, GE, SIEMENS, CALL, BOND],
        holdings=[
            holding(AAPL, "10.5", 90, cost_basis=Decimal(900), as_of=DAY - timedelta(days=3)),
            holding(GE, "-3.333333", 9, cost_basis=Decimal(33), as_of=DAY - timedelta(days=3)),
            holding(SIEMENS, 2, 190, cost_basis=Decimal(400), as_of=DAY - timedelta(days=3)),
            holding(CALL, 1, "7.25", value=725, cost_basis=Decimal(700), as_of=DAY),
            holding(BOND, 1000, "98.5", value=985, cost_basis=Decimal(1000), as_of=DAY),
            holding(CASH, "5000.55"),
        ],
        transactions=[
            row("cash/deposit", DAY, -1000, CASH, -1000),
            row("buy/buy", DAY, "119.50", AAPL, 1, fees=Decimal("0.50")),
            row("cash/dividend", DAY, "-7.25", AAPL),
            row("fee/account fee", DAY, "12.50"),
            row("transfer/transfer", DAY, 0, GE, -1),
        ],
        on=DAY,
    )
    map_securities(security_ids=Security.objects.values_list("pk", flat=True))
    return account


def snapshot(day: date = DAY, trigger: str = "operator") -> SnapshotRun:
    return snapshots.take_snapshot(day=day, trigger=trigger, now=morning(day + timedelta(days=1)))


class TestWhatIsWritten:
    def test_the_value_is_the_one_of_valuation(self, owner: Any) -> None:
        account = full_account(owner)
        assert snapshot().state == "done"
        value_holdings(account_ids=[account.pk], now=evening(DAY))
        worth = account_worths(account_ids=[account.pk], now=evening(DAY))[0]
        day = AccountDay.objects.get(account=account)
        assert (day.value, day.cash, day.securities_count) == (worth.value, worth.cash, worth.positions)
        assert day.value == Decimal("5000.55") + Decimal("10.5") * 119 + Decimal("-33.7449") + 440 + 725 + 985
        assert (day.snapshot_type, day.owner_id) == (EOD, owner.pk)

    def test_every_figure_is_the_one_of_the_reconstruction_of_that_day(self, owner: Any) -> None:
        account = full_account(owner)
        assert rebuild_accounts(account_ids=[account.pk], now=evening(DAY)).done == (account.pk,)
        rebuilt = days_of(account)[DAY]
        snapshot()
        taken = days_of(account)[DAY]
        assert taken[:7] == rebuilt[:7]
        assert taken[7] == pytest.approx(rebuilt[7], abs=1e-8)
        assert taken[3:6] == (Decimal(1000) - Decimal("10.1235"), Decimal("7.25"), Decimal("13.00"))

    def test_a_day_within_a_later_reconstruction_agrees_too(self, owner: Any) -> None:
        account = full_account(owner)
        snapshot()
        taken = days_of(account)[DAY]
        AccountDay.objects.all().delete()
        rebuild_accounts(account_ids=[account.pk], now=evening(NEXT))
        rebuilt = days_of(account)[DAY]
        assert taken[:7] == rebuilt[:7]
        assert taken[7] == pytest.approx(rebuilt[7], abs=1e-8)

    def test_a_reconstruction_leaves_it_alone_and_tells_of_a_difference(self, owner: Any) -> None:
        account = full_account(owner)
        record_brokerage_prices(account_ids=[account.pk], now=evening(DAY))  # known since they linked: no correction
        snapshot()
        AccountDay.objects.update(value=Decimal(1))
        rebuild_accounts(account_ids=[account.pk], now=evening(NEXT))
        kept = AccountDay.objects.get(account=account, day=DAY)
        assert (kept.value, kept.snapshot_type) == (1, EOD)
        assert [anomaly.day for anomaly in account.anomalies.filter(kind="seam")] == [DAY]

    def test_accounts_of_one_shard_are_each_in_their_own_currency(self, owner: Any) -> None:
        dollars, euros = full_account(owner, "Dollars"), full_account(owner, "Euros")
        Account.objects.filter(pk=euros.pk).update(currency="EUR", uninvested_cash=0)
        run = snapshot()
        value_holdings(account_ids=[dollars.pk, euros.pk], now=evening(DAY))
        worths = account_worths(account_ids=[dollars.pk, euros.pk], now=evening(DAY))
        assert [days_of(one)[DAY][0] for one in (dollars, euros)] == [worth.value for worth in worths]
        assert worths[0].value != worths[1].value
        assert (run.rows, run.unconverted) == (2, 0)

    def test_one_account_without_a_rate_leaves_the_others_alone(self, owner: Any) -> None:
        fine, stuck = full_account(owner, "Fine"), full_account(owner, "Stuck")
        Account.objects.filter(pk=stuck.pk).update(currency="NOK")
        run = snapshot()
        assert (run.rows, run.unconverted) == (1, 1)
        assert list(AccountDay.objects.values_list("account", flat=True)) == [fine.pk]

    def test_an_account_without_a_rate_is_counted_and_not_written(self, owner: Any) -> None:
        full_account(owner)
        FxRate.objects.all().delete()
        run = snapshot()
        assert (run.rows, run.unconverted, AccountDay.objects.count()) == (0, 1, 0)

    def test_closed_accounts_are_over(self, owner: Any) -> None:
        Account.objects.filter(pk=full_account(owner).pk).update(closed_at=evening(DAY))
        assert (snapshot().rows, AccountDay.objects.count()) == (0, 0)

    def test_what_is_held_now_says_nothing_of_an_account_that_traded_since(self, owner: Any) -> None:
        account = full_account(owner)
        rebuild_accounts(account_ids=[account.pk], now=evening(NEXT))
        before = checksum([account.pk])
        run = snapshot(DAY - timedelta(days=1))
        assert (run.rows, run.left) == (0, 1)
        assert checksum([account.pk]) == before

    def test_a_split_since_says_so_too(self, owner: Any) -> None:
        account = book(owner, securities=[AAPL], holdings=[holding(AAPL, 20, 60)], on=NEXT)
        map_securities(security_ids=Security.objects.values_list("pk", flat=True))
        ledger.record_corporate_actions(
            security_ids=[Security.objects.get(external_id="AAPL").pk],
            actions=[CorporateActionEntry(kind="split", ex_date=NEXT, ratio=Decimal(2))],
            source="test",
        )
        assert (snapshot().left, AccountDay.objects.filter(account=account).count()) == (1, 0)

    def test_an_unknown_basis_stays_what_the_day_before_knew(self, owner: Any) -> None:
        account = book(owner, securities=[AAPL], holdings=[holding(AAPL, 10, 90)], on=DAY)
        snapshot(DAY - timedelta(days=1))
        assert days_of(account)[DAY - timedelta(days=1)][2] is None
        AccountDay.objects.update(cost_basis=Decimal(950))
        snapshot()
        assert days_of(account)[DAY][2] == 950


class TestAgain:
    def test_a_second_run_changes_nothing(self, owner: Any) -> None:
        account = full_account(owner)
        first = snapshot()
        before = checksum([account.pk])
        second = snapshot()
        assert (first.changed, second.changed, second.rows, second.runs) == (1, 0, 1, 2)
        assert checksum([account.pk]) == before
        assert SnapshotRun.objects.count() == 1

    def test_what_changed_meanwhile_is_written(self, owner: Any) -> None:
        account = full_account(owner)
        snapshot()
        Price.objects.filter(symbol__symbol="AAPL", day=DAY).update(close=Decimal(200))
        assert snapshot().changed == 1
        assert days_of(account)[DAY][0] > Decimal(9000)

    def test_interrupted_it_goes_on_with_what_is_not_done(self, owner: Any, settings: Any) -> None:
        settings.SNAPSHOT_SHARD_ACCOUNTS = 1
        accounts = [full_account(owner, f"A{number}") for number in range(3)]
        run = snapshots.open_run(day=DAY, trigger="nightly", now=morning(NEXT))
        shards = snapshots.prepare_run(run)
        assert len(shards) == 3
        assert snapshots.close_shard(shard_id=shards[0], now=morning(NEXT))
        assert SnapshotRun.objects.get().state == "running"
        assert snapshots.prepare_run(SnapshotRun.objects.get()) == shards[1:]
        assert not snapshots.close_shard(shard_id=shards[0], now=morning(NEXT))  # done already
        done = snapshot()
        assert (done.state, done.rows, done.runs) == ("done", 3, 1)
        assert AccountDay.objects.filter(account__in=accounts).count() == 3

    def test_a_shard_is_worked_on_by_one_and_taken_over_when_its_lease_ends(self, owner: Any) -> None:
        full_account(owner)
        run = snapshots.open_run(day=DAY, trigger="nightly", now=morning(NEXT))
        [shard] = snapshots.prepare_run(run)
        SnapshotShard.objects.update(state="running", claimed_until=morning(NEXT) + timedelta(minutes=1))
        assert not snapshots.close_shard(shard_id=shard, now=morning(NEXT))
        assert snapshots.stranded_shards(now=morning(NEXT)) == []
        later = morning(NEXT) + timedelta(minutes=2)
        assert snapshots.stranded_shards(now=later) == [shard]
        assert snapshots.close_shard(shard_id=shard, now=later)

    def test_a_shard_that_cannot_be_closed_fails_the_run_in_the_end(self, owner: Any) -> None:
        full_account(owner)
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE history_accountday ADD CONSTRAINT none CHECK (value < 0) NOT VALID")
        run = snapshot()
        assert (run.state, "none" in run.error) == ("failed", True)
        assert SnapshotShard.objects.get().attempts == snapshots.MAX_ATTEMPTS

    def test_the_number_of_queries_does_not_depend_on_the_number_of_accounts(self, owner: Any) -> None:
        full_account(owner)
        snapshot()
        AccountDay.objects.update(value=1)  # something is to be written, as with the six
        with CaptureQueriesContext(connection) as one:
            snapshot()
        for number in range(5):
            full_account(owner, f"A{number}")
        AccountDay.objects.update(value=1)
        with CaptureQueriesContext(connection) as six:
            assert snapshot().rows == 6
        assert len(six) == len(one)


class TestDays:
    def test_a_weekend_carries_the_last_close_and_asks_nobody(self, owner: Any, monkeypatch: Any) -> None:
        account = full_account(owner)
        asked: list[Any] = []
        monkeypatch.setattr(
            "history.snapshots.ensure_prices",
            lambda **named: asked.append(list(named["symbol_ids"])) or type("E", (), {"stored": 0}),
        )
        friday, saturday = snapshot(NEXT), snapshot(NEXT + timedelta(days=1))
        days = days_of(account)
        assert days[NEXT][0] == days[NEXT + timedelta(days=1)][0]
        assert days[NEXT + timedelta(days=1)][3:6] == (0, 0, 0)
        assert (len(asked[0]), asked[1]) == (3, [])
        assert (friday.missing_prices, saturday.missing_prices) == (0, 0)

    @pytest.mark.parametrize(
        ("at", "due"),
        [
            (datetime(2026, 3, 8, 7, 59, tzinfo=UTC), date(2026, 3, 6)),  # the night clocks go forward: 3:59 EDT
            (datetime(2026, 3, 8, 8, 0, tzinfo=UTC), date(2026, 3, 7)),
            (datetime(2026, 11, 1, 8, 59, tzinfo=UTC), date(2026, 10, 30)),  # and back: 3:59 EST
            (datetime(2026, 11, 1, 9, 0, tzinfo=UTC), date(2026, 10, 31)),
            (datetime(2027, 1, 1, 9, 0, tzinfo=UTC), date(2026, 12, 31)),
            (datetime(2028, 2, 29, 9, 0, tzinfo=UTC), date(2028, 2, 28)),
            (datetime(2028, 3, 1, 9, 0, tzinfo=UTC), date(2028, 2, 29)),
        ],
    )
    def test_four_in_the_morning_in_new_york(self, at: datetime, due: date) -> None:
        assert snapshots.day_due(at) == due
        assert snapshots.due_at(due) <= at
        assert snapshots.due_at(due + timedelta(days=1)) > at

    @pytest.mark.parametrize("start", [date(2026, 3, 5), date(2026, 10, 29), date(2027, 12, 29), date(2028, 2, 26)])
    def test_every_day_once_whatever_the_clock_does(self, owner: Any, start: date) -> None:
        """Two hours fast, two hours slow, over DST nights, the new year and 29 February."""
        account = book(owner, holdings=[holding(CASH, 100)], on=start)
        moment = snapshots.due_at(start) + timedelta(minutes=1)
        for hour in range(5 * 24):
            for skew in (0, 2, -2):
                now = moment + timedelta(hours=hour + skew)
                for day in snapshots.days_missed(now):
                    snapshots.take_snapshot(day=day, trigger="nightly", now=now)
        taken = sorted(days_of(account))
        assert taken == [taken[0] + timedelta(days=number) for number in range(len(taken))]
        assert {start + timedelta(days=number) for number in range(5)} <= set(taken)
        assert set(SnapshotRun.objects.values_list("runs", "rows")) == {(1, 1)}

    def test_an_early_close_and_a_holiday(self, owner: Any) -> None:
        """Thanksgiving 2026 and the half session after it."""
        thanksgiving, half = date(2026, 11, 26), date(2026, 11, 27)
        account = full_account(owner)
        load_prices(["symbol,date,close\n", f"AAPL,{half},150\n"])
        assert snapshot(thanksgiving).missing_prices == 0
        assert snapshot(half).missing_prices == 2  # GE and Siemens
        days = days_of(account)
        assert days[half][0] - days[thanksgiving][0] == Decimal("10.5") * (150 - 120)

    def test_nights_when_nobody_ran_are_made_up_for(self, owner: Any) -> None:
        full_account(owner)
        snapshot()
        missed = snapshots.days_missed(morning(DAY + timedelta(days=4)))
        assert missed == [DAY + timedelta(days=number) for number in (1, 2, 3)]
        assert len(snapshots.days_missed(morning(DAY + timedelta(days=400)))) == snapshots.CATCH_UP_DAYS

    def test_a_day_that_is_not_over_is_refused(self, db: Any) -> None:
        with pytest.raises(snapshots.DayNotOver):
            snapshots.open_run(day=DAY, trigger="operator", now=evening(DAY))

    def test_late_prices_run_the_day_again(self, owner: Any) -> None:
        account = full_account(owner)
        Price.objects.filter(symbol__symbol="AAPL", day=DAY).delete()
        run = snapshot()
        assert run.missing_prices == 1
        assert snapshots.runs_with_late_prices(morning(NEXT)) == []
        stale = days_of(account)[DAY][0]
        load_prices(["symbol,date,close\n", f"AAPL,{DAY},119\n"])
        [late] = snapshots.runs_with_late_prices(morning(NEXT))
        snapshot(late.day, "late_prices")
        run.refresh_from_db()
        assert (run.missing_prices, run.trigger, run.runs) == (0, "late_prices", 2)
        assert days_of(account)[DAY][0] - stale == Decimal("10.5")

    def test_it_says_how_late_it_was(self, owner: Any) -> None:
        full_account(owner)
        run = snapshot()
        assert run.due_at == morning(NEXT)
        run.finished_at = run.due_at + timedelta(minutes=7)
        assert run.lag_seconds(morning(NEXT)) == 420
        assert run.duration_seconds == 420


class TestCommand:
    def test_it_takes_the_day_that_is_named(self, owner: Any) -> None:
        full_account(owner)
        day, out = date(2026, 11, 19), StringIO()
        AccountDay.objects.all().delete()
        call_command("snapshot", "--day", str(day), stdout=out)
        assert f"{day} done: 1 accounts, 1 rows written" in out.getvalue()
        assert Holding.objects.count() == 6

    @pytest.mark.parametrize("day", ["2999-01-01", "2026-13-01", "yesterday"])
    def test_it_names_a_day_that_will_not_do(self, db: Any, day: str) -> None:
        with pytest.raises(CommandError, match="--day"):
            call_command("snapshot", "--day", day)
