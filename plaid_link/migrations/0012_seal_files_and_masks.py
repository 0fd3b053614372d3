from django.db import migrations

from portfolio_site.lib.sealed import SealedBinaryField, SealedJSONField, SealedTextField
from portfolio_site.lib.sealing import SealColumns


class Migration(migrations.Migration):
    """Files name their owner and account, in their names and headings too."""

    atomic = False  # each batch of rows is a transaction

    dependencies = [("plaid_link", "0011_sync_runs_by_time"), ("portfolio_site", "0006_audit_and_privacy")]

    operations = [
        SealColumns("plaid_link.UnplacedAccount", mask=SealedTextField(blank=True, max_length=10)),
        SealColumns(
            "plaid_link.ImportBatch",
            file_name=SealedTextField(max_length=200),
            file=SealedBinaryField(
                default=b"", editable=False, help_text="Compressed; emptied once it is stored."
            ),
            sample=SealedJSONField(blank=True, default=list, help_text="Its first rows."),
        ),
    ]
