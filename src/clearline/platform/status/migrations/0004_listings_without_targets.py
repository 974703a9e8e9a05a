import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("status", "0003_components_of_listings")]

    operations = [
        migrations.RemoveField(model_name="listing", name="target"),
        migrations.AlterField(
            model_name="listing",
            name="component",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE, related_name="listing", to="availability.component"
            ),
        ),
    ]
