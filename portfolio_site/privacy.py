"""What is a user's to take away and to have deleted: all of it, as one zip, and for good after thirty days."""

import hashlib
import hmac
import json
import logging
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import IO, Any, Final

from allauth.usersessions.models import UserSession
from celery import shared_task
from django.apps import apps
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models, transaction
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from investments import ledger
from investments.models import Account
from plaid_link import link
from plaid_link.models import Item
from portfolio_site.lib import rls
from portfolio_site.lib.queues import send_on_commit
from portfolio_site.lib.sealed import Sealed
from portfolio_site.models import AuditEntry, DeletionProof, Job, User, UserExport

logger = logging.getLogger(__name__)

KIND: Final = "export"
KEPT_FOR: Final = timedelta(hours=24)
SOFT_FOR: Final = timedelta(days=30)
ISOLATED: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
FETCHED_AT_ONCE: Final = 2000
# Owned tables that are no data of anybody's: what we answered, and exports themselves.
NOT_EXPORTED: Final = frozenset({"portfolio_site_idempotentrequest", "portfolio_site_userexport"})
SECRET_COLUMNS: Final = frozenset({"access_token_encrypted"})
PROFILE: Final = (
    "id", "email", "first_name", "last_name", "date_joined", "last_login", "base_currency", "time_zone", "benchmark",
    "onboarded_at",
)  # fmt: skip
README: Final = """All that Longview keeps of you, as of {at:%Y-%m-%d %H:%M} UTC.

profile.json is what you told us; every other file is one of our tables, a JSON object a line, with exact decimals.
Securities, named by security_id, are in securities.jsonl. Access tokens of your institutions are left out: they are
ours to keep secret. Informational only, not investment advice.
"""


class StillLinked(Exception):
    """An institution could not be told to forget a connection; another day."""


def owned_models() -> list[type[models.Model]]:
    """Every model whose rows have an owner, by table name."""
    found = [model for model in apps.get_models() if _has_owner(model)]
    return sorted(found, key=lambda model: model._meta.db_table)


def _has_owner(model: type[models.Model]) -> bool:
    return any(field.name == "owner" and field.related_model is User for field in model._meta.concrete_fields)


def request_export(user: User) -> UserExport:
    """The export of the last day, or a new one that a worker makes."""
    recent = UserExport.objects.filter(owner=user, created_at__gt=timezone.now() - KEPT_FOR)
    known = recent.exclude(job__state=Job.State.FAILED).select_related("job").defer("content").first()
    if known is not None:
        return known
    job = Job.objects.create(owner=user, kind=KIND)
    export = UserExport.objects.create(owner=user, job=job, content=b"")
    send_on_commit(make_export, str(job.pk))
    return export


@shared_task(name="portfolio_site.make_export")
def make_export(job_id: str) -> None:
    """Write everything the job's owner has into its export. Twice does no harm."""
    job = Job.objects.filter(pk=job_id, kind=KIND).unfinished().select_related("owner").first()
    if job is None:
        return
    job.advance(0.05, "Collecting")
    try:
        with tempfile.TemporaryFile() as file:
            files = _write(file, job.owner)
            file.seek(0)
            UserExport.objects.filter(job=job).update(content=file.read())
        job.succeed({"files": files})
    except Exception:
        logger.exception("export broke")
        job.fail("Something went wrong on our side. Try again.")


