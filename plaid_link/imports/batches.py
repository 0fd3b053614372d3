"""What an owner does with a file: send it, answer what is asked, confirm, take back, throw away."""

import hashlib
import zlib
from typing import Any, Final

from django.conf import settings
from django.utils import timezone

from investments.ledger.derived import SELF_KEPT
from investments.models import Account
from plaid_link.imports import jobs
from plaid_link.imports.models import ImportBatch
from portfolio_site.models import Job

# Files that wait for their owner; the oldest goes when one more comes.
MOST_OPEN: Final = 10
State = ImportBatch.State
ANSWERS: Final = frozenset(
    {"layout", "columns", "date_order", "decimal", "actions", "account", "symbols", "accept_symbols", "rows_out",
     "cash", "currency"}
)  # fmt: skip
_MERGED: Final = frozenset({"actions", "symbols"})


class Refused(ValueError):
    """It cannot be done; the text is for the user, and `field` names what was wrong."""

    def __init__(self, message: str, *, field: str = "file") -> None:
        super().__init__(message)
        self.field = field


def open_batch(
    *, owner_id: int, file_name: str, data: bytes, account: Account | None, new_account: dict[str, str], **options: Any
) -> tuple[ImportBatch, Job]:
    """Keep the file and have it read, as a job. Raises Refused for one that is too large or without an account."""
    if len(data) > settings.IMPORT_MAX_BYTES:
        raise Refused(f"The file has more than {settings.IMPORT_MAX_BYTES:,} bytes. Export it in shorter periods.")
    if account is None and not new_account.get("name", "").strip():
        raise Refused("Choose an account, or name a new one.", field="account")
    if account is not None and account.closed_at is not None:
        raise Refused("This account is closed.", field="account")
    _make_room(owner_id)
    batch = ImportBatch.objects.create(
        owner_id=owner_id,
        account=account,
        new_account={} if account else new_account,
        file_name=_file_name(file_name),
        file=zlib.compress(data, 3),
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        options={name: value for name, value in options.items() if value},
    )
    return batch, jobs.queue(batch, jobs.READ)


def answer(batch: ImportBatch, answers: dict[str, Any]) -> Job:
    """Have the file read again with what its owner says. Raises Refused once it is stored or being worked on."""
    unknown = answers.keys() - ANSWERS
    if unknown:
        raise Refused("There is nothing to answer under this name.", field=sorted(unknown)[0])
    merged = {name: {**batch.options.get(name, {}), **answers[name]} for name in _MERGED & answers.keys()}
    options = {**batch.options, **answers, **merged}
    _move(batch, State.READING, {State.ASKING, State.REFUSED, State.READY, State.UNREADABLE}, options=options)
    return jobs.queue(batch, jobs.READ)


def confirm(batch: ImportBatch) -> Job:
    """Have it stored. Raises Refused unless all of it is ready."""
    _move(batch, State.STORING, {State.READY})
    return jobs.queue(batch, jobs.STORE)


def undo(batch: ImportBatch) -> Job:
    """Have what it stored taken back. Raises Refused unless it is stored."""
    _move(batch, State.UNDOING, {State.STORED})
    return jobs.queue(batch, jobs.UNDO)


def discard(batch: ImportBatch) -> None:
    """Throw the file away with its lines. Raises Refused once it is stored: then there is undo."""
    found = ImportBatch.objects.light().filter(pk=batch.pk).open().exclude(state=State.STORING)
    if not found.delete()[0]:
        raise Refused("It is stored: undo it instead.", field="state")


def stored_before(batch: ImportBatch) -> ImportBatch | None:
    """The import by which this very file is in the same account already."""
    if batch.account_id is None:
        return None
    same = ImportBatch.objects.light().filter(account=batch.account_id, sha256=batch.sha256, state=State.STORED)
    return same.exclude(pk=batch.pk).first()


def may_be_imported_into(account: Account) -> bool:
    """Any open account: of one that a connection feeds, the days before the connection's are imported."""
    return account.closed_at is None


def is_self_kept(account: Account) -> bool:
    """Whether what it holds is what its transactions leave."""
    return account.source in SELF_KEPT


def _move(batch: ImportBatch, state: str, before: set[Any], **values: Any) -> None:
    """A conditional update, so that two clicks count as one."""
    moved = ImportBatch.objects.filter(pk=batch.pk, state__in=before).update(state=state, **values)
    if not moved:
        current = ImportBatch.objects.light().get(pk=batch.pk)
        raise Refused(f"Not now: the import is {current.get_state_display().lower()}.", field="state")
    batch.refresh_from_db(fields=["state", "options"])


def _make_room(owner_id: int) -> None:
    waiting = ImportBatch.objects.light().filter(owner_id=owner_id).open().exclude(state=State.STORING)
    ids = list(waiting.order_by("-created_at", "-pk").values_list("pk", flat=True)[MOST_OPEN - 1 :])
    ImportBatch.objects.filter(pk__in=ids).delete()


def _file_name(name: str) -> str:
    """Its last part, without what cannot be shown."""
    bare = "".join(char for char in name.replace("\\", "/").rsplit("/", 1)[-1] if char.isprintable())
    return bare.strip()[:200] or "file"


def forget_old() -> int:
    """Throw away files that nobody confirmed for a month; how many."""
    old = ImportBatch.objects.forgotten(timezone.now()).exclude(state=State.STORING)
    return old.delete()[1].get("plaid_link.ImportBatch", 0)
