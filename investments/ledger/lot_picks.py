"""Specific identification: which lots a sale closes, as its owner says."""

from collections.abc import Mapping
from decimal import Decimal

from investments.ledger.changes import changed, lock_accounts, together
from investments.ledger.drafts import Refused
from investments.models import LotPick, Transaction


def pick_lots(*, sale: Transaction, picks: Mapping[int, Decimal]) -> int:
    """The sale takes these units (> 0) from the lots that these transactions opened, and nothing else is picked.

    What it leaves unnamed is the account's rule to decide. Returns the number of picks. Raises Refused, which names the
    field, and nothing has changed then.
    """
    if any(quantity <= 0 for quantity in picks.values()):
        raise Refused("Units above zero", field="quantity")
    if sum(picks.values(), Decimal(0)) > abs(sale.quantity):
        raise Refused(f"The sale is of {abs(sale.quantity).normalize():f} units", field="quantity")
    opening = Transaction.objects.filter(
        pk__in=picks, owner_id=sale.owner_id, account_id=sale.account_id, security_id=sale.security_id
    )
    opened = {row.pk for row in opening if row.quantity * sale.quantity < 0 and row.date <= sale.date}
    if unknown := sorted(picks.keys() - opened):
        raise Refused(f"Transaction {unknown[0]} opened no lot that this one could close", field="opened_by")
    with together():
        lock_accounts([sale.account_id])
        LotPick.objects.filter(sale__in=sale.versions().values("pk")).delete()
        LotPick.objects.bulk_create(
            LotPick(owner_id=sale.owner_id, account_id=sale.account_id, sale=sale, opened_by_id=lot, quantity=quantity)
            for lot, quantity in sorted(picks.items())
        )
        changed([sale.account_id])
    return len(picks)
