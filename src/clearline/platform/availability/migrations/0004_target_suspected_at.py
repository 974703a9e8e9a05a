from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('availability', '0003_components'),
    ]

    operations = [
        migrations.AddField(
            model_name='target',
            name='suspected_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
