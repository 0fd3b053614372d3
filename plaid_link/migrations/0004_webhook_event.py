import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from portfolio_site.lib.rls import OPERATOR

TABLE = "plaid_link_webhookevent"

# No owner: Plaid is no tenant. The web process may put an event in, blindly; only operators read and change them.
ROW_SECURITY = [
    f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY",
    f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY",
    f"CREATE POLICY receive ON {TABLE} FOR INSERT WITH CHECK (true)",
    f"CREATE POLICY operator_reads ON {TABLE} FOR SELECT USING ({OPERATOR})",
    f"CREATE POLICY operator_changes ON {TABLE} FOR UPDATE USING ({OPERATOR})",
]
NO_ROW_SECURITY = [
    f"DROP POLICY operator_changes ON {TABLE}",
    f"DROP POLICY operator_reads ON {TABLE}",
    f"DROP POLICY receive ON {TABLE}",
    f"ALTER TABLE {TABLE} NO FORCE ROW LEVEL SECURITY",
    f"ALTER TABLE {TABLE} DISABLE ROW LEVEL SECURITY",
]
# Done by the database, which row security does not hide the events from.
ITEM = f"""ALTER TABLE {TABLE} ADD CONSTRAINT {TABLE}_item_fk
    FOREIGN KEY (item_id) REFERENCES plaid_link_item (id) ON DELETE SET NULL"""
NO_ITEM = f"ALTER TABLE {TABLE} DROP CONSTRAINT {TABLE}_item_fk"


class Migration(migrations.Migration):
    dependencies = [("plaid_link", "0003_row_security")]

    operations = [
        migrations.CreateModel(
            name='WebhookEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('payload', models.JSONField()),
                ('body_size', models.PositiveIntegerField(help_text='Bytes of the raw body.')),
                ('body_sha256', models.CharField(help_text='Of the raw body, in hex.', max_length=64)),
                ('headers_digest', models.CharField(blank=True, help_text='SHA-256 of what Plaid signed: equal for two copies of one delivery.', max_length=64)),
                ('item_external_id', models.CharField(blank=True, max_length=100)),
                ('webhook_type', models.CharField(blank=True, max_length=60)),
                ('webhook_code', models.CharField(blank=True, max_length=60)),
                ('environment', models.CharField(blank=True, max_length=20)),
                ('received_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('status', models.CharField(choices=[('received', 'Waiting'), ('processing', 'Being handled'), ('done', 'Done'), ('failed', 'Failed for good'), ('parked', 'Parked: no such item here'), ('ignored', 'Ignored')], default='received', max_length=10)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('next_try_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('duration_ms', models.PositiveIntegerField(blank=True, null=True)),
                ('error', models.CharField(blank=True, max_length=500)),
                ('item', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='webhook_events', to='plaid_link.item')),
                ('replay_of', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='replays', to='plaid_link.webhookevent')),
            ],
            options={
                'ordering': ['-received_at', '-id'],
                'indexes': [models.Index(condition=models.Q(('status__in', ['received', 'processing'])), fields=['next_try_at', 'id'], name='webhook_event_waiting'), models.Index(fields=['item_external_id', '-received_at'], name='webhook_event_item_newest'), models.Index(fields=['-received_at', '-id'], name='webhook_event_newest')],
            },
        ),
        migrations.RunSQL([*ROW_SECURITY, ITEM], [NO_ITEM, *NO_ROW_SECURITY]),
    ]
