from django.db import migrations

from portfolio_site.lib.rls import TenantTable


class Migration(migrations.Migration):
    dependencies = [("plaid_link", "0002_initial"), ("investments", "0003_row_security")]

    operations = [
        TenantTable("plaid_link_item"),
        TenantTable(
            "plaid_link_linkedaccount",
            parents=[("item_id", "plaid_link_item"), ("account_id", "investments_account")],
        ),
        TenantTable("plaid_link_syncrun", parents=[("item_id", "plaid_link_item")]),
    ]
