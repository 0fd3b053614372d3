"""The signals of the ledger."""

from django.dispatch import Signal

# Sent after commit whenever accounts' ledgers changed and their `ledger_version` was raised.
# Arguments: account_ids (sorted list of primary keys). It only makes things fast: `Account.ledger_version` is the
# truth, and a sweep that compares versions finds whatever a lost signal would have told.
ledger_changed = Signal()

# Sent inside the transaction that says something else of securities than before, where that changes what they are worth
# on every day to whoever holds them: multiplier, currency, whether they are cash. Arguments: security_ids.
securities_restated = Signal()
