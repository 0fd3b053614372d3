"""What tests of pages share: a signed-in browser without JavaScript, and a history to draw."""

from datetime import date, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

from history.models import AccountDay, AccountHistory
from history.valuation import market_today
from investments.models import Account
from tests.fixtures import BROKERAGE_VALUE, IRA_VALUE, Portfolio, WebClient


class Browser(WebClient):
    """Sends forms as a browser does, under row security."""

    default_format = "multipart"


def signed_in(user: Any) -> Browser:
    client = Browser()
    client.force_login(user)
    return client


def write_history(portfolio: Portfolio, *, days: int = 400, deposit: Decimal = Decimal(0)) -> None:
    """Both accounts grow by a unit a day to what they are worth today; the brokerage gets `deposit` half-way."""
    for account, value in ((portfolio.brokerage, BROKERAGE_VALUE), (portfolio.ira, IRA_VALUE)):
        paid_in = deposit if account == portfolio.brokerage else Decimal(0)
        AccountDay.objects.bulk_create(_days(account, value, days, paid_in))
        version = Account.objects.get(pk=account.pk).ledger_version
        AccountHistory.objects.create(
            account=account, owner=portfolio.owner, state=AccountHistory.State.READY, processed_version=version
        )


def _days(account: Account, value: Decimal, days: int, deposit: Decimal) -> list[AccountDay]:
    today = market_today()
    return [_day(account, today - timedelta(days=back), value, back, days // 2, deposit) for back in range(days)]


def _day(account: Account, day: date, value: Decimal, back: int, deposit_back: int, deposit: Decimal) -> AccountDay:
    missing = deposit if back > deposit_back else Decimal(0)
    return AccountDay(
        account=account,
        owner=account.owner,
        day=day,
        value=value - back - missing,
        cash=0,
        net_flow=deposit if back == deposit_back else 0,
        income=0,
        fees=0,
        securities_count=1,
        quality=1,
        snapshot_type=AccountDay.SnapshotType.RECONSTRUCTED,
    )


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words += data.split()


def words_of(answer: Any) -> str:
    """The text of a page as it is read, in one line."""
    parser = _Words()
    parser.feed(answer.content.decode())
    return " ".join(parser.words)
