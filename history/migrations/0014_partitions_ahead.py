from django.db import migrations

from history.partitions import functions_sql

DROP = "DROP FUNCTION history_add_partition(integer); DROP FUNCTION history_strays()"


class Migration(migrations.Migration):
    """What the worker may do about partitions without owning the tables; its rights are granted after each migrate."""

    dependencies = [("history", "0013_ticker_names")]

    operations = [migrations.RunSQL(functions_sql(), DROP)]
