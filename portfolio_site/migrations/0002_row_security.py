from django.db import migrations

from portfolio_site.lib.rls import TenantTable, create_roles_sql


class Migration(migrations.Migration):
    dependencies = [("portfolio_site", "0001_initial")]

    operations = [
        migrations.RunSQL(create_roles_sql(), migrations.RunSQL.noop),
        TenantTable("portfolio_site_consent"),
        TenantTable("portfolio_site_job"),
    ]
