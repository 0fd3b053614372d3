"""At least one row of every tenant table, recognisable as its owner's."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from allauth.usersessions.models import UserSession
from rest_framework_simplejwt.tokens import RefreshToken

from history.models import AccountDay, AccountHistory, Anomaly, IntradayValue
from investments.lots import recompute_lots
from investments.models import (
    Account,
    CorporateAction,
    IdenticalGroup,
    IdenticalSecurity,
    LotPick,
    RealizedLot,
    Security,
    TaxRules,
    Transaction,
    WashSale,
)
from plaid_link.models import (
    ImportBatch,
    ImportChunk,
    ImportMapping,
    Item,
    LinkedAccount,
    SyncRun,
    UnplacedAccount,
)
from portfolio_site.models import Consent, IdempotentRequest, Job, UserExport
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
    _import(owner, portfolio.ira)
    _lots(portfolio)
    Job.objects.create(owner=owner, kind="sync", message=f"{MARK} at work")
    IdempotentRequest.objects.create(owner=owner, key=MARK, fingerprint="0" * 64, status=201, body=MARK.encode())
    UserSession.objects.create(user=owner, ip="10.0.0.1", session_key=f"{MARK}-{owner.pk}", user_agent=MARK)
    UserExport.objects.create(owner=owner, job=Job.objects.filter(owner=owner)[0], content=MARK.encode())
    RefreshToken.for_user(owner)
    Consent.objects.create(owner=owner, document="terms", version=MARK)
    return portfolio


def _history(owner: Any, account: Account) -> None:
    AccountHistory.objects.create(owner=owner, account=account, error=MARK)
    Anomaly.objects.create(owner=owner, account=account, kind=Anomaly.Kind.SEAM, day=TODAY, size=Decimal(1))
    figures = dict.fromkeys(("value", "cash", "cost_basis", "net_flow", "income", "fees"), Decimal("77777.77"))
    AccountDay.objects.create(
        owner=owner, account=account, day=date(2026, 11, 19), securities_count=1, quality=1, snapshot_type=1, **figures
    )
    minute = datetime(2026, 11, 19, 15, 30, tzinfo=UTC)
    value = dict.fromkeys(("value", "low", "high"), Decimal("77777.77"))
    IntradayValue.objects.create(owner=owner, account=account, minute=minute, **value)


def _lots(portfolio: Portfolio) -> None:
    """What the ledger comes to, and a row of each table that this ledger has no cause for."""
    recompute_lots(owner_id=portfolio.owner.pk)
    common: dict[str, Any] = {
        "owner": portfolio.owner,
        "account": portfolio.brokerage,
        "security": portfolio.securities["sec-aapl"],
    }
    RealizedLot.objects.create(closed=TODAY, quantity=1, proceeds=Decimal("77777.77"), **common)
    WashSale.objects.create(
        sold_on=TODAY, bought_on=TODAY, quantity=1, amount=Decimal("77777.77"), is_permanent=False,
        replacement_account=portfolio.ira, replacement_security=common["security"], **common,
    )  # fmt: skip
    bought = Transaction.objects.filter(account=portfolio.brokerage, type="buy").earliest("pk")
    group = IdenticalGroup.objects.create(owner=portfolio.owner, name=MARK)
    IdenticalSecurity.objects.create(owner=portfolio.owner, group=group, security=common["security"])
    TaxRules.objects.create(owner=portfolio.owner)
    LotPick.objects.create(
        owner=portfolio.owner, account=portfolio.brokerage, sale=bought, opened_by=bought, quantity=1
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
    UnplacedAccount.objects.create(
        owner=owner, item=item, external_id=f"{MARK}-unplaced", name=MARK, type="investment", candidates=[account.pk]
    )
    SyncRun.objects.create(
        owner=owner, item=item, trigger=SyncRun.Trigger.LINK, start_date=TODAY, end_date=TODAY, error=MARK
    )


def _import(owner: Any, account: Account) -> None:
    batch = ImportBatch.objects.create(
        owner=owner,
        account=account,
        state=ImportBatch.State.READY,
        file_name=f"{MARK}.csv",
        size=1,
        sha256=MARK,
        new_rows=1,
    )
    line = {"row": 1, "state": "new", "id": MARK, "day": "2026-01-05", "type": "fee", "subtype": "", "amount": "1"}
    ImportChunk.objects.create(owner=owner, batch=batch, number=0, lines=[line | {"name": MARK}])
    ImportMapping.objects.create(owner=owner, signature=MARK, options={"columns": {"date": MARK}})


def _corrected_transaction(portfolio: Portfolio) -> None:
    theirs = Security.objects.create(
        source="manual", external_id=f"{MARK}-{portfolio.owner.pk}", name=MARK, ticker_symbol=MARK.upper()
    )
    CorporateAction.objects.create(security=theirs, kind="split", ex_date=TODAY, ratio=Decimal(2), source=MARK)
    common: dict[str, Any] = {
        "owner": portfolio.owner,
        "account": portfolio.ira,
        "security": theirs,
        "external_id": f"{MARK}-fee",
        "type": "fee",
        "date": TODAY,
        "name": MARK,
    }
    first = Transaction.objects.create(idempotency_key=f"{MARK}-1", amount=Decimal(1), **common)
    Transaction.objects.create(idempotency_key=f"{MARK}-2", amount=Decimal(2), version=2, supersedes=first, **common)
