from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversations", "0015_hour_counts")]

    operations = [
        migrations.AddIndex(
            model_name="erasure",
            index=models.Index(
                condition=models.Q(("stage__in", ["running", "stopped"])),
                fields=["credential", "id"],
                name="erasure_unfinished",
            ),
        ),
    ]
