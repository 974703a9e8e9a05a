import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("availability", "0003_components"), ("status", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="listing",
            name="component",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="listing",
                to="availability.component",
            ),
        ),
    ]
