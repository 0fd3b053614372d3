"""Versions of a transaction: when two differ, how one follows another, and what stands when owner and source disagree.

The owner's correction of what a source told is a version like any other, marked `is_correction`. It stands for as long
as the source says what it said before. When the source says something new, that is recorded, and the correction is made
again on top of it: each field the owner had changed stays as the owner has it, all others follow the source.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import connection
from django.db.models import Q
from psycopg.types.json import Jsonb

from investments.ledger.changes import changed
from investments.models import Transaction

# Two versions with equal values in these are one.
CONTENT = (
    "security_id",
    "type",
    "subtype",
    "date",
    "settles_on",
    "executed_at",
    "name",
    "quantity",
    "price",
    "amount",
    "fees",
    "currency",
    "cancels_external_id",
    "is_void",
)
BATCH = 2000
COPIED_FROM = 200  # rows
IDS = """
SELECT nextval(s.name) FROM generate_series(1, %(count)s),
    (SELECT pg_get_serial_sequence('investments_transaction', 'id')::regclass AS name OFFSET 0) s
WHERE NOT row_security_active('investments_transaction')
"""


def differs(known: Transaction | None, row: Transaction) -> bool:
    """Whether the row says anything that `known` does not; anything does where nothing is known."""
    return known is None or any(getattr(known, name) != getattr(row, name) for name in CONTENT)


def copy_of(row: Transaction, **content: Any) -> Transaction:
    """An unsaved row of the same account and id with the same content but for what is given."""
    values = {name: getattr(row, name) for name in CONTENT} | content
    return Transaction(
        owner_id=row.owner_id,
        account_id=row.account_id,
        external_id=row.external_id,
        source=row.source,
        repairs=row.repairs,
        **values,
    )


def as_version(row: Transaction, known: Transaction | None) -> Transaction:
    """The row as the version that follows `known`, or as the first one."""
    row.version = known.version + 1 if known else 1
    row.supersedes = known
    # The version is part of the key: a row may go from A to B and back to A.
    row.idempotency_key = f"{row.source}:{row.external_id}#{row.version}"
    return row


def append(rows: Collection[Transaction]) -> None:
    """Write versions, each with its predecessor written already; call within `together`."""
    if len(rows) < COPIED_FROM or not _copy(rows):
        Transaction.objects.bulk_create(rows, batch_size=BATCH)
    changed({row.account_id for row in rows})


def _copy(rows: Collection[Transaction]) -> bool:
    """Many rows by COPY, in a fifth of the time; False where row security is on, which COPY does not work under.

    Ids are taken beforehand, in the order of record: later versions refer to them.
    """
    fields = Transaction._meta.concrete_fields
    names = ", ".join(f'"{field.column}"' for field in fields)
    with connection.cursor() as cursor:
        cursor.execute(IDS, {"count": len(rows)})
        ids = cursor.fetchall()
        if not ids:
            return False
        for row, (row.pk,) in zip(rows, ids, strict=True):
            row._state.adding = False
        with cursor.copy(f"COPY {Transaction._meta.db_table} ({names}) FROM STDIN") as copy:
            for row in rows:
                told = row.__dict__
                copy.write_row([_stored(told[field.attname]) for field in fields])
    return True


def _stored(value: Any) -> Any:
    return Jsonb(value) if isinstance(value, list) else value


def last_told(latest: Iterable[Transaction]) -> dict[int, Transaction]:
    """By the id of each of these last versions, what the source itself said last: the row itself if no correction.

    One query for all corrections among them, none where there are none.
    """
    rows = list(latest)
    corrected = [row for row in rows if row.is_correction]
    told = {row.pk: row for row in rows if not row.is_correction}
    if not corrected:
        return told
    versions: dict[tuple[int, str, str], Transaction] = {}
    accounts, ids = {row.account_id for row in corrected}, {row.external_id for row in corrected}
    known = Transaction.objects.filter(Q(account__in=accounts, external_id__in=ids), is_correction=False)
    for version in known.order_by("version"):
        versions[_identity(version)] = version
    return told | {row.pk: versions[_identity(row)] for row in corrected}


def append_told(rows: Collection[Transaction], told: Mapping[int, Transaction]) -> None:
    """Write what the source says anew, and on top of it what the owner had corrected.

    Each row is linked already to the last version (`as_version`); `told`, as of `last_told`, is what was said before.
    """
    append(rows)
    again = [kept for row in rows if (kept := _corrected_again(row, told)) is not None]
    append(again)


def _corrected_again(row: Transaction, told: Mapping[int, Transaction]) -> Transaction | None:
    before = row.supersedes
    if before is None or not before.is_correction:
        return None
    said = told[before.pk]
    theirs = {name: getattr(before, name) for name in CONTENT if getattr(before, name) != getattr(said, name)}
    kept = copy_of(row, **theirs)
    if not differs(row, kept):
        return None
    kept.is_correction = True
    return as_version(kept, row)


def _identity(row: Transaction) -> tuple[int, str, str]:
    return row.account_id, row.source, row.external_id