def _write(file: IO[bytes], user: User) -> int:
    """The zip; all of it one state of the database. Returns how many files are in it."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed, transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(ISOLATED)
        rls.set_tenant(user.pk)
        packed.writestr("README.txt", README.format(at=timezone.now()))
        profile = {name: getattr(user, name) for name in PROFILE}
        packed.writestr("profile.json", json.dumps(profile, cls=DjangoJSONEncoder, indent=1))
        for name, sql, sealed in _tables():
            with packed.open(f"{name}.jsonl", "w") as lines:
                for row in _rows(sql, user.pk, sealed):
                    lines.write(row.encode() + b"\n")
        return len(packed.namelist())


def _tables() -> Iterator[tuple[str, str, list[Sealed]]]:
    """(name of the file, statement for an owner's rows as JSON text, the sealed columns that it tells beside that)."""
    for model in owned_models():
        table = model._meta.db_table
        if table in NOT_EXPORTED:
            continue
        sealed = [field for field in model._meta.concrete_fields if isinstance(field, Sealed)]
        told = [field for field in model._meta.concrete_fields if _is_told(field) and field not in sealed]
        columns = ", ".join(f't."{field.column}"' for field in told)
        beside = "".join(f', t."{field.column}"' for field in sealed)
        order = ", ".join(f't."{field.column}"' for field in model._meta.pk_fields)
        rows = f'"{table}" t CROSS JOIN LATERAL (SELECT {columns}) r WHERE t.owner_id = %s ORDER BY {order}'
        yield table, f"SELECT row_to_json(r)::text{beside} FROM {rows}", sealed
    yield (
        "securities",
        (
            "SELECT row_to_json(s)::text FROM investments_security s WHERE id IN ("
            "SELECT security_id FROM investments_transaction WHERE owner_id = %s UNION "
            "SELECT security_id FROM investments_holding WHERE owner_id = %s) ORDER BY id"
        ),
        [],
    )
    yield (
        "audit_trail",
        (f"SELECT row_to_json(a)::text FROM {AuditEntry._meta.db_table} a WHERE subject_id = %s ORDER BY id"),
        [],
    )


def _is_told(field: Any) -> bool:
    return field.column not in SECRET_COLUMNS


def _rows(sql: str, user_id: int, sealed: list[Sealed]) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [user_id] * sql.count("%s"))
        while rows := cursor.fetchmany(FETCHED_AT_ONCE):
            for plain, *stored in rows:
                values = zip(sealed, stored, strict=True)
                yield _with(plain, {one.column: one.open(bytes(value)) for one, value in values})


def _with(row: str, opened: dict[str, Any]) -> str:
    """The row as its owner knows it. Bytes are told as PostgreSQL tells them."""
    if not opened:
        return row
    told = {name: f"\\x{value.hex()}" if isinstance(value, bytes) else value for name, value in opened.items()}
    return f"{row[:-1]},{json.dumps(told)[1:]}"


def request_deletion(user: User) -> datetime:
    """From now on the user is signed out everywhere and nothing is read of theirs. Returns when it is for good.

    Until then an operator can give the account back; connections have to be linked anew.
    """
    now = timezone.now()
    with rls.tenant(user.pk):
        for item in Item.objects.filter(owner=user).connected():
            link.disconnect(item=item, erase=False)
        User.objects.filter(pk=user.pk).update(is_active=False, deletion_requested_at=now)
        for session in UserSession.objects.filter(user=user):
            session.end()
        alive = OutstandingToken.objects.filter(user=user, blacklistedtoken=None)
        BlacklistedToken.objects.bulk_create([BlacklistedToken(token=token) for token in alive], ignore_conflicts=True)
    return now + SOFT_FOR


def restore(user_id: int) -> bool:
    """Take the wish to be deleted back. Whether there was one."""
    wished = User.objects.filter(pk=user_id).exclude(deletion_requested_at=None)
    return bool(wished.update(is_active=True, deletion_requested_at=None))


@shared_task(name="portfolio_site.purge_deleted_users", expires=3600)
def purge_deleted_users() -> None:
    """Delete for good whoever asked for it thirty days ago. One that fails is tried again the next day."""
    due = User.objects.filter(deletion_requested_at__lte=timezone.now() - SOFT_FOR).order_by("pk")
    for user in due:
        try:
            delete_for_good(user)
        except StillLinked:
            logger.warning("not deleted user_id=%d: an institution is still linked", user.pk)
        except Exception:
            logger.exception("not deleted user_id=%d", user.pk)


def delete_for_good(user: User) -> DeletionProof:
    """All rows of the user in one transaction, and the proof. Only for a worker. Raises StillLinked."""
    for item in Item.objects.filter(owner=user):
        link.remove_item(item=item)
    if Item.objects.filter(owner=user).exclude(access_token_encrypted=b"").exists():
        raise StillLinked
    with transaction.atomic():
        wished = User.objects.select_for_update().get(pk=user.pk)
        counted = {model._meta.db_table: model._default_manager.filter(owner=user).count() for model in owned_models()}
        ledger.erase_accounts(account_ids=list(Account.objects.filter(owner=user).values_list("pk", flat=True)))
        OutstandingToken.objects.filter(user=user).delete()
        proof = DeletionProof.objects.create(
            user_id=wished.pk,
            email_digest=digest_of(wished.email),
            requested_at=wished.deletion_requested_at or timezone.now(),
            rows={table: rows for table, rows in counted.items() if rows},
        )
        wished.delete()
    return proof


def digest_of(email: str) -> str:
    """What stands for an e-mail address in a proof."""
    return hmac.new(settings.SECRET_KEY.encode(), email.lower().encode(), hashlib.sha256).hexdigest()
