from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Made without holding up syncs that write meanwhile."""

    atomic = False
    dependencies = [("plaid_link", "0010_import_batches")]
    operations = [
        AddIndexConcurrently(
            model_name="syncrun",
            index=models.Index(fields=["-started_at"], name="sync_run_newest"),
        ),
    ]
