"""Row security as PostgreSQL has it: read from its catalog, and tried as the web role with two users."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import DatabaseError, IntegrityError, connection, models, transaction
from psycopg.errors import ForeignKeyViolation, InsufficientPrivilege

from investments.models import Holding, Transaction
from portfolio_site.lib import rls
from tests.everything import make_everything
from tests.fixtures import TODAY, Portfolio, make_portfolio

AsWeb = Callable[..., AbstractContextManager[None]]

# Tables that name a user without being a tenant's, and why row security would be wrong or useless on them.
NOT_TENANT_TABLES = {
    "account_emailaddress": "looked up at sign-in, before there is a tenant",
    "django_admin_log": "what staff did; only the admin reads it",
    "mfa_authenticator": "read at sign-in, before there is a tenant; its secrets are sealed",
    "usersessions_usersession": "written at sign-in, before there is a tenant",
    "portfolio_site_user_groups": "rights of staff, read while a request is still anonymous",
    "portfolio_site_user_user_permissions": "rights of staff, read while a request is still anonymous",
    "token_blacklist_outstandingtoken": "looked up by the token's own id, before there is a tenant",
}
# Keys between tenants' rows that the database does not hold to one owner, and why no row can break it.
READ_ONLY = "the web role may not write there"
UNHELD_KEYS = {
    ("history_accountday", "account_id"): READ_ONLY,
    ("investments_realizedlot", "account_id"): READ_ONLY,
    ("investments_realizedlot", "closed_by_id"): READ_ONLY,
    ("investments_realizedlot", "opened_by_id"): READ_ONLY,
    ("investments_taxlot", "account_id"): READ_ONLY,
    ("investments_taxlot", "opened_by_id"): READ_ONLY,
    ("investments_washsale", "account_id"): READ_ONLY,
    ("investments_washsale", "bought_by_id"): READ_ONLY,
    ("investments_washsale", "opened_by_id"): READ_ONLY,
    ("investments_washsale", "replacement_account_id"): READ_ONLY,
    ("investments_washsale", "sold_by_id"): READ_ONLY,
}

OWNED_TABLES = """
SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity,
    ARRAY(SELECT pg_get_expr(p.polqual, p.polrelid) FROM pg_policy p WHERE p.polrelid = c.oid),
    ARRAY(SELECT pg_get_expr(p.polwithcheck, p.polrelid) FROM pg_policy p WHERE p.polrelid = c.oid)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'owner_id' AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1
