"""Columns that are encrypted at rest: who somebody is, the numbers of their accounts, their files.

In PostgreSQL such a column is bytes that only the keyring opens, for this table and column; in Python it is what it
would be without. It can be compared with nothing, so nothing is filtered by it, and asking for that is an error.
An e-mail address stands behind its keyed hash (`lib.blind_index`): it can be looked up, whole, and exists once.
"""

import json
from typing import Any, Final

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.backends.ddl_references import Statement, Table
from django.db.models.lookups import Lookup

from portfolio_site.lib import blind_index
from portfolio_site.lib.crypto import keyring

# The part of a sealed e-mail address that is its hash.
DIGEST: Final = "SUBSTRING({column}, 1, 32)"
BY_ADDRESS: Final = frozenset({"exact", "iexact", "in"})


class Opened(str):
    """A text as it was read. Stored again unchanged, it is stored as it was, and the audit trail sees no change."""

    context: bytes
    sealed: bytes


class Sealed(models.Field):  # type: ignore[type-arg]
    """What sealed fields have in common. Nothing is stored as nothing."""

    hash_bytes: int = 0

    def db_type(self, connection: Any) -> str:
        return "bytea"

    def get_internal_type(self) -> str:
        return "BinaryField"

    @property
    def context(self) -> bytes:
        """Where a value opens."""
        return f"{self.model._meta.db_table}.{self.column}".encode()

    def get_lookup(self, lookup_name: str) -> Any:
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return value if value is None else self.seal(value)

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        return value if hasattr(value, "as_sql") else self.get_db_prep_value(value, connection)

    def from_db_value(self, value: Any, *_: Any) -> Any:
        return value if value is None else self.open(bytes(value))

    def seal(self, value: Any) -> bytes:
        """The value as it is stored."""
        plain = self._to_bytes(value)
        return self._hash(plain) + keyring().seal(plain, context=self.context) if plain else b""

    def open(self, stored: bytes) -> Any:
        """The value that was stored. Raises SealBroken."""
        sealed = stored[self.hash_bytes :]
        return self._from_bytes(keyring().open(sealed, context=self.context) if sealed else b"")

    def anew(self, stored: bytes) -> bytes:
        """The same value under the current keys; the same bytes where it was under them before. Raises SealBroken."""
        sealed = stored[self.hash_bytes :]
        if not sealed:
            return stored
        plain = keyring().open(sealed, context=self.context)
        found_by = self._hash(plain)
        if keyring().is_current(sealed) and stored.startswith(found_by):
            return stored
        return found_by + keyring().seal(plain, context=self.context)

    def _hash(self, plain: bytes) -> bytes:
        return b""

    def _to_bytes(self, value: Any) -> bytes:
        return bytes(value)

    def _from_bytes(self, plain: bytes) -> Any:
        return plain


class SealedTextField(Sealed, models.CharField):  # type: ignore[type-arg]
    """A text."""

    def seal(self, value: Any) -> bytes:
        if isinstance(value, Opened) and value.context == self.context:
            return value.sealed
        return super().seal(value)

    def open(self, stored: bytes) -> Opened:
        opened = Opened(super().open(stored))
        opened.context, opened.sealed = self.context, stored
        return opened

    def _to_bytes(self, value: Any) -> bytes:
        return str(value).encode()

    def _from_bytes(self, plain: bytes) -> str:
        return plain.decode()


class SealedBinaryField(Sealed, models.BinaryField):  # type: ignore[type-arg]
    """Bytes: a file, an answer."""


class SealedJSONField(Sealed, models.JSONField):
    """Anything that JSON can say."""

    def _to_bytes(self, value: Any) -> bytes:
        return json.dumps(value, cls=DjangoJSONEncoder).encode()

    def _from_bytes(self, plain: bytes) -> Any:
        return json.loads(plain) if plain else None


class SealedEmailField(SealedTextField, models.EmailField):  # type: ignore[type-arg]
    """An e-mail address in lower case: its keyed hash, and behind it the sealed address."""

    hash_bytes = blind_index.BYTES

    def get_lookup(self, lookup_name: str) -> Any:
        return ByAddress if lookup_name in BY_ADDRESS else super().get_lookup(lookup_name)

    def _hash(self, plain: bytes) -> bytes:
        return blind_index.blind_indexes(plain.decode())[0]

    def _to_bytes(self, value: Any) -> bytes:
        return blind_index.normal(str(value)).encode()


class ByAddress(Lookup):
    """`email="..."` and `email__in=[...]`: by the keyed hashes of the addresses, whichever key made them."""

    lookup_name = "exact"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        column, parameters = compiler.compile(self.lhs)
        addresses = [self.rhs] if isinstance(self.rhs, str) else list(self.rhs)
        digests = [digest for address in addresses for digest in blind_index.blind_indexes(address)]
        return f"{DIGEST.format(column=column)} = ANY(%s)", [*parameters, digests]


class UniqueAddress(models.UniqueConstraint):
    """One row for each address of a sealed e-mail field."""

    def constraint_sql(self, model: Any, schema_editor: Any) -> Any:
        """Indexes on expressions cannot be part of CREATE TABLE."""
        schema_editor.deferred_sql.append(self.create_sql(model, schema_editor))

    def create_sql(self, model: Any, schema_editor: Any) -> Any:
        column = schema_editor.quote_name(model._meta.get_field(self.fields[0]).column)
        return Statement(
            "CREATE UNIQUE INDEX %(name)s ON %(table)s (%(digest)s)",
            name=schema_editor.quote_name(self.name),
            table=Table(model._meta.db_table, schema_editor.quote_name),
            digest=DIGEST.format(column=column),
        )

    def remove_sql(self, model: Any, schema_editor: Any) -> Any:
        return Statement("DROP INDEX %(name)s", name=schema_editor.quote_name(self.name))
