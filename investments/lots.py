"""Tax lots in PostgreSQL: recomputed for one owner at a time, because shares and wash sales go across accounts.

Only rows that differ are written, so computing again what has not changed writes nothing. One transaction an owner:
whatever kills it, the lots before it stand, and the owner is still behind.
"""

import gc
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from django.db import connection, models, transaction
from django.utils import timezone

from investments.core import precision
from investments.core.gains import ClosedLot, Gains, OpenLot, Washing, gains
from investments.core.lot import WIDE
from investments.lot_records import Ledger, ask, lots_of, read_ledger
from investments.models import RealizedLot, TaxLot, WashSale

logger = logging.getLogger(__name__)

LOT_FIELDS: Final = (
    "account_id", "security_id", "currency", "opened_by_id", "opened", "entered", "quantity", "cost", "added",
)  # fmt: skip
REALIZED_FIELDS: Final = (
    "account_id", "security_id", "currency", "opened_by_id", "closed_by_id", "acquired", "closed", "quantity",
    "proceeds", "basis", "disallowed", "is_short", "is_long_term",
)  # fmt: skip
WASH_FIELDS: Final = (
    "account_id", "security_id", "currency", "opened_by_id", "sold_by_id", "sold_on", "replacement_account_id",
    "replacement_security_id", "bought_by_id", "bought_on", "quantity", "amount", "is_permanent",
)  # fmt: skip
FIELDS: Final[Mapping[type[models.Model], Sequence[str]]] = {
    TaxLot: LOT_FIELDS, RealizedLot: REALIZED_FIELDS, WashSale: WASH_FIELDS
}  # fmt: skip
STORED: Final = [
    f"SELECT {', '.join(fields)}, id FROM {model._meta.db_table} WHERE owner_id = %(owner)s"
    for model, fields in FIELDS.items()
]

# An owner whose lots failed at this version waits for another.
BEHIND: Final = """
SELECT a.owner_id FROM investments_account a LEFT JOIN investments_ownerlots l ON l.owner_id = a.owner_id
GROUP BY a.owner_id, l.processed_version, l.tried_version, l.error
HAVING COALESCE(l.processed_version, -1) <> sum(a.ledger_version)
    AND NOT (COALESCE(l.error, '') <> '' AND l.tried_version = sum(a.ledger_version))
ORDER BY a.owner_id LIMIT %s
"""
# Nothing waits for the disk: what a crash takes is derived, and its owner is behind again with it.
LOCK: Final = """
INSERT INTO investments_ownerlots AS l (owner_id, processed_version, tried_version, error)
VALUES (%(owner)s, -1, -1, '') ON CONFLICT (owner_id) DO UPDATE SET owner_id = excluded.owner_id
RETURNING l.processed_version, set_config('synchronous_commit', 'off', true)
"""
# No account goes away while its lots are written, as a key of each of thousands of rows would see to one by one.
HOLD: Final = """
SELECT COALESCE(sum(ledger_version), 0)::bigint FROM (
    SELECT ledger_version FROM investments_account WHERE owner_id = %(owner)s ORDER BY id FOR KEY SHARE
) held
"""
DONE: Final = """
UPDATE investments_ownerlots SET processed_version = %s, tried_version = %s, computed_at = %s, error = ''
WHERE owner_id = %s
"""
FAILED: Final = """
INSERT INTO investments_ownerlots (owner_id, processed_version, tried_version, error)
SELECT %s, -1, COALESCE(sum(ledger_version), 0), %s FROM investments_account WHERE owner_id = %s
ON CONFLICT (owner_id) DO UPDATE SET tried_version = excluded.tried_version, error = excluded.error
"""
Record = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class LotsWritten:
    """Rows deleted and inserted over the three tables."""

    deleted: int = 0
    inserted: int = 0


def behind(*, limit: int) -> list[int]:
    """Owners whose lots do not follow their ledger."""
    with connection.cursor() as cursor:
        cursor.execute(BEHIND, [limit])
        return [row[0] for row in cursor.fetchall()]


def recompute_lots(*, owner_id: int, anew: bool = False) -> LotsWritten:
    """Bring an owner's lots up to the ledger; nothing is done when they are, unless `anew`.

    Safe to run twice, at once, or to be killed. Raises what went wrong after recording it.
    """
    try:
        with transaction.atomic():
            return _recompute(owner_id, anew=anew)
    except Exception as error:
        _record_failure(owner_id, error)
        raise


def compute(ledger: Ledger) -> Gains:
    """The lots of a ledger; no database."""
    return gains(
        history=lots_of(ledger),
        rows=ledger.rows,
        actions=ledger.actions,
        sheltered=ledger.sheltered,
        identity=ledger.alike,
        same_lot=ledger.same_lot,
    )