"""
PARTITIONS_WITHIN_REACH = """
SELECT c.relname FROM pg_class c
WHERE c.relispartition AND c.relkind IN ('r', 'p') AND (
    has_table_privilege(%(web)s, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
    OR has_any_column_privilege(%(web)s, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')
)
"""
WRITABLE = """
SELECT attname FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""
OWNER_KEYS = """
SELECT c.conrelid::regclass::text || '.' || a.attname FROM pg_constraint c
JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
JOIN pg_attribute o ON o.attrelid = c.conrelid AND o.attnum = c.conkey[2] AND o.attname = 'owner_id'
JOIN pg_attribute r ON r.attrelid = c.confrelid AND r.attnum = c.confkey[2] AND r.attname = 'owner_id'
WHERE c.contype = 'f' AND c.convalidated AND array_length(c.conkey, 1) = 2
"""


def _rows(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, *parameters)
        return cursor.fetchall()


def _count(table: str, where: str = "true") -> int:
    return int(_rows(f'SELECT count(*) FROM "{table}" WHERE {where}')[0][0])


def _tenant_tables() -> list[str]:
    return [str(row[0]) for row in _rows(OWNED_TABLES)]


def _models_of_users() -> dict[str, type[models.Model]]:
    """Every table whose model points to a user, also through a many-to-many."""
    user = get_user_model()
    found = [m for m in apps.get_models(include_auto_created=True) if m is not user]
    return {
        model._meta.db_table: model
        for model in found
        if any(field.is_relation and field.related_model is user for field in model._meta.concrete_fields)
    }


@pytest.fixture
def everything(owner: Any, other: Any) -> Portfolio:
    make_portfolio(other)
    return make_everything(owner)


@pytest.mark.django_db
def test_every_table_with_an_owner_has_forced_row_security() -> None:
    tables = _rows(OWNED_TABLES)
    assert len(tables) >= 11
    for table, enabled, forced, using, checking in tables:
        assert (enabled, forced) == (True, True), table
        assert len(using) == len(checking) == 1, f"{table}: a second permissive policy would widen the first"
        for expression in (*using, *checking):
            assert "owner_id = (NULLIF(current_setting('app.user_id'::text, true), ''::text))::bigint" in expression, (
                table
            )


@pytest.mark.django_db
def test_no_partition_is_within_the_reach_of_the_web_role() -> None:
    assert _count("pg_class", "relispartition AND relkind = 'r'") > 10
    assert _rows(PARTITIONS_WITHIN_REACH, {"web": settings.WEB_ROLE}) == []


@pytest.mark.django_db
def test_every_model_of_a_user_is_a_tenant_table_or_says_why_not() -> None:
    assert set(_models_of_users()) == set(_tenant_tables()) | set(NOT_TENANT_TABLES)


@pytest.mark.django_db
def test_every_key_between_tenants_rows_holds_the_owner_too() -> None:
    tenants = {table: model for table, model in _models_of_users().items() if table not in NOT_TENANT_TABLES}
    keys = {
        (table, field.column)
        for table, model in tenants.items()
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and field.related_model._meta.db_table in tenants
    }
    held = {tuple(str(row[0]).split(".")) for row in _rows(OWNER_KEYS)}
    assert len(keys) >= 8
    assert keys - held == set(UNHELD_KEYS)


@pytest.mark.django_db
def test_no_row_of_a_tenant_is_reached_through_a_table_without_owner() -> None:
    tenants = set(_tenant_tables())
    reaching = {
        (model._meta.db_table, field.name)
        for model in apps.get_models(include_auto_created=True)
        if model._meta.db_table not in tenants
        for field in model._meta.concrete_fields
        if field.is_relation and field.related_model._meta.db_table in tenants
    }
    # Operators' rows: test_webhook_events_are_for_operators.
    assert reaching <= {("plaid_link_webhookevent", "item")}


@pytest.mark.django_db
def test_the_roles_are_what_row_security_needs() -> None:
    roles = dict(_rows("SELECT rolname, (rolsuper, rolbypassrls)::text FROM pg_roles WHERE rolname LIKE 'longview%%'"))
    assert roles[settings.WEB_ROLE] == "(f,f)"
    assert roles[settings.WORKER_ROLE] == "(f,t)"
    owned = "relowner = (SELECT oid FROM pg_roles WHERE rolname = 'longview_web')"
    assert _count("pg_class", owned) == 0


def test_each_sees_their_own_rows_and_no_others(everything: Portfolio, other: Any, as_web: AsWeb) -> None:
    tables = _tenant_tables()
    for table in tables:
        assert _count(table, f"owner_id = {everything.owner.pk}"), f"{table}: tests.everything makes no row of it"
    for user in (everything.owner, other):
        theirs = {table: _count(table, f"owner_id = {user.pk}") for table in tables}
        with as_web(user):
            assert {table: _count(table) for table in tables} == theirs


def test_with_no_user_named_no_row_is_there(everything: Portfolio, as_web: AsWeb) -> None:
    with as_web():
        assert {table: _count(table) for table in _tenant_tables()} == dict.fromkeys(_tenant_tables(), 0)


def test_a_single_question_sees_the_rows_of_one_owner(everything: Portfolio, other: Any, as_web: AsWeb) -> None:
    for user in (everything.owner, other):
        with as_web():
            assert rls.ask(user.pk, "SELECT DISTINCT owner_id FROM investments_account", []) == [(user.pk,)]


@pytest.mark.django_db(transaction=True)
def test_after_a_single_question_nobody_is_named() -> None:
    named = "SELECT NULLIF(current_setting('app.user_id', true), '')"
    assert (rls.ask(7, named, []), _rows(named, {})) == ([("7",)], [(None,)])


def test_rows_of_another_cannot_be_changed_or_deleted(everything: Portfolio, other: Any, as_web: AsWeb) -> None:
    for table in _tenant_tables():
        for statement in (f'UPDATE "{table}" SET owner_id = owner_id', f'DELETE FROM "{table}"'):
            assert _touched(as_web, other, f"{statement} WHERE owner_id = {everything.owner.pk}") == 0, statement


def test_rows_cannot_be_given_to_another(everything: Portfolio, other: Any, as_web: AsWeb) -> None:
    for table in _tenant_tables():
        with pytest.raises(DatabaseError) as refused, as_web(everything.owner):
            _rows(f'UPDATE "{table}" SET owner_id = {other.pk} RETURNING 1')
        assert isinstance(refused.value.__cause__, InsufficientPrivilege), table


def test_rows_cannot_be_added_for_another(everything: Portfolio, other: Any, as_web: AsWeb) -> None:
    for table in _tenant_tables():
        row = _rows(f'SELECT to_jsonb(t)::text FROM "{table}" t WHERE owner_id = {everything.owner.pk}')[0][0]
        columns = ", ".join(f'"{name}"' for (name,) in _rows(WRITABLE, [table]))
        copied = f'SELECT {columns} FROM jsonb_populate_record(NULL::"{table}", %s)'
        with pytest.raises(DatabaseError) as refused, as_web(other):
            _rows(f'INSERT INTO "{table}" ({columns}) {copied} RETURNING 1', [row])
        assert isinstance(refused.value.__cause__, InsufficientPrivilege), table


def _touched(as_web: AsWeb, user: Any, statement: str) -> int:
    """How many rows the statement touches as the web role; 0 when that has no right to it at all."""
    try:
        with as_web(user), connection.cursor() as cursor:
            cursor.execute(statement)
            return int(cursor.rowcount)
    except DatabaseError as error:
        if not isinstance(error.__cause__, InsufficientPrivilege):
            raise
        return 0


def test_ones_own_row_cannot_point_to_anothers_account(everything: Portfolio, other: Any, as_web: AsWeb) -> None:
    security = everything.securities["sec-usd"]
    held = Holding(
        owner=other, account=everything.ira, security=security, quantity=1, institution_price=1, institution_value=1
    )
    booked = Transaction(owner=other, account=everything.ira, idempotency_key="x", type="fee", date=TODAY, amount=1)
    for row in (held, booked):
        assert isinstance(_refusal(as_web, other, row), ForeignKeyViolation)


def test_a_version_cannot_supersede_anothers(everything: Portfolio, other: Any, as_web: AsWeb) -> None:
    theirs = Transaction.objects.for_user(everything.owner).current().filter(account=everything.brokerage)[0]
    own = Transaction.objects.for_user(other)[0]
    forged = Transaction(
        owner=other,
        account=own.account,
        idempotency_key="x",
        type="fee",
        date=TODAY,
        amount=1,
        supersedes_id=theirs.pk,
    )
    assert isinstance(_refusal(as_web, other, forged), ForeignKeyViolation)


def _refusal(as_web: AsWeb, user: Any, row: models.Model) -> BaseException | None:
    with as_web(user):
        _execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            row.save()
        _execute("SET CONSTRAINTS ALL DEFERRED")
    return refused.value.__cause__


def _execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_the_ledger_is_append_only_even_for_its_owner(everything: Portfolio, as_web: AsWeb) -> None:
    for statement in ("UPDATE investments_transaction SET amount = 0", "DELETE FROM investments_transaction"):
        with pytest.raises(DatabaseError) as refused, as_web(everything.owner):
            _execute(statement)
        assert isinstance(refused.value.__cause__, InsufficientPrivilege)


def test_webhook_events_are_for_operators(everything: Portfolio, as_web: AsWeb) -> None:
    from plaid_link.models import WebhookEvent

    WebhookEvent.objects.create(payload={}, body_size=2, body_sha256="0" * 64)
    with as_web(everything.owner):
        assert _count("plaid_link_webhookevent") == 0


@pytest.mark.django_db(transaction=True)
def test_the_tenant_ends_with_the_transaction(django_user_model: Any) -> None:
    owner = django_user_model.objects.create_user(email="owner@example.com")
    make_portfolio(owner)
    _execute(f"SET ROLE {settings.WEB_ROLE}")
    try:
        with rls.tenant(owner.pk):
            assert _count("investments_account") == 2
        assert _count("investments_account") == 0
        with pytest.raises(ZeroDivisionError), rls.tenant(owner.pk):
            raise ZeroDivisionError
        assert _count("investments_account") == 0
    finally:
        _execute("RESET ROLE")


@pytest.mark.django_db(transaction=True)
def test_a_request_leaves_no_tenant_behind(django_user_model: Any, client: Any) -> None:
    owner = django_user_model.objects.create_user(email="owner@example.com")
    make_portfolio(owner)
    client.force_login(owner)
    _execute(f"SET ROLE {settings.WEB_ROLE}")
    try:
        assert client.get("/api/investments/accounts").json()["total_count"] == 2
        assert _count("investments_account") == 0
    finally:
        _execute("RESET ROLE")


@pytest.mark.django_db(transaction=True)
def test_a_tenant_cannot_be_set_outside_of_a_transaction() -> None:
    assert transaction.get_autocommit()
    with pytest.raises(RuntimeError, match="per transaction"):
        rls.set_tenant(1)
