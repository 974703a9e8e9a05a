from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("alerts", "0002_signals")]

    operations = [
        migrations.AlterField(
            model_name="alert",
            name="kind",
            field=models.CharField(
                choices=[
                    ("outage", "Outage"),
                    ("report", "Customer's report"),
                    ("suspicion", "Suspicion"),
                    ("certificate", "Certificate"),
                    ("records", "Measurements"),
                ],
                max_length=20,
            ),
        ),
    ]
