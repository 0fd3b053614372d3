"""A version may only supersede one of the same owner: plain foreign keys ignore row security."""

from django.db import migrations, models

ADD_KEY = """
ALTER TABLE investments_transaction ADD CONSTRAINT investments_transaction_supersedes_id_owner_fk
    FOREIGN KEY (supersedes_id, owner_id) REFERENCES investments_transaction (id, owner_id)
    DEFERRABLE INITIALLY DEFERRED
"""
DROP_KEY = "ALTER TABLE investments_transaction DROP CONSTRAINT investments_transaction_supersedes_id_owner_fk"


class Migration(migrations.Migration):
    dependencies = [("investments", "0003_row_security")]

    operations = [
        migrations.AddConstraint(
            model_name="transaction",
            constraint=models.UniqueConstraint(fields=("id", "owner"), name="transaction_of_owner"),
        ),
        migrations.RunSQL(ADD_KEY, DROP_KEY),
    ]
