"""Lots are derived, and only workers write them: `recompute_lots` holds the owner's accounts once for all of its rows.

The keys asked for the account of each of thousands of rows again, half of what writing them cost PostgreSQL.
"""

from django.db import migrations

KEYS = (
    ("investments_taxlot", "account_id"),
    ("investments_realizedlot", "account_id"),
    ("investments_washsale", "account_id"),
    ("investments_washsale", "replacement_account_id"),
)


class Migration(migrations.Migration):
    dependencies = [("investments", "0014_tax_rules")]

    operations = [
        migrations.RunSQL(
            f"ALTER TABLE {table} DROP CONSTRAINT {table}_{column}_owner_fk",
            f"ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_owner_fk FOREIGN KEY ({column}, owner_id) "
            "REFERENCES investments_account (id, owner_id) DEFERRABLE INITIALLY DEFERRED",
        )
        for table, column in KEYS
    ]
