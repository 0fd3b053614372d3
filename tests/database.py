"""What tests that commit leave behind."""

from django.apps import apps
from django.db import connection


def empty_unmanaged() -> None:
    """The tables that SQL makes and no model manages, which Django's own flush leaves full."""
    unmanaged = [model._meta.db_table for model in apps.get_models() if not model._meta.managed]
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(unmanaged)}")
