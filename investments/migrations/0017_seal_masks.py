from django.db import migrations

from portfolio_site.lib.audit import Audited
from portfolio_site.lib.sealed import SealedTextField
from portfolio_site.lib.sealing import SealColumns

SYNCED = (
    "ledger_version", "sync_state", "synced_at", "balance_current", "balance_available", "balance_limit",
    "margin_loan_amount", "uninvested_cash", "cash_source",
)
NOT_AUDITED = "DROP TRIGGER IF EXISTS audit ON investments_account"


class Migration(migrations.Migration):
    """The last digits of account numbers. Syncs write them, sealed anew each time: they are nobody's act."""

    atomic = False  # each batch of rows is a transaction

    dependencies = [("investments", "0016_contract_size"), ("portfolio_site", "0006_audit_and_privacy")]

    operations = [
        SealColumns("investments.Account", mask=SealedTextField(blank=True, max_length=10)),
        migrations.RunSQL(NOT_AUDITED, migrations.RunSQL.noop),
        migrations.RunSQL(
            migrations.RunSQL.noop,
            "CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON investments_account FOR EACH ROW EXECUTE FUNCTION "
            f"portfolio_site_audit('owner_id', '{{}}', '{{{','.join(SYNCED)}}}')",
        ),
        Audited("investments_account", ignored=(*SYNCED, "mask")),
    ]
