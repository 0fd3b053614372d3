import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from portfolio_site.lib.audit import CREATE, DROP, Audited
from portfolio_site.lib.rls import TenantTable

TIMES = ("last_login", "page_filters")
SYNCED = (
    "ledger_version", "sync_state", "synced_at", "balance_current", "balance_available", "balance_limit",
    "margin_loan_amount", "uninvested_cash", "cash_source",
)


class Migration(migrations.Migration):

    dependencies = [
        ("portfolio_site", "0005_idempotency_keys"),
        ("investments", "0008_tax_lots"),
        ("plaid_link", "0009_unplaced_account"),
        ("history", "0012_corrections"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]

    operations = [
        migrations.RunSQL(CREATE, DROP),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("actor_id", models.BigIntegerField(help_text="Who; empty for the machinery.", null=True)),
                ("subject_id", models.BigIntegerField(help_text="Whose row it is.", null=True)),
                ("role", models.CharField(max_length=63)),
                ("operation", models.CharField(max_length=6)),
                ("table_name", models.CharField(max_length=63)),
                ("row_id", models.CharField(max_length=64)),
                ("old", models.JSONField(null=True)),
                ("new", models.JSONField(null=True)),
                ("request_id", models.CharField(max_length=64)),
            ],
            options={
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit trail",
                "db_table": "portfolio_site_auditentry",
                "ordering": ["-id"],
                "managed": False,
            },
        ),
        migrations.AddField(
            model_name="user",
            name="deletion_requested_at",
            field=models.DateTimeField(
                blank=True, help_text="Deleted for good 30 days later.", null=True
            ),
        ),
        migrations.CreateModel(
            name="DeletionProof",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("user_id", models.BigIntegerField(unique=True)),
                (
                    "email_digest",
                    models.CharField(
                        help_text="HMAC-SHA-256 of the e-mail address under SECRET_KEY: names nobody, and proves whom.",
                        max_length=64,
                    ),
                ),
                ("requested_at", models.DateTimeField()),
                ("deleted_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("rows", models.JSONField(help_text="How many rows of each table there were.")),
            ],
            options={"ordering": ["-deleted_at", "-id"]},
        ),
        migrations.CreateModel(
            name="UserExport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("content", models.BinaryField(help_text="A zip; empty until it is made.")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "job",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="export",
                        to="portfolio_site.job",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={"ordering": ["-created_at", "-id"]},
        ),
        migrations.AddConstraint(
            model_name="job", constraint=models.UniqueConstraint(fields=["id", "owner"], name="job_of_owner")
        ),
        TenantTable("portfolio_site_userexport", parents=[("job_id", "portfolio_site_job")]),
        Audited(
            "portfolio_site_user",
            subject="id",
            hidden=("password", "email", "first_name", "last_name"),
            ignored=TIMES,
        ),
        Audited("portfolio_site_consent"),
        Audited("mfa_authenticator", subject="user_id", hidden=("data",), ignored=("last_used_at",)),
        Audited("investments_account", ignored=SYNCED),
        Audited("investments_lotpick"),
        Audited("investments_transaction", when="NEW.source = 'manual' OR NEW.is_correction"),
        Audited("investments_corporateaction", subject="owner_id", ignored=("recorded_at",)),
        Audited(
            "plaid_link_item",
            hidden=("access_token_encrypted",),
            ignored=("last_synced_at", "next_try_at", "error_code", "error_message", "status"),
        ),
        Audited("history_securitymapping", subject="owner_id", ignored=("mapped_at",)),
        Audited("history_correction", subject="owner_id"),
    ]
