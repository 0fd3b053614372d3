"""Whole tables sealed, opened and sealed anew, by migrations and `rotate_keys`. Each may be stopped and run again."""

from dataclasses import dataclass, field
from typing import Any, Final

from django.apps import apps
from django.db import connection, models, transaction
from django.db.migrations.operations.base import Operation

from portfolio_site.lib import rls
from portfolio_site.lib.blind_index import lookup_keys
from portfolio_site.lib.crypto import SealBroken, keyring
from portfolio_site.lib.sealed import Sealed

BATCH: Final = 500
# What PostgreSQL is told about a sealed column.
SEALED: Final = "sealed"


@dataclass(slots=True)
class Rotated:
    """How many rows were sealed anew, how many were under the current keys before, and which cannot be opened."""

    sealed_anew: int = 0
    current: int = 0
    broken: list[str] = field(default_factory=list)


def rotate() -> Rotated:
    """Every sealed column under the current keys, a batch per transaction."""
    rotated = Rotated()
    for model in apps.get_models():
        fields = [one for one in model._meta.concrete_fields if isinstance(one, Sealed)]
        if fields:
            _rotate_table(model, fields, rotated)
    return rotated


def _rotate_table(model: type[models.Model], fields: list[Sealed], rotated: Rotated) -> None:
    table, key = f'"{model._meta.db_table}"', f'"{model._meta.pk.column}"'
    stale = " OR ".join(f"({_may_be_stale(one)})" for one in fields)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table} WHERE NOT ({stale})")
        rotated.current += cursor.fetchone()[0]
        cursor.execute(f"SELECT {key} FROM {table} WHERE {stale} ORDER BY {key}")
        keys = [row[0] for row in cursor.fetchall()]
    for start in range(0, len(keys), BATCH):
        with transaction.atomic():
            for pk in keys[start : start + BATCH]:
                _rotate_row(table, key, pk, fields, rotated)


def _may_be_stale(one: Sealed) -> str:
    """SQL: false for what is under the current keys for sure. A hash does not say which key made it."""
    if one.hash_bytes and len(lookup_keys().keys) > 1:
        return f"\"{one.column}\" <> ''"
    prefix = f"{keyring().current}:".encode()
    sealed_with = f'substring("{one.column}", {one.hash_bytes + 1}, {len(prefix)})'
    return f"\"{one.column}\" <> '' AND {sealed_with} <> '\\x{prefix.hex()}'"


def _rotate_row(table: str, key: str, pk: Any, fields: list[Sealed], rotated: Rotated) -> None:
    """One at a time: a row may hold a file."""
    columns = ", ".join(f'"{one.column}"' for one in fields)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {table} WHERE {key} = %s FOR UPDATE", [pk])
        rows = [[bytes(value) for value in row] for row in cursor.fetchall()]
        try:
            anew = [[one.anew(stored) for one, stored in zip(fields, row, strict=True)] for row in rows]
        except SealBroken:
            rotated.broken.append(f"{table.strip(chr(34))} {pk}")
            return
        if anew == rows:
            rotated.current += len(rows)
            return
        values = ", ".join(f'"{one.column}" = %s' for one in fields)
        cursor.execute(f"UPDATE {table} SET {values} WHERE {key} = %s", [*anew[0], pk])
        rotated.sealed_anew += 1


class SealColumns(Operation):
    """Migration operation: columns of a table become sealed; backwards they are opened again.

    The values go into columns beside the old ones, in batches that each commit, so a migration with it is not atomic,
    and goes on where it was stopped; then the columns change places. Nobody may write meanwhile: who wrote the columns
    as they were cannot read what they become. `model` may be of any app: "account.EmailAddress".
    """

    reduces_to_sql = False
    reversible = True

    def __init__(self, model: str, **fields: Any) -> None:
        self.model, self.fields = model, fields

    def state_forwards(self, app_label: str, state: Any) -> None:
        label, name = self.model.split(".")
        for field_name, one in self.fields.items():
            state.alter_field(label, name.lower(), field_name, one, preserve_default=True)

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        label, name = self.model.split(".")
        _Exchange(from_state.apps.get_model(label, name), to_state.apps.get_model(label, name), [*self.fields]).run()

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self.database_forwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        return f"Seal {', '.join(self.fields)} of {self.model}"


class _Exchange:
    """Columns of one kind exchanged for columns of another with the same values."""

    def __init__(self, before: Any, after: Any, names: list[str]) -> None:
        self.before, self.names = before, names
        self.table, self.key = f'"{before._meta.db_table}"', f'"{before._meta.pk.column}"'
        self.fields = [after._meta.get_field(name) for name in names]

    def run(self) -> None:
        if all(self._is_done(one) for one in self.fields):
            return
        for one in self.fields:
            kind = one.db_type(connection)
            _execute(f'ALTER TABLE {self.table} ADD COLUMN IF NOT EXISTS "{one.column}_anew" {kind}')
        while self._fill_batch():
            pass
        with transaction.atomic():
            for one in self.fields:
                self._take_place(one)

    def _fill_batch(self) -> bool:
        """Fill some rows' new columns. Whether there were any."""
        empty = " OR ".join(f'"{one.column}_anew" IS NULL' for one in self.fields)
        values = ", ".join(f'"{one.column}_anew" = %s' for one in self.fields)
        with transaction.atomic():
            rls.set_operator()
            keys = [row[0] for row in _execute(f"SELECT {self.key} FROM {self.table} WHERE {empty} LIMIT {BATCH}")]
            # It is nobody's act, and the trail would name the new columns with their values.
            _execute(f"ALTER TABLE {self.table} DISABLE TRIGGER USER")
            rows = self.before._base_manager.filter(pk__in=keys).values_list("pk", *self.names)
            for pk, *row in rows:
                stored = [one.get_db_prep_save(value, connection) for one, value in zip(self.fields, row, strict=True)]
                _execute(f"UPDATE {self.table} SET {values} WHERE {self.key} = %s", [*stored, pk])
            _execute(f"ALTER TABLE {self.table} ENABLE TRIGGER USER")
        return bool(keys)

    def _is_done(self, one: Any) -> bool:
        """Whether an earlier run, stopped after this, has sealed the column."""
        said = f"SELECT col_description(attrelid, attnum) FROM pg_attribute WHERE attrelid = '{self.table}'::regclass"
        return isinstance(one, Sealed) and _execute(f"{said} AND attname = %s", [one.column]) == [(SEALED,)]

    def _take_place(self, one: Any) -> None:
        _execute(f'ALTER TABLE {self.table} DROP COLUMN "{one.column}"')
        _execute(f'ALTER TABLE {self.table} RENAME COLUMN "{one.column}_anew" TO "{one.column}"')
        _execute(f'ALTER TABLE {self.table} ALTER COLUMN "{one.column}" SET NOT NULL')
        if isinstance(one, Sealed):
            _execute(f"COMMENT ON COLUMN {self.table}.\"{one.column}\" IS '{SEALED}'")
        if one.unique:
            _execute(f'ALTER TABLE {self.table} ADD UNIQUE ("{one.column}")')


def _execute(statement: str, parameters: list[Any] | None = None) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []
