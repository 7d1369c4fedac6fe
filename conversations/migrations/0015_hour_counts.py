import django.db.models.deletion
from django.db import migrations, models

COUNT = """INSERT INTO conversations_hourcount (credential_id, hour, count)
    SELECT credential_id, (sort_key >> 17) / 3600 AS hour, COUNT(*) FROM conversations_conversation
    GROUP BY credential_id, hour"""


class Migration(migrations.Migration):
    dependencies = [("conversations", "0014_credential_rate_limits")]

    operations = [
        migrations.CreateModel(
            name="HourCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hour", models.PositiveIntegerField(help_text="Since the epoch of the sort keys.")),
                ("count", models.BigIntegerField()),
                (
                    "credential",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="conversations.credential",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["credential", "hour", "count"], name="hour_with_count")],
                "constraints": [models.UniqueConstraint(fields=("credential", "hour"), name="hour_once")],
            },
        ),
        migrations.RunSQL(COUNT, migrations.RunSQL.noop),
    ]
