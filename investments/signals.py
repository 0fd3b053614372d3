"""The one signal of the ledger."""

from django.dispatch import Signal

# Sent after commit whenever accounts' ledgers changed and their `ledger_version` was raised.
# Arguments: account_ids (sorted list of primary keys). It only makes things fast: `Account.ledger_version` is the
# truth, and a sweep that compares versions finds whatever a lost signal would have told.
ledger_changed = Signal()
