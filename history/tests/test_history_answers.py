"""An answer of the history API is kept only as long as it is true: whoever writes days changes its tag."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import orjson
import pytest
import time_machine
from redis.exceptions import ConnectionError as NoRedis

from history import claims, snapshots
from history.market.corrections import correct
from history.market.price_files import load_prices
from history.reconstruction.rebuild import rebuild_accounts
from history.series import Period, totals
from history.tests.ledgers import CASH, book, evening, holding, row, stock
from history.valuation import market_today
from investments import ledger
from investments.models import Account

pytestmark = pytest.mark.django_db
URL = "/api/portfolio/history?period=2Y"
TODAY = date(2026, 11, 18)
NEXT = TODAY + timedelta(days=1)
AAPL = stock("AAPL")


@dataclass
class Asking:
    """Somebody who asks again and again, with the tag of the last answer, at a moment of their own."""

    api: Any
    clock: Any
    owner: Any
    tag: str = ""

    @property
    def caller(self) -> Any:
        """With a token that has not expired."""
        return self.api(self.owner)

    def again(self) -> bool:
        """Whether something new was told; what is told is always what a fresh reading says."""
        answer = self.caller.get(URL, headers={"If-None-Match": self.tag} if self.tag else {})
        known, self.tag = self.tag, answer["ETag"]
        if answer.status_code == 304:
            assert self.tag == known
            return False
        assert orjson.loads(answer.content) == self.fresh()
        return True

    def fresh(self) -> Any:
        ids = list(Account.objects.filter(owner=self.owner).order_by("pk").values_list("pk", flat=True))
        today = market_today()
        return totals(account_ids=ids, period=Period(today - timedelta(days=730), today))


@pytest.fixture
def account(owner: Any, settings: Any) -> Account:
    """10 AAPL at 100 plus the day of the month, and 50 in cash."""
    settings.MARKET_DATA_PROVIDERS, settings.HISTORY_DAYS = ["stored"], 30
    days = [NEXT - timedelta(days=number) for number in range(60)]
    load_prices(["symbol,date,close\n", *(f"AAPL,{day},{100 + day.day}\n" for day in days if day.weekday() < 5)])
    made = book(owner, "one", securities=[AAPL], holdings=[holding(AAPL, 10, 90), holding(CASH, 50)], on=TODAY)
    rebuild_accounts(account_ids=[made.pk], now=evening(TODAY))
    return made


@pytest.fixture
def asking(api: Any, owner: Any, account: Account) -> Any:
    with time_machine.travel(evening(TODAY), tick=False) as clock:
        asking = Asking(api, clock, owner)
        assert asking.again()
        assert not asking.again()
        yield asking


def rebuild(account: Account, day: date = TODAY) -> Any:
    return rebuild_accounts(account_ids=[account.pk], now=evening(day))


def traded(account: Account, clock: Any) -> None:
    ledger.record_transactions(
        accounts={account.external_id: account}, securities={}, source="plaid", today=TODAY,
        entries=[replace(row("cash/deposit", TODAY - timedelta(days=3), -20), account_external_id=account.external_id)],
    )  # fmt: skip
    rebuild(account)


def price_corrected(account: Account, clock: Any) -> None:
    correct(text=f"price,AAPL,{TODAY - timedelta(days=1)},200", reason="test", operator="staff")
    rebuild(account)


def a_day_later(account: Account, clock: Any) -> None:
    clock.move_to(evening(NEXT))
    assert rebuild(account, NEXT).appended == (account.pk,)


def snapshot_taken(account: Account, clock: Any) -> None:
    """Of a day whose close has come to differ, by the night's statement alone."""
    load_prices(["symbol,date,close\n", f"AAPL,{TODAY},300\n"])
    assert snapshots.take_snapshot(day=TODAY, trigger="operator", now=evening(NEXT)).changed == 1


def rebuilt_from_the_start(account: Account, clock: Any) -> None:
    claims.restart(account_ids=[account.pk])
    rebuild(account)


def another_account(account: Account, clock: Any) -> None:
    book(account.owner, "two", holdings=[holding(CASH, 5)], on=TODAY)


def account_closed(account: Account, clock: Any) -> None:
    ledger.close_accounts(account_ids=[account.pk])


def account_erased(account: Account, clock: Any) -> None:
    ledger.erase_accounts(account_ids=[account.pk])


@pytest.mark.parametrize(
    "change",
    [traded, price_corrected, a_day_later, snapshot_taken, rebuilt_from_the_start, another_account, account_closed,
     account_erased],
)  # fmt: skip
def test_whoever_writes_days_changes_the_tag(
    asking: Asking, account: Account, change: Callable[[Account, Any], None]
) -> None:
    change(account, asking.clock)
    assert asking.again()
    assert not asking.again()


def test_a_snapshot_that_writes_nothing_leaves_it(asking: Asking, account: Account) -> None:
    snapshots.take_snapshot(day=TODAY, trigger="operator", now=evening(NEXT))
    assert asking.again()  # the row is the snapshot's now
    snapshots.take_snapshot(day=TODAY, trigger="operator", now=evening(NEXT))
    assert not asking.again()


def test_it_is_compressed_for_who_takes_it_so(asking: Asking) -> None:
    plain = asking.caller.get(URL)
    packed = asking.caller.get(URL, headers={"Accept-Encoding": "br, gzip"})
    assert gzip.decompress(packed.content) == plain.content
    assert (packed["Content-Encoding"], "Content-Encoding" in plain.headers) == ("gzip", False)
    assert "Accept-Encoding" in packed["Vary"]


def test_nobody_gets_what_was_kept_for_another(asking: Asking, api: Any, other: Any) -> None:
    answer = api(other).get(URL, headers={"If-None-Match": asking.tag})
    assert (answer.status_code, answer.json()["dates"]) == (200, [])


def test_without_a_cache_it_is_read_each_time(asking: Asking, monkeypatch: Any) -> None:
    def refuse(*_args: Any) -> None:
        raise NoRedis

    monkeypatch.setattr("history.answers.client", refuse)
    asking.tag = ""
    assert asking.again()
