from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("investments", "0008_tax_lots")]

    operations = [
        migrations.AddField(
            "holding",
            "market_basis",
            models.DecimalField(
                blank=True, decimal_places=4, help_text="Cost basis in the account's currency.", max_digits=20, null=True
            ),
        ),
    ]
