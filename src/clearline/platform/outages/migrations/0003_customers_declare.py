from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("outages", "0002_post_mortems")]

    operations = [
        migrations.AddField(
            model_name="declaration",
            name="source",
            field=models.CharField(
                choices=[("operator", "The provider's own people"), ("customer", "The customer, on its own view")],
                default="operator",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="declaration", name="contact", field=models.CharField(blank=True, max_length=200)
        ),
        migrations.AddField(model_name="declaration", name="answer", field=models.TextField(blank=True)),
    ]
