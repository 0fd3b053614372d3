"""The only writer of accounts, securities, holdings, transactions and corporate actions.

Every way in (Plaid, CSV, API, by hand, providers) turns what it was told into `investments.entries` and calls these.
All of them are set-based, run in one transaction, change nothing when told nothing new, and return how many rows they
truly inserted or changed. A change raises `Account.ledger_version` and, on commit, sends `ledger_changed`; within
`together()` several calls count as one change.
"""

from .accounts import AccountsWritten, adopt_accounts, close_accounts, erase_accounts, reopen_accounts, upsert_accounts
from .changes import together
from .corporate_actions import ActionsWritten, record_corporate_actions
from .holdings import HoldingsWritten, replace_holdings
from .securities import SecuritiesWritten, upsert_institution, upsert_securities
from .transactions import TransactionsWritten, record_transactions, void_transactions, void_unlisted

__all__ = [
    "AccountsWritten",
    "ActionsWritten",
    "HoldingsWritten",
    "SecuritiesWritten",
    "TransactionsWritten",
    "adopt_accounts",
    "close_accounts",
    "erase_accounts",
    "record_corporate_actions",
    "record_transactions",
    "reopen_accounts",
    "replace_holdings",
    "together",
    "upsert_accounts",
    "upsert_institution",
    "upsert_securities",
    "void_transactions",
    "void_unlisted",
]
