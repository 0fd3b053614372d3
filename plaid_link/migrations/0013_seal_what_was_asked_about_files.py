from django.db import migrations

from portfolio_site.lib.sealed import SealedJSONField
from portfolio_site.lib.sealing import SealColumns


class Migration(migrations.Migration):
    """Where a file is of several accounts, their numbers are what is asked, and what is answered."""

    atomic = False  # each batch of rows is a transaction

    dependencies = [("plaid_link", "0012_seal_files_and_masks")]

    operations = [
        SealColumns(
            "plaid_link.ImportBatch",
            options=SealedJSONField(blank=True, default=dict, help_text="What its owner said about it."),
            questions=SealedJSONField(blank=True, default=list),
        ),
    ]
