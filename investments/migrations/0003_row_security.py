from django.db import migrations

from portfolio_site.lib.rls import TenantTable


class Migration(migrations.Migration):
    dependencies = [("investments", "0002_initial"), ("portfolio_site", "0002_row_security")]

    operations = [
        TenantTable("investments_account"),
        TenantTable("investments_holding", parents=[("account_id", "investments_account")]),
        TenantTable(
            "investments_transaction",
            parents=[("account_id", "investments_account")],
        ),
    ]
