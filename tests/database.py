"""What tests that commit leave behind."""

from django.apps import apps
from django.db import connection, transaction


def empty_unmanaged() -> None:
    """The tables that SQL makes and no model manages, which Django's own flush leaves full."""
    for model in apps.get_models():
        if not model._meta.managed:
            _truncate(model._meta.db_table)


def _truncate(table: str) -> None:
    """Past what keeps the audit trail from being emptied."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(f"TRUNCATE {table}")
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
