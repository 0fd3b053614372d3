"""Row-level security: who may see which row is decided by PostgreSQL, not by remembering to filter.

Every tenant table carries `owner_id` and gets a FORCEd policy on `current_setting('app.user_id')`. The setting is made
with `set_config(..., is_local => true)`, so it ends with the transaction and cannot leak to the next client of a
pooled connection.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.operations.base import Operation
from structlog.contextvars import get_contextvars

# After a transaction that used SET LOCAL the setting reads '' rather than NULL, hence NULLIF.
TENANT = "NULLIF(current_setting('app.user_id', true), '')::bigint"
OPERATOR = "COALESCE(current_setting('app.operator', true), '') = 'on'"
# What makes a user the tenant until the transaction ends.
SET_TENANT = "set_config('app.user_id', %s, true), set_config('app.request_id', %s, true)"

CREATE_ROLES = """
DO $$ BEGIN
    CREATE ROLE {web} NOLOGIN NOSUPERUSER NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
DO $$ BEGIN
    CREATE ROLE {worker} NOLOGIN NOSUPERUSER BYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
"""

# Partitions are left out on purpose: a partition queried directly escapes its parent's policy.
PARENT_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY c.relname
"""

# What the web role may do less than everything with: the ledger is append-only, history and lots are written by workers
# (and have no keys that would hold a row to its owner), migrations are none of its business.
WEB_RIGHTS = {
    "history_accountday": "SELECT",
    "history_intradayvalue": "SELECT",
    "history_correction": "SELECT, INSERT",
    "investments_ownerlots": "SELECT",
    "investments_realizedlot": "SELECT",
    "investments_taxlot": "SELECT",
    "investments_transaction": "SELECT, INSERT",
    "investments_washsale": "SELECT",
    "django_migrations": "SELECT",
    "portfolio_site_auditentry": "SELECT",
    "portfolio_site_deletionproof": "SELECT",
}
# Workers may do everything else; of the trail they delete what the policy says is old enough.
WORKER_RIGHTS = {"portfolio_site_auditentry": "SELECT, DELETE"}

# Functions that run with their owner's rights: who may call them.
FUNCTION_RIGHTS = {
    "history_add_partition(integer)": (settings.WORKER_ROLE,),
    "history_strays()": (settings.WORKER_ROLE, settings.WEB_ROLE),
}


def create_roles_sql() -> str:
    """SQL that creates the web and worker roles where they are missing (roles belong to the cluster)."""
    return CREATE_ROLES.format(web=settings.WEB_ROLE, worker=settings.WORKER_ROLE)


def grant_roles(**_kwargs: Any) -> None:
    """Give the web and worker roles their rights on every parent table; runs after each migrate."""
    with transaction.atomic(), connection.cursor() as cursor:
        # Roles are shared by all databases of a cluster: one grant at a time, or catalog rows collide.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('longview.grant_roles'))")
        cursor.execute(create_roles_sql())
        cursor.execute(PARENT_TABLES)
        tables = [row[0] for row in cursor.fetchall()]
        everything = "SELECT, INSERT, UPDATE, DELETE"
        statements = [f"GRANT USAGE ON SCHEMA public TO {settings.WEB_ROLE}, {settings.WORKER_ROLE}"]
        for table in tables:
            statements.append(f'REVOKE ALL ON "{table}" FROM {settings.WORKER_ROLE}')
            statements.append(f'GRANT {WORKER_RIGHTS.get(table, everything)} ON "{table}" TO {settings.WORKER_ROLE}')
            statements.append(f'REVOKE ALL ON "{table}" FROM {settings.WEB_ROLE}')
            statements.append(f'GRANT {WEB_RIGHTS.get(table, everything)} ON "{table}" TO {settings.WEB_ROLE}')
        statements += [
            f"GRANT EXECUTE ON FUNCTION {function} TO {', '.join(roles)}"
            for function, roles in FUNCTION_RIGHTS.items()
            if _exists(cursor, function)
        ]
        statements.append(
            f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {settings.WEB_ROLE}, {settings.WORKER_ROLE}"
        )
        cursor.execute("; ".join(statements))


def _exists(cursor: Any, function: str) -> bool:
    cursor.execute("SELECT to_regprocedure(%s) IS NOT NULL", [function])
    return bool(cursor.fetchone()[0])


def tenant_values(user_id: int) -> list[str]:
    """The parameters of SET_TENANT; the audit trail names the request."""
    return [str(user_id), str(get_contextvars().get("request_id", ""))]


def set_tenant(user_id: int) -> None:
    """Make the rows of `user_id` visible until the current transaction ends."""
    _set_local(SET_TENANT, tenant_values(user_id))


def set_operator() -> None:
    """Make the rows of every owner visible until the transaction ends: staff in the admin, and staff-only routes."""
    _set_local("set_config('app.operator', 'on', true)", [])


def _set_local(sql: str, parameters: list[str]) -> None:
    if not connection.in_atomic_block:
        raise RuntimeError("Whose rows are visible is set per transaction; there is none")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {sql}", parameters)


def ask(user_id: int, sql: str, parameters: Sequence[Any]) -> list[Any]:
    """The rows of one query to which only the rows of `user_id` are visible.

    Both statements go to PostgreSQL as one message, which it runs as one transaction where none is open: one round trip
    instead of four. For reading what a whole answer may turn on.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {SET_TENANT}; {sql}", [*tenant_values(user_id), *parameters])
        cursor.nextset()
        rows: list[Any] = cursor.fetchall()
        return rows


@contextmanager
def tenant(user_id: int) -> Iterator[None]:
    """A transaction in which only the rows of `user_id` are visible."""
    with transaction.atomic():
        set_tenant(user_id)
        yield


class TenantTable(Operation):
    """Migration operation: forced row security on a table, and composite keys that hold a row to its parent's owner.

    Plain foreign keys ignore row security: a row could name another owner's account. `parents` lists
    `(column, parent_table)`; each becomes `FOREIGN KEY (column, owner_id) REFERENCES parent (id, owner_id)`.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, table: str, parents: Sequence[tuple[str, str]] = ()) -> None:
        self.table = table
        self.parents = tuple(parents)

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing of the model state changes."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        schema_editor.execute(f'ALTER TABLE "{self.table}" ENABLE ROW LEVEL SECURITY')
        schema_editor.execute(f'ALTER TABLE "{self.table}" FORCE ROW LEVEL SECURITY')
        schema_editor.execute(
            f'CREATE POLICY tenant ON "{self.table}" USING (owner_id = {TENANT} OR {OPERATOR}) '
            f"WITH CHECK (owner_id = {TENANT} OR {OPERATOR})"
        )
        for column, parent in self.parents:
            schema_editor.execute(
                f'ALTER TABLE "{self.table}" ADD CONSTRAINT "{self._constraint(column)}" '
                f'FOREIGN KEY ("{column}", owner_id) REFERENCES "{parent}" (id, owner_id) '
                "DEFERRABLE INITIALLY DEFERRED"
            )

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for column, _parent in self.parents:
            schema_editor.execute(f'ALTER TABLE "{self.table}" DROP CONSTRAINT "{self._constraint(column)}"')
        schema_editor.execute(f'DROP POLICY tenant ON "{self.table}"')
        schema_editor.execute(f'ALTER TABLE "{self.table}" NO FORCE ROW LEVEL SECURITY')
        schema_editor.execute(f'ALTER TABLE "{self.table}" DISABLE ROW LEVEL SECURITY')

    def _constraint(self, column: str) -> str:
        return f"{self.table}_{column}_owner_fk"

    def describe(self) -> str:
        return f"Row-level security on {self.table}"
