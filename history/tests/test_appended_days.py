"""A new day without any other change rebuilds nobody; and what the day does touch is rebuilt."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from history import claims, snapshots
from history.invalidation import securities_changed
from history.market.corrections import correct
from history.market.price_files import load_prices
from history.models import AccountDay, AccountHistory, Price, SecurityMapping
from history.reconstruction.rebuild import Rebuilt, rebuild_accounts
from history.tests.ledgers import CASH, book, days_of, evening, holding, row, state_of, stock, values_of
from history.valuation import account_worths
from investments import ledger
from investments.entries import CorporateActionEntry
from investments.models import Account, Security

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 18)
NEXT = TODAY + timedelta(days=1)
AAPL, GE = stock("AAPL"), stock("GE")
RECONSTRUCTED, EOD = AccountDay.SnapshotType.RECONSTRUCTED, AccountDay.SnapshotType.END_OF_DAY


def night(day: date) -> datetime:
    """Half an hour into the day in New York, in winter."""
    return datetime.combine(day, time(5, 30), UTC)


@pytest.fixture
def accounts(owner: Any, settings: Any) -> dict[str, Account]:
    """Rebuilt on the evening of TODAY: AAPL closed at 100 plus the day of the month, GE at 10."""
    settings.MARKET_DATA_PROVIDERS, settings.HISTORY_DAYS = ["stored"], 60
    days = [NEXT - timedelta(days=number) for number in range(100)]
    rows = [f"AAPL,{day},{100 + day.day}\nGE,{day},10" for day in days if day.weekday() < 5 and day < NEXT]
    load_prices("\n".join(["symbol,date,close", *rows]).splitlines(keepends=True))
    named: dict[str, Any] = {"securities": [AAPL, GE], "on": TODAY}
    fund = stock("PRIVATE")
    made = {
        "apple": book(owner, "apple", holdings=[holding(AAPL, 10, 90), holding(CASH, 50)],
                      transactions=[row("buy/buy", TODAY - timedelta(days=5), 100, AAPL, 1)], **named),
        "general": book(owner, "general", holdings=[holding(GE, 7, 9)], **named),
        "early": book(owner, "early", holdings=[holding(CASH, 500)],
                      transactions=[row("cash/deposit", NEXT, -200, CASH, -200)], **named),
        "private": book(owner, "private", holdings=[holding(fund, 3, 5)], securities=[fund], on=TODAY),
    }  # fmt: skip
    SecurityMapping.objects.filter(security__external_id="PRIVATE").update(symbol=None)
    rebuild(made, evening(TODAY))
    return made


def rebuild(accounts: dict[str, Account], now: datetime) -> Rebuilt:
    return rebuild_accounts(account_ids=[account.pk for account in accounts.values()], now=now)


def everything(accounts: dict[str, Account]) -> dict[str, Any]:
    """All that a rebuild leaves of an account but the mean quality, which waits for the next whole rebuild."""
    return {
        name: (
            days_of(account),
            list(account.anomalies.order_by("kind", "day").values_list("kind", "day", "size")),
            (state_of(account).first_day, state_of(account).last_day, state_of(account).state),
        )
        for name, account in accounts.items()
    }


def test_a_day_without_other_changes_rebuilds_only_whom_it_touches(accounts: dict[str, Account]) -> None:
    """A wrong figure far back tells who was rebuilt: whoever compares the past would put it right."""
    back = TODAY - timedelta(days=30)
    AccountDay.objects.filter(day=back).update(value=Decimal("1.2345"))
    found = {one.account_id: one.only_day for one in claims.behind(limit=9, now=night(NEXT))}
    assert found == {account.pk: True for account in accounts.values()}
    done = rebuild(accounts, night(NEXT))
    assert len(done.done) == 4
    assert set(done.appended) == {accounts[name].pk for name in ("apple", "general", "private")}
    wrong = {name for name, account in accounts.items() if values_of(account)[back] == Decimal("1.2345")}
    assert wrong == {"apple", "general", "private"}  # `early` has a row dated today, which counted yesterday until now
    assert claims.behind(limit=9, now=night(NEXT)) == []
    assert values_of(accounts["apple"])[NEXT] == 10 * 118 + 50


@pytest.mark.parametrize("close", [None, "133"])
def test_appended_is_what_a_full_rebuild_leaves(accounts: dict[str, Account], close: str | None) -> None:
    """In the night, in the evening with its closes, and over a weekend."""
    rebuild(accounts, night(NEXT))
    if close:
        load_prices(["symbol,date,close\n", f"AAPL,{NEXT},{close}\n"])
    for now in (evening(NEXT), *(night(NEXT + timedelta(days=number)) for number in (1, 2, 3))):
        assert not rebuild(accounts, now).failed
        incremental = everything(accounts)
        worths = account_worths(account_ids=[accounts["apple"].pk], now=now)
        assert values_of(accounts["apple"])[now.date()] == worths[0].value
    assert incremental["apple"][0][NEXT][0] == 10 * Decimal(close or 118) + 50
    claims.restart(account_ids=[account.pk for account in accounts.values()])
    assert rebuild(accounts, now).appended == ()
    assert everything(accounts) == incremental


def test_two_days_at_once_and_a_split_of_the_day_are_rebuilt(accounts: dict[str, Account]) -> None:
    ledger.record_corporate_actions(
        security_ids=[Security.objects.get(external_id="AAPL").pk], source="test",
        actions=[CorporateActionEntry("split", NEXT, Decimal(2))],
    )  # fmt: skip
    Account.objects.update(ledger_version=1)
    AccountHistory.objects.update(processed_version=1, stale_from=None)
    assert accounts["apple"].pk not in rebuild(accounts, night(NEXT)).appended
    assert values_of(accounts["apple"])[TODAY] == 5 * 118 + 50
    assert rebuild(accounts, night(NEXT + timedelta(days=2))).appended == ()


def test_a_snapshot_of_yesterday_stays(accounts: dict[str, Account]) -> None:
    AccountDay.objects.filter(day=TODAY).update(snapshot_type=EOD, value=Decimal(5))
    rebuild(accounts, night(NEXT))
    rows = dict(AccountDay.objects.filter(account=accounts["apple"]).values_list("day", "snapshot_type"))
    assert (rows[TODAY], rows[NEXT], values_of(accounts["apple"])[TODAY]) == (EOD, RECONSTRUCTED, 5)


def test_a_close_that_comes_after_the_day_went_on_marks_its_holders(accounts: dict[str, Account]) -> None:
    Price.objects.filter(symbol__symbol="AAPL", day=TODAY).delete()
    rebuild(accounts, night(NEXT))
    load_prices(["symbol,date,close\n", f"AAPL,{TODAY},150\n", f"GE,{NEXT},11\n"])
    marked = {name for name, account in accounts.items() if state_of(account).stale_from}
    assert marked == {"apple"}  # GE's came for the day that its history ends with
    rebuild(accounts, night(NEXT))
    assert values_of(accounts["apple"])[TODAY] == 10 * 150 + 50


def test_the_queries_do_not_grow_with_the_accounts(accounts: dict[str, Account]) -> None:
    one = {"general": accounts["general"]}
    with CaptureQueriesContext(connection) as alone:
        assert rebuild(one, night(NEXT)).appended
    with CaptureQueriesContext(connection) as three:
        assert len(rebuild({name: accounts[name] for name in ("apple", "private")}, night(NEXT)).appended) == 2
    assert len(three) <= len(alone) + 1


class TestSnapshotsThatWereTakenTooEarly:
    """Day by day a night's snapshot, then something is told that was true before it."""

    def nights(self, accounts: dict[str, Account], *days: date) -> None:
        for day in days:
            rebuild(accounts, night(day))
            snapshots.take_snapshot(day=day, trigger="nightly", now=snapshots.due_at(day))

    @pytest.mark.parametrize("broker_is_late", [True, False])
    def test_a_split_told_three_days_late_leaves_no_jump(
        self, accounts: dict[str, Account], broker_is_late: bool
    ) -> None:
        """2:1 with its ex-date on NEXT, a Thursday: raw closes halve; the brokerage's units follow at once, or late."""
        days = [NEXT + timedelta(days=number) for number in range(4)]
        load_prices(["symbol,date,close\n", f"AAPL,{days[0]},59\n", f"AAPL,{days[1]},59\n"])
        apple = {"apple": accounts["apple"]}
        if not broker_is_late:
            self.hold(accounts["apple"], 20)
        self.nights(apple, TODAY, *days[:3])
        assert {days_of(accounts["apple"])[day][0] for day in days[:3]} == {590 * (1 if broker_is_late else 2) + 50}
        if broker_is_late:
            self.hold(accounts["apple"], 20)
        ledger.record_corporate_actions(
            security_ids=[Security.objects.get(external_id="AAPL").pk], source="test",
            actions=[CorporateActionEntry("split", NEXT, Decimal(2))],
        )  # fmt: skip
        self.tell_of_split()
        rebuild(apple, night(days[3]))
        values = values_of(accounts["apple"])
        assert {values[day] for day in (TODAY, *days)} == {10 * 118 + 50}
        assert not accounts["apple"].anomalies.filter(kind="seam").exists()

    def hold(self, account: Account, units: int) -> None:
        ledger.replace_holdings(
            entries=[replace(holding(one, size, 1), account_external_id=account.name)
                     for one, size in ((AAPL, units), (CASH, 50))],
            accounts={account.name: account}, source="plaid", now=evening(TODAY),
            securities={security.external_id: security for security in Security.objects.all()},
        )  # fmt: skip

    def tell_of_split(self) -> None:
        securities_changed([Security.objects.get(external_id="AAPL").pk], NEXT)

    def test_a_deposit_told_late_is_a_flow_of_its_own_day(self, accounts: dict[str, Account]) -> None:
        """And days before it keep their snapshots."""
        account = accounts["general"]
        self.nights({"general": account}, TODAY - timedelta(days=1), TODAY, NEXT)
        ledger.record_transactions(
            entries=[replace(row("cash/deposit", TODAY, -200, CASH, -200), account_external_id=account.name)],
            accounts={account.name: account}, source="plaid", today=NEXT,
            securities={security.external_id: security for security in Security.objects.all()},
        )  # fmt: skip
        AccountDay.objects.filter(account=account, day=TODAY - timedelta(days=1)).update(value=Decimal(1))
        rebuild({"general": account}, night(NEXT + timedelta(days=1)))
        figures = days_of(account)
        assert (figures[TODAY][3], figures[NEXT][3]) == (200, 0)
        assert figures[TODAY - timedelta(days=1)][0] == 1
        rows = dict(AccountDay.objects.filter(account=account).values_list("day", "snapshot_type"))
        assert (rows[TODAY - timedelta(days=1)], rows[TODAY], rows[NEXT]) == (EOD, RECONSTRUCTED, EOD)

    def test_a_holding_told_again_restates_nothing(self, accounts: dict[str, Account]) -> None:
        self.nights(accounts, TODAY, NEXT)
        taken = AccountDay.objects.filter(day=TODAY, account__in=[accounts["apple"], accounts["general"]])
        taken.update(value=Decimal(1))
        Account.objects.update(ledger_version=9)
        assert rebuild(accounts, night(NEXT + timedelta(days=1))).appended == ()
        assert set(taken.values_list("value", "snapshot_type")) == {(Decimal(1), EOD)}

    def test_a_corrected_price_reaches_the_snapshots_from_its_day_on(self, accounts: dict[str, Account]) -> None:
        self.nights(accounts, TODAY - timedelta(days=1), TODAY, NEXT)
        correct(text=f"price,AAPL,{TODAY},200", reason="typo", operator="staff")
        rebuild(accounts, night(NEXT + timedelta(days=1)))
        values = values_of(accounts["apple"])
        assert [values[day] for day in (TODAY - timedelta(days=1), TODAY, NEXT)] == [10 * 117 + 50, 2050, 2050]
        assert set(AccountDay.objects.filter(account=accounts["general"], day=TODAY).values_list("snapshot_type"))
