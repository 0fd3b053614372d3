"""The only writer of accounts, securities, holdings, transactions and corporate actions.

Every way in (Plaid, CSV, API, by hand, providers) turns what it was told into `investments.entries` and calls these.
All of them are set-based, run in one transaction, change nothing when told nothing new, and return how many rows they
truly inserted or changed. A change raises `Account.ledger_version` and, on commit, sends `ledger_changed`; within
`together()` several calls count as one change.
"""

from .accounts import (
    AccountsWritten,
    adopt_accounts,
    choose_lot_method,
    close_accounts,
    erase_accounts,
    prefer_income,
    rename_account,
    reopen_accounts,
    upsert_accounts,
)
from .by_hand import (
    StaleVersion,
    UnknownVersion,
    add_transaction,
    correct_transaction,
    restore_transaction,
    void_transaction,
)
from .changes import follow_rates, together
from .corporate_actions import ActionsWritten, begin_corporate_actions, record_corporate_actions
from .drafts import Refused
from .holdings import HoldingsWritten, replace_holdings
from .lot_picks import pick_lots
from .securities import (
    SecuritiesWritten,
    options_named,
    set_contract_size,
    upsert_institution,
    upsert_securities,
)
from .tax_rules import declare_identical, forget_identical, may_be_identical, read_same_lot
from .transactions import TransactionsWritten, record_transactions, void_transactions, void_unlisted

__all__ = [
    "AccountsWritten",
    "ActionsWritten",
    "HoldingsWritten",
    "Refused",
    "SecuritiesWritten",
    "StaleVersion",
    "TransactionsWritten",
    "UnknownVersion",
    "add_transaction",
    "adopt_accounts",
    "begin_corporate_actions",
    "choose_lot_method",
    "close_accounts",
    "correct_transaction",
    "declare_identical",
    "erase_accounts",
    "follow_rates",
    "forget_identical",
    "may_be_identical",
    "options_named",
    "pick_lots",
    "prefer_income",
    "read_same_lot",
    "record_corporate_actions",
    "record_transactions",
    "rename_account",
    "reopen_accounts",
    "replace_holdings",
    "restore_transaction",
    "set_contract_size",
    "together",
    "upsert_accounts",
    "upsert_institution",
    "upsert_securities",
    "void_transaction",
    "void_transactions",
    "void_unlisted",
]
