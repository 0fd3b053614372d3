from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("history", "0019_kept_histories")]

    operations = [
        migrations.AddField(
            model_name="providerusage",
            name="rejected",
            field=models.PositiveIntegerField(
                db_default=0, default=0, help_text="Prices and quotes that could not be true and were not kept."
            ),
        ),
    ]
