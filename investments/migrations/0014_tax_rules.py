import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from portfolio_site.lib.audit import Audited
from portfolio_site.lib.rls import TenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("investments", "0013_unrealized_gain"),
        ("portfolio_site", "0006_audit_and_privacy"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="IdenticalGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["name", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("owner", "name"), name="identical_group_once"),
                    models.UniqueConstraint(fields=("id", "owner"), name="identical_group_of_owner"),
                ],
            },
        ),
        migrations.CreateModel(
            name="IdenticalSecurity",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "owner",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="investments.identicalgroup",
                    ),
                ),
                (
                    "security",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="investments.security"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "identical securities",
                "ordering": ["group_id", "security__ticker_symbol", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("owner", "security"), name="identical_security_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="TaxRules",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "owner",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tax_rules",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "same_lot",
                    models.BooleanField(
                        default=False,
                        help_text="What is left of a lot of which a part is sold at a loss replaces that part.",
                    ),
                ),
            ],
            options={"verbose_name_plural": "tax rules"},
        ),
        TenantTable("investments_identicalgroup"),
        TenantTable("investments_identicalsecurity", parents=[("group_id", "investments_identicalgroup")]),
        TenantTable("investments_taxrules"),
        *map(Audited, ("investments_identicalgroup", "investments_identicalsecurity", "investments_taxrules")),
    ]
