from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from investments import ledger
from investments.entries import AccountEntry, InstitutionEntry, SecurityEntry, TransactionEntry
from investments.models import Account, Institution, Security

TODAY = date(2026, 11, 20)


@dataclass(frozen=True)
class Books:
    """An owner's brokerage account, and three securities it may trade."""

    institution: Institution
    accounts: Mapping[str, Account]
    securities: Mapping[str, Security]

    @property
    def account(self) -> Account:
        return Account.objects.get(pk=self.accounts["brokerage"].pk)

    def record(self, *entries: TransactionEntry, **given: Any) -> ledger.TransactionsWritten:
        arguments = {"accounts": self.accounts, "securities": self.securities, "source": "plaid", "today": TODAY}
        return ledger.record_transactions(**{**arguments, "entries": entries, **given})


def open_books(owner: Any) -> Books:
    institution = ledger.upsert_institution(entry=InstitutionEntry("ins_1", "First Platypus"))
    accounts = ledger.upsert_accounts(
        owner_id=owner.pk, institution=institution, source="plaid", entries=[AccountEntry("brokerage", "Brokerage")]
    )
    securities = ledger.upsert_securities(
        source="plaid",
        entries=[
            SecurityEntry("aapl", name="Apple Inc.", ticker_symbol="AAPL", type="equity"),
            SecurityEntry("vti", ticker_symbol="VTI", type="etf"),
            SecurityEntry("usd", ticker_symbol="CUR:USD", type="cash"),
        ],
    )
    return Books(institution, accounts.by_external_id, securities.by_external_id)


@pytest.fixture
def books(owner: Any) -> Books:
    return open_books(owner)


def bought(external_id: str = "t1", **given: Any) -> TransactionEntry:
    entry = {
        "external_id": external_id,
        "account_external_id": "brokerage",
        "security_external_id": "aapl",
        "type": "buy",
        "subtype": "buy",
        "date": date(2026, 3, 2),
        "quantity": Decimal("10"),
        "price": Decimal("150"),
        "amount": Decimal("1500"),
        "currency": "USD",
        **given,
    }
    return TransactionEntry(**entry)