def _recompute(owner_id: int, *, anew: bool) -> LotsWritten:
    # Held before anything is read: what changes while this computes leaves the owner behind.
    ((processed, _),), ((version,),) = ask({"owner": owner_id}, LOCK, HOLD)
    if processed == version and not anew:
        return LotsWritten()
    with _uncollected():
        written = _write(owner_id, read_ledger(owner_id=owner_id))
    with connection.cursor() as cursor:
        cursor.execute(DONE, [version, version, timezone.now(), owner_id])
    return LotsWritten(sum(each.deleted for each in written), sum(each.inserted for each in written))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the collector of cycles: of many small records and no cycle, it takes longer than all the rest."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _write(owner_id: int, ledger: Ledger) -> list[LotsWritten]:
    found = compute(ledger)
    wanted = {
        TaxLot: [_lot(lot, ledger) for lot in found.open],
        RealizedLot: [_realized(lot, ledger) for lot in found.closed],
        WashSale: [_washed(sale, ledger) for sale in found.washed],
    }
    stored = ask({"owner": owner_id}, *STORED)
    return [_replace(model, owner_id, *both) for model, *both in zip(wanted, stored, wanted.values(), strict=True)]


def _record_failure(owner_id: int, error: Exception) -> None:
    logger.exception("lots failed user_id=%s", owner_id)
    with connection.cursor() as cursor:
        cursor.execute(FAILED, [owner_id, f"{type(error).__name__}: {error}"[:500], owner_id])


def _replace(
    model: type[models.Model], owner_id: int, stored: Sequence[Record], records: Sequence[Record]
) -> LotsWritten:
    """Make the owner's rows these; rows that are there already stay as they are. `stored`: theirs, and the key."""
    if not stored:
        return LotsWritten(0, _copy(model, owner_id, records))
    wanted = Counter(records)
    gone = []
    for row in stored:
        record = row[:-1]
        if wanted.get(record, 0) > 0:
            wanted[record] -= 1
        else:
            gone.append(row[-1])
    if gone:
        table = model._default_manager.filter(owner_id=owner_id, pk__in=gone)
        table._raw_delete(table.db)
    return LotsWritten(len(gone), _copy(model, owner_id, list(wanted.elements())))


def _copy(model: type[models.Model], owner_id: int, records: Sequence[Record]) -> int:
    if records:
        names = ", ".join(("owner_id", *FIELDS[model]))
        with connection.cursor() as cursor, cursor.copy(f"COPY {model._meta.db_table} ({names}) FROM STDIN") as copy:
            for record in records:
                copy.write_row((owner_id, *record))
    return len(records)


def _row_id(number: int | None) -> int | None:
    """A transaction's id; corporate actions and openings have none."""
    return number if number is not None and number > 0 else None


def _units(value: Decimal) -> Decimal:
    return _fit(value, precision.QUANTITY_PLACES)


def _money(value: Decimal | None) -> Decimal | None:
    return None if value is None else _fit(value, precision.MONEY_PLACES)


_fit = WIDE.quantize


def _lot(lot: OpenLot, ledger: Ledger) -> Record:
    account, security, opened_by, opened, entered, quantity, cost, added = lot
    return (
        account, security, ledger.currencies[security], _row_id(opened_by), opened, _known(entered),
        _units(quantity), _money(cost), _money(added),
    )  # fmt: skip


def _known(day: date) -> date:
    """PostgreSQL reaches further back than anybody; a day before all rows is told as the first of 1900."""
    return max(day, date(1900, 1, 1))


def _realized(lot: ClosedLot, ledger: Ledger) -> Record:
    (
        account, security, opened_by, closed_by, acquired, closed, quantity, proceeds, basis, disallowed, is_short,
        is_long_term,
    ) = lot  # fmt: skip
    return (
        account, security, ledger.currencies[security], _row_id(opened_by), _row_id(closed_by), acquired, closed,
        _units(quantity), _money(proceeds), _money(basis), _money(disallowed), is_short, is_long_term,
    )  # fmt: skip


def _washed(washing: Washing, ledger: Ledger) -> Record:
    account, security, replacement_account, replacement_security, sale = washing
    return (
        account, security, ledger.currencies[security], _row_id(sale.sold_lot), _row_id(sale.sold_by), sale.sold_on,
        replacement_account, replacement_security, _row_id(sale.replacement_lot), sale.bought_on,
        _units(sale.quantity), _money(sale.amount), sale.is_permanent,
    )  # fmt: skip
