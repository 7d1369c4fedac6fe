"""Columns get the names that the code uses now; no value changes."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversations", "0008_other_servers")]

    operations = [
        # The table of postings was made by hand (0001), so its column is renamed by hand too.
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "ALTER TABLE conversations_posting RENAME COLUMN ord TO sort_key",
                    "ALTER TABLE conversations_posting RENAME COLUMN sort_key TO ord",
                )
            ],
            state_operations=[  # its key names the column, so both change at once
                migrations.DeleteModel("Posting"),
                migrations.CreateModel(
                    name="Posting",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "term_id", "sort_key", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("sort_key", models.BigIntegerField()),
                        (
                            "term",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="postings",
                                to="conversations.term",
                            ),
                        ),
                    ],
                ),
            ],
        ),
        migrations.RemoveIndex("conversation", "conversation_by_credential"),
        migrations.RenameField("conversation", "ord", "sort_key"),
        migrations.AddIndex(
            "conversation", models.Index(fields=["credential", "-sort_key"], name="conversation_by_credential")
        ),
        migrations.RemoveIndex("term", "term_by_number"),
        migrations.RemoveIndex("term", "term_of_key"),
        migrations.RenameField("term", "n", "count"),
        migrations.AddIndex(
            "term",
            models.Index(
                condition=models.Q(("count__gte", 2), ("key__isnull", False), ("value__isnull", False)),
                fields=["credential", "key", "-count"],
                name="term_by_count",
            ),
        ),
        migrations.AddIndex(
            "term",
            models.Index(
                condition=models.Q(("value__isnull", True)), fields=["credential", "key", "count"], name="term_of_key"
            ),
        ),
        migrations.RenameField("progress", "ord", "sort_key"),
        migrations.RenameField("progress", "mended", "repaired"),
        migrations.RenameField("credential", "test_answer", "test_message"),
        migrations.RenameField("savedview", "address", "query_string"),
        migrations.RemoveIndex("event", "event_settled"),
        migrations.RemoveIndex("event", "event_unresolved"),
        migrations.RenameField("event", "settled_by", "resolved_by"),
        migrations.AddIndex(
            "event",
            models.Index(
                condition=models.Q(("resolved_by__isnull", False)), fields=["resolved_by"], name="event_resolved"
            ),
        ),
        migrations.AddIndex(
            "event",
            models.Index(
                condition=models.Q(("outcome__in", ["pending", "unknown"]), ("resolved_by", None)),
                fields=["credential", "id"],
                name="event_unresolved",
            ),
        ),
        migrations.RenameField("eventdetail", "wanted", "requested"),
        migrations.RemoveIndex("eraseditem", "erased_item_by_fate"),
        migrations.RenameField("eraseditem", "fate", "outcome"),
        migrations.AddIndex("eraseditem", models.Index(fields=["erasure", "outcome"], name="erased_item_by_outcome")),
        migrations.RenameField("erasure", "found", "first_read"),
        migrations.RenameField("erasure", "emptied", "empty_listing"),
        migrations.RenameField("erasure", "removal", "deletion"),
        migrations.RenameField("erasure", "proof", "last_read"),
    ]
