"""At least one row of every tenant table, recognisable as its owner's."""

from datetime import date
from decimal import Decimal
from typing import Any

from history.models import AccountDay, AccountHistory, Anomaly
from investments.models import Account, Transaction
from plaid_link.models import Item, LinkedAccount, SyncRun
from portfolio_site.models import Consent, Job
from tests.fixtures import TODAY, Portfolio, make_portfolio

# In a name, a description or an id of each row: wherever it turns up, somebody reads this owner's data.
MARK = "zq7mark"


def make_everything(owner: Any) -> Portfolio:
    """A portfolio and everything around it, for an owner who has nothing yet."""
    portfolio = make_portfolio(owner)
    for account in (portfolio.brokerage, portfolio.ira):
        Account.objects.filter(pk=account.pk).update(name=f"{MARK} {account.name}")
    _history(owner, portfolio.brokerage)
    _link(owner, portfolio.brokerage)
    _corrected_transaction(portfolio)
    Job.objects.create(owner=owner, kind="sync", message=f"{MARK} at work")
    Consent.objects.create(owner=owner, document="terms", version=MARK)
    return portfolio


def _history(owner: Any, account: Account) -> None:
    AccountHistory.objects.create(owner=owner, account=account, error=MARK)
    Anomaly.objects.create(owner=owner, account=account, kind=Anomaly.Kind.SEAM, day=TODAY, size=Decimal(1))
    figures = dict.fromkeys(("value", "cash", "cost_basis", "net_flow", "income", "fees"), Decimal("77777.77"))
    AccountDay.objects.create(
        owner=owner, account=account, day=date(2026, 11, 19), securities_count=1, quality=1, snapshot_type=1, **figures
    )


def _link(owner: Any, account: Account) -> None:
    item = Item.objects.create(
        owner=owner,
        institution=account.institution,
        item_id=f"{MARK}-item-{owner.pk}",
        access_token_encrypted=b"sealed",
        error_message=MARK,
    )
    LinkedAccount.objects.create(owner=owner, item=item, account=account)
    SyncRun.objects.create(
        owner=owner, item=item, trigger=SyncRun.Trigger.LINK, start_date=TODAY, end_date=TODAY, error=MARK
    )


def _corrected_transaction(portfolio: Portfolio) -> None:
    common: dict[str, Any] = {
        "owner": portfolio.owner,
        "account": portfolio.ira,
        "external_id": f"{MARK}-fee",
        "type": "fee",
        "date": TODAY,
        "name": MARK,
    }
    first = Transaction.objects.create(idempotency_key=f"{MARK}-1", amount=Decimal(1), **common)
    Transaction.objects.create(idempotency_key=f"{MARK}-2", amount=Decimal(2), version=2, supersedes=first, **common)
