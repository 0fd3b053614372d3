"""What tests that commit leave behind."""

from django.db import connection


def empty_partitions() -> None:
    """The partitioned tables are made by SQL, so that Django's own flush leaves them full."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE history_price, history_accountday")
