from django.db import migrations, models

# What everybody agreed to last; whoever never did is asked.
AGREED = """
SELECT set_config('app.operator', 'on', true);
UPDATE portfolio_site_user u SET terms_version = c.version
FROM (
    SELECT DISTINCT ON (owner_id) owner_id, version FROM portfolio_site_consent
    WHERE document = 'terms' ORDER BY owner_id, given_at DESC, id DESC
) c
WHERE c.owner_id = u.id;
SELECT set_config('app.operator', '', true);
"""


class Migration(migrations.Migration):
    dependencies = [("portfolio_site", "0006_audit_and_privacy")]
    operations = [
        migrations.AlterModelOptions(name="consent", options={"ordering": ["-given_at", "-id"]}),
        migrations.AddField(
            model_name="user",
            name="terms_version",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="Agreed to last; `consents` says when.", max_length=20
            ),
        ),
        migrations.RunSQL(AGREED, migrations.RunSQL.noop),
    ]
