from django.db import migrations, models

# What was asked for and not answered is asked for again.
ANSWERED = """
UPDATE history_currencyrange c SET asked_to = LEAST(c.asked_to, COALESCE(
    (SELECT max(f.day) FROM history_fxrate f WHERE f.base = c.currency AND f.quote = 'USD'), c.asked_from - 1))
"""


class Migration(migrations.Migration):
    dependencies = [("history", "0014_partitions_ahead")]

    operations = [
        migrations.AddField("currencyrange", "asked_at", models.DateTimeField(null=True)),
        migrations.RunSQL(ANSWERED, migrations.RunSQL.noop),
    ]
