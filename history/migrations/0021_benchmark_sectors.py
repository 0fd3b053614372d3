from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("history", "0020_rejected_figures")]

    operations = [
        migrations.CreateModel(
            name="BenchmarkSector",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("benchmark", models.CharField(help_text="The symbol, such as SPY.", max_length=40)),
                (
                    "since",
                    models.DateField(
                        help_text="In force from that day on, until the next set; the first set before it too."
                    ),
                ),
                ("sector", models.CharField(help_text="As the securities name it.", max_length=120)),
                (
                    "weight",
                    models.DecimalField(decimal_places=8, help_text="A fraction: 0.31 for 31 %.", max_digits=9),
                ),
                (
                    "proxy",
                    models.CharField(help_text="The symbol of a fund of the sector, such as XLK.", max_length=40),
                ),
            ],
            options={
                "ordering": ["benchmark", "-since", "-weight", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("benchmark", "since", "sector"), name="benchmark_sector_once"),
                    models.CheckConstraint(
                        condition=models.Q(("weight__gt", 0), ("weight__lte", 1)), name="benchmark_sector_weight"
                    ),
                ],
            },
        ),
    ]
